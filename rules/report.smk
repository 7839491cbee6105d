# From records to an answer. Contract: changing these never measures again.


# These run in the environment `report`, whose interpreter its record names.
IN_REPORT = 'exec "$ASSAY_PYTHON" -m scripts.core.within {input.environment:q}'


rule plan:
    """The rows that this run is to hold, once every record of theirs exists."""
    input:
        all_records,
    output:
        plan=f"{ARTIFACTS}/plan.json",
    log:
        f"{ARTIFACTS}/plan.log",
    localrule: True
    conda:
        conda_of("report")
    params:
        config=plan_config(),
        code=code_hash("scripts.core.plan"),
        here=plan_here(),
        kept=keys.file_key(Path(paths.tune_record(ARTIFACTS, HOST))),
    message:
        "Listing what was built and measured"
    shell:
        'exec "$ASSAY_PYTHON" -m scripts.core.plan --config {params.config:q} {params.here}'
        " --out {output.plan:q} > {log:q} 2>&1"


rule summarise:
    """Records of all hosts to one table."""
    input:
        environment=environment_of("report"),
        plan=f"{ARTIFACTS}/plan.json",
        finals=paths.finals_record(ARTIFACTS, HOST),
        host=paths.host_record(ARTIFACTS, HOST),
        peaks=peaks_records(),
    output:
        csv=f"{REPORTS}/results.csv",
        parquet=f"{REPORTS}/results.parquet",
        compiled=f"{REPORTS}/compile.csv",
    log:
        f"{REPORTS}/logs/summarise.log",
    conda:
        conda_of("report")
    params:
        code=code_hash("scripts.report.summarise"),
        others=others_key(),
        # Taken up where it is; no input, since a table does not ask for all to be compiled again.
        ledger=keys.file_key(Path(paths.ledger_record(ARTIFACTS, HOST))),
        env=environment_key("report"),
    message:
        "Summarising the records into one table"
    shell:
        words(
            IN_REPORT,
            "scripts.report.summarise --plan {input.plan:q}",
            '--artifacts "$(dirname {input.plan:q})"',
            "--csv {output.csv:q} --parquet {output.parquet:q} --compile-csv {output.compiled:q} 2>&1 | tee {log:q}",
        )


rule report:
    """The answer, the table, the charts: one self-contained page."""
    input:
        environment=environment_of("report"),
        plan=f"{ARTIFACTS}/plan.json",
        csv=f"{REPORTS}/results.csv",
        finals=paths.finals_record(ARTIFACTS, HOST),
    output:
        html=report(
            f"{REPORTS}/report.html",
            caption="../scripts/report/caption.rst",
            category="Assay",
        ),
        figures=directory(f"{REPORTS}/figures"),
    log:
        f"{REPORTS}/logs/report.log",
    conda:
        conda_of("report")
    params:
        code=code_hash("scripts.report.report"),
        templates=keys.files_key(ROOT / "scripts/report/templates"),
        others=others_key(),
        # Shown where it is; no input, since a report does not ask for the proofs to be made again.
        trust=keys.file_key(Path(REPORTS) / "trust.json"),
        tune=keys.file_key(Path(REPORTS) / "tune.csv"),
        rebuilt=keys.file_key(Path(paths.rebuild_record(ARTIFACTS, HOST))),
        env=environment_key("report"),
    message:
        "Writing the report"
    shell:
        words(
            IN_REPORT,
            "scripts.report.report --plan {input.plan:q} --csv {input.csv:q}",
            '--artifacts "$(dirname {input.plan:q})"',
            "--html {output.html:q} --figures {output.figures:q} 2>&1 | tee {log:q}",
        )


rule check:
    """Say the answer; fail if a stage failed, in this run or before. Its output exists only when all went well."""
    input:
        environment=environment_of("report"),
        plan=f"{ARTIFACTS}/plan.json",
        csv=f"{REPORTS}/results.csv",
        html=f"{REPORTS}/report.html",
    output:
        ok=f"{ARTIFACTS}/hosts/{HOST}/all-ok.txt",
    log:
        f"{REPORTS}/logs/check.log",
    conda:
        conda_of("report")
    params:
        code=code_hash("scripts.report.check"),
        env=environment_key("report"),
    message:
        "Checking that all went well"
    shell:
        words(
            IN_REPORT,
            "scripts.report.check --csv {input.csv:q} --plan {input.plan:q} --report {input.html:q}",
            "--ok {output.ok:q} 2>&1 | tee {log:q}",
        )


rule export_candidate:
    """The chosen candidate as a folder that runs on its own."""
    input:
        environment=environment_of("report"),
        plan=f"{ARTIFACTS}/plan.json",
        csv=f"{REPORTS}/results.csv",
    output:
        record=f"{REPORTS}/export/{HOST}/{{model}}.{{weights}}/export.json",
    log:
        f"{REPORTS}/logs/export.{{model}}.{{weights}}.log",
    conda:
        conda_of("report")
    params:
        code=code_hash("scripts.report.export"),
        templates=keys.files_key(ROOT / "scripts/report/templates"),
        env=environment_key("report"),
    message:
        "Exporting the chosen candidate of {wildcards.model}"
    shell:
        words(
            IN_REPORT,
            "scripts.report.export --plan {input.plan:q} --csv {input.csv:q}",
            '--artifacts "$(dirname {input.plan:q})"',
            "--network {wildcards.model}.{wildcards.weights} --record {output.record:q} 2>&1 | tee {log:q}",
        )
