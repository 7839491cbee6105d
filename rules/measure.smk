# Verify and measure: the same rules for every runtime, through the door `scripts.ROOM.session`.
# Contract: one record per candidate and workload (verify) or per trial (measure), whatever happened.


def session_environment(w):
    """The environment that runs a candidate; none where this host cannot run it."""
    return [] if cannot_run(w) else environment_of(RUNTIMES[w.runtime].env)


def cannot_run(w):
    """Why this host cannot run a candidate; empty if it can."""
    if plan.can_run(w.runtime, HAS_NVIDIA):
        return ""
    return f"built; {NO_GPU}" if RUNTIMES[w.runtime].builds_without_device else NO_GPU


def deployable(w):
    """What a session opens: the compiled artifact, or the portable one where nothing compiles."""
    if RUNTIMES[w.runtime].compiles:
        return record(f"{candidate().format(**w)}/compiled")
    return portable_of(None)(w)


def session_options(w):
    """What a session is opened with: one candidate, one workload."""
    batch, size = batch_and_size(w.workload)
    return dict(
        room=RUNTIMES[w.runtime].room,
        runtime=w.runtime,
        precision=w.precision,
        variant=w.variant,
        device=w.device,
        threads=THREADS,
        batch=batch,
        image_size=size,
    )


def verify_options(w):
    return options(**session_options(w))


def trial_options(w):
    names = ("model", "weights", "runtime", "precision", "variant", "device", "shape")
    measured = {key: value for key, value in CONFIG["measure"].items() if key not in ("trials", "seed")}
    candidate = {name: w[name] for name in names}
    return options(mode=w.mode, protocol=measured, candidate=candidate, torch_build=TORCH_BUILD, **session_options(w))


def round_order(w):
    """Place of this trial in its round."""
    row = next(
        row
        for row in ROWS
        if all(getattr(row, n) == w[n] for n in ("model", "weights", "runtime", "precision", "variant", "device"))
        and (row.workload, row.mode) == (w.workload, w.mode)
    )
    return plan.order(CONFIG["measure"]["seed"], int(w.trial), row)


def trial_priority(w):
    """Below every builder, round by round, shuffled within the round."""
    return -(int(w.trial) * plan.ORDER_SIZE + round_order(w))


SOURCES = (
    " --source deployable={input.deployable:q} --source reference={input.reference:q}"
    " --source checkpoint={input.checkpoint:q} --environment={input.environment:q} --absent={params.absent:q}"
    " --options {params.options:q} --log {log:q}"
)


rule verify:
    """Hold one candidate against the fp32 reference on every photo."""
    input:
        environment=session_environment,
        deployable=deployable,
        reference=record(paths.reference(ARTIFACTS)),
        checkpoint=record(paths.checkpoint(ARTIFACTS)),
    output:
        record=f"{candidate()}/verify/{{workload}}/verify.json",
    log:
        f"{candidate()}/verify/{{workload}}/verify.log",
    conda:
        lambda w: conda_of("report" if cannot_run(w) else RUNTIMES[w.runtime].env)
    resources:
        mem_mb=2000,
    params:
        options=verify_options,
        code=lambda w: code_hash("scripts.measure.verify", f"scripts.{RUNTIMES[w.runtime].room}.session"),
        env=lambda w: environment_key(RUNTIMES[w.runtime].env),
        absent=cannot_run,
    message:
        "Verifying {wildcards.model} in {wildcards.runtime} {wildcards.precision}, {wildcards.workload}"
    shell:
        GUARDED + "verify --stage verify --limits {VERIFY_LIMITS:q} --record {output.record:q}"
        " --verb scripts.measure.verify" + SOURCES


rule trial:
    """Measure one candidate under one workload in a fresh process, alone on the machine."""
    input:
        environment=session_environment,
        deployable=deployable,
        reference=record(paths.reference(ARTIFACTS)),
        checkpoint=record(paths.checkpoint(ARTIFACTS)),
        host=ancient(paths.host_record(ARTIFACTS, HOST)),
    output:
        record=f"{candidate()}/trials/{{workload}}.{{mode}}/trial-{{trial}}.json",
    log:
        f"{candidate()}/trials/{{workload}}.{{mode}}/trial-{{trial}}.log",
    priority: trial_priority
    conda:
        lambda w: conda_of("report" if cannot_run(w) else RUNTIMES[w.runtime].env)
    threads: 10**6
    params:
        options=trial_options,
        code=lambda w: code_hash(
            "scripts.measure.supervisor",
            "scripts.measure.worker",
            f"scripts.{RUNTIMES[w.runtime].room}.session",
        ),
        env=lambda w: environment_key(RUNTIMES[w.runtime].env),
        absent=cannot_run,
        position=round_order,
    message:
        "Measuring {wildcards.model} in {wildcards.runtime} {wildcards.precision}, {wildcards.workload},"
        " trial {wildcards.trial} of {TRIALS}"
    shell:
        "exec {GUARD_PYTHON:q} -m scripts.measure.supervisor --stage measure --limits {TRIAL_LIMITS:q}"
        " --record {output.record:q} --host-record {input.host:q} --trial {wildcards.trial}"
        " --position {params.position} --verb scripts.measure.worker" + SOURCES
