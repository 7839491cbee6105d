# Verify and measure: the same rules for every runtime, through the door `scripts.ROOM.session`.
# Contract: one record per candidate and workload (verify) or per trial (measure), whatever happened.


SOURCES = (
    "--source deployable={input.deployable:q} --source reference={input.reference:q}"
    " --source checkpoint={input.checkpoint:q} --environment={input.environment:q} --absent={params.absent:q}"
    " --options {params.options:q} --log {log:q}"
)


rule verify:
    """Hold one candidate against the fp32 reference on every photo."""
    input:
        environment=session_environment,
        deployable=deployable,
        reference=reference_of,
        checkpoint=checkpoint_of,
    output:
        record=f"{candidate()}/verify/{{workload}}/verify.json",
    log:
        f"{candidate()}/verify/{{workload}}/verify.log",
    conda:
        session_conda
    resources:
        mem_mb=2000,
    params:
        options=verify_options,
        code=lambda w: code_hash("scripts.measure.verify", f"scripts.{on(w.runtime, w.device).room}.session"),
        env=lambda w: environment_key(on(w.runtime, w.device).env),
        absent=cannot_run,
    message:
        "Verifying {wildcards.model} in {wildcards.runtime} {wildcards.precision}, {wildcards.workload}"
    shell:
        words(
            GUARDED,
            "verify --stage verify --record {output.record:q}",
            "--verb scripts.measure.verify",
            SOURCES,
        )


rule trial:
    """Measure one candidate under one workload in a fresh process, alone on the machine."""
    input:
        environment=session_environment,
        deployable=deployable,
        reference=reference_of,
        checkpoint=checkpoint_of,
        host=ancient(paths.host_record(ARTIFACTS, HOST)),
        loadgen=lambda w: loadgen_of([w.mode]),
    output:
        record=f"{candidate()}/trials/{{workload}}.{{mode}}/trial-{{trial}}.json",
    log:
        f"{candidate()}/trials/{{workload}}.{{mode}}/trial-{{trial}}.log",
    priority: trial_priority
    conda:
        session_conda
    threads: 10**6
    params:
        options=trial_options,
        code=lambda w: code_hash(
            "scripts.measure.supervisor",
            "scripts.measure.worker",
            f"scripts.{on(w.runtime, w.device).room}.session",
        ),
        env=lambda w: environment_key(on(w.runtime, w.device).env),
        absent=cannot_run,
        position=round_order,
    message:
        "Measuring {wildcards.model} in {wildcards.runtime} {wildcards.precision}, {wildcards.workload},"
        " trial {wildcards.trial} of {TRIALS}"
    shell:
        words(
            'exec "$ASSAY_PYTHON" -m scripts.measure.supervisor --stage measure',
            "--record {output.record:q} --host-record {input.host:q} --trial {wildcards.trial}",
            "--position {params.position} --verb scripts.measure.worker --loadgen={input.loadgen:q}",
            SOURCES,
        )
