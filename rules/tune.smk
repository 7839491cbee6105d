# Other ways to the same precision: `make tune`. Not part of `all`, which takes up what was kept.
# Contract: every scheme is converted, verified and measured as any candidate; each is a row of tune.csv.


rule tune:
    """Try every scheme of each runtime, and keep the fastest that passes its gate."""
    input:
        environment=environment_of("report"),
        records=tune_records,
        host=paths.host_record(ARTIFACTS, HOST),
    output:
        record=paths.tune_record(ARTIFACTS, HOST),
        csv=f"{REPORTS}/tune.csv",
    log:
        f"{REPORTS}/logs/tune.log",
    conda:
        conda_of("report")
    params:
        config=plan_config(),
        here=plan_here(),
        code=code_hash("scripts.core.plan", "scripts.report.tune"),
        env=environment_key("report"),
    message:
        "Tuning: keeping the fastest scheme of each runtime that passes its gate"
    shell:
        words(
            '"$ASSAY_PYTHON" -m scripts.core.plan --tune --config {params.config:q} {params.here}',
            '--out "$(dirname {output.record:q})/plan.json" > {log:q} 2>&1 &&',
            '"$ASSAY_PYTHON" -m scripts.core.within {input.environment:q} scripts.report.tune',
            '--plan "$(dirname {output.record:q})/plan.json" --csv {output.csv:q} --out {output.record:q} 2>&1',
            "| tee -a {log:q}",
        )
