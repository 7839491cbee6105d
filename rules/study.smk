# The page of a published study. Contract: changing what it shows never measures again.


if CONFIG["study"]:

    rule study:
        """What a published study said, and what is found here: one page, from the records alone."""
        input:
            environment=environment_of("report"),
            plan=f"{ARTIFACTS}/plan.json",
            csv=f"{REPORTS}/results.csv",
            finals=paths.finals_record(ARTIFACTS, HOST),
        output:
            page=f"{REPORTS}/study.md",
        log:
            f"{REPORTS}/logs/study.log",
        conda:
            conda_of("report")
        params:
            study=CONFIG["study"],
            said=keys.file_key(ROOT / paths.ORIGINALS / f"{CONFIG['study']}.toml"),
            code=code_hash("scripts.report.study"),
            templates=keys.files_key(ROOT / "scripts/report/templates"),
            others=others_key(),
            env=environment_key("report"),
        message:
            "Writing the page of the study"
        shell:
            words(
                IN_REPORT,
                "scripts.report.study --plan {input.plan:q} --csv {input.csv:q}",
                '--artifacts "$(dirname {input.plan:q})"',
                "--study {params.study} --out {output.page:q} 2>&1 | tee {log:q}",
            )
