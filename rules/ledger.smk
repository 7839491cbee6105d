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


rule build_again:
    """Compile every candidate several times from cold, and measure each build."""
    input:
        plan=f"{ARTIFACTS}/plan.json",
        host=ancient(paths.host_record(ARTIFACTS, HOST)),
    output:
        record=paths.rebuild_record(ARTIFACTS, HOST),
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
        code=code_hash("scripts.measure.rebuild"),
    message:
        "Compiling {params.builds} times from cold, and measuring every build"
    shell:
        words(
            'exec "$ASSAY_PYTHON" -m scripts.measure.rebuild --plan {input.plan:q} --host-record {input.host:q}',
            "--torch-build {params.torch_build} --builds {params.builds} --rounds {params.rounds}",
            "--seconds {params.seconds} --log {log:q} --out {output.record:q}",
        )


rule rebuild:
    """How much the builds of each candidate differ: in latency, size and output bits."""
    input:
        environment=environment_of("report"),
        record=paths.rebuild_record(ARTIFACTS, HOST),
    output:
        csv=f"{REPORTS}/rebuild.csv",
    log:
        f"{REPORTS}/logs/rebuild.log",
    conda:
        conda_of("report")
    params:
        code=code_hash("scripts.report.rebuilt"),
        env=environment_key("report"),
    message:
        "Telling how much the builds differ"
    shell:
        words(
            'exec "$ASSAY_PYTHON" -m scripts.core.within {input.environment:q} scripts.report.rebuilt',
            "--record {input.record:q} --csv {output.csv:q}",
        )
