# What compiling costs and how much builds differ: `make ledger`, `make rebuild`. Not part of `all`.
# Contract: both compile again, alone, past the store; artifacts stay as they are.


rule ledger:
    """Compile again, alone, what was compiled beside other jobs: its wall time is then its own."""
    input:
        plan=f"{ARTIFACTS}/plan.json",
    output:
        record=paths.ledger_record(ARTIFACTS, HOST),
    log:
        f"{ARTIFACTS}/hosts/{HOST}/ledger/ledger.log",
    conda:
        conda_of("report")
    threads: 10**6
    params:
        code=code_hash("scripts.measure.ledger"),
    message:
        "Compiling again, alone, what was compiled beside other jobs"
    shell:
        'exec "$ASSAY_PYTHON" -m scripts.measure.ledger --plan {input.plan:q} --log {log:q} --out {output.record:q}'


rule rebuild:
    """Compile every candidate several times from cold, and measure each build."""
    input:
        environment=environment_of("report"),
        plan=f"{ARTIFACTS}/plan.json",
        host=ancient(paths.host_record(ARTIFACTS, HOST)),
    output:
        record=paths.rebuild_record(ARTIFACTS, HOST),
        csv=f"{REPORTS}/rebuild.csv",
    log:
        f"{ARTIFACTS}/hosts/{HOST}/rebuild/rebuild.log",
    conda:
        conda_of("report")
    threads: 10**6
    params:
        builds=CONFIG["rebuild"]["builds"],
        rounds=CONFIG["rebuild"]["rounds"],
        seconds=CONFIG["finals"]["seconds"],
        torch_build=TORCH_BUILD,
        code=code_hash("scripts.measure.rebuild", "scripts.report.rebuilt"),
        env=environment_key("report"),
    message:
        "Compiling {params.builds} times from cold, and measuring every build"
    shell:
        words(
            '"$ASSAY_PYTHON" -m scripts.measure.rebuild --plan {input.plan:q} --host-record {input.host:q}',
            "--torch-build {params.torch_build} --builds {params.builds} --rounds {params.rounds}",
            "--seconds {params.seconds} --log {log:q} --out {output.record:q} &&",
            'exec "$ASSAY_PYTHON" -m scripts.core.within {input.environment:q} scripts.report.rebuilt',
            "--record {output.record:q} --csv {output.csv:q} 2>&1 | tee -a {log:q}",
        )
