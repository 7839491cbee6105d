# Proof that the numbers are right, on this host: `make trust`. Not part of `all`: it takes a quarter of an hour.
# Contract: the trials that prove go through the supervisor and the worker that measure everybody.


TRUST = f"{ARTIFACTS}/hosts/{HOST}/trust"
PROOF = (
    "--config {params.config:q} --torch-build {params.torch_build} --host-record {input.host:q}"
    " --log {log:q} --out {output.record:q}"
)


rule trust_live:
    """One artifact, entered as several candidates, on this host."""
    input:
        records=trust_records(TRUST_ROWS[:1]),
        host=ancient(paths.host_record(ARTIFACTS, HOST)),
    output:
        record=f"{TRUST}/live.json",
    log:
        f"{TRUST}/live.log",
    conda:
        conda_of("report")
    threads: 10**6
    params:
        row=json.dumps(TRUST_ROWS[0] if TRUST_ROWS else None, sort_keys=True),
        config=trust_config(),
        rounds=CONFIG["trust"]["rounds"],
        seconds=CONFIG["trust"]["seconds"],
        torch_build=TORCH_BUILD,
        code=code_hash("scripts.trust.live", "scripts.trust.planted.session", "scripts.measure.worker"),
    message:
        "Proofs: one candidate against itself, and against itself slowed down"
    shell:
        words(
            'exec "$ASSAY_PYTHON" -m scripts.trust.live --row {params.row:q} --rounds {params.rounds}',
            "--seconds {params.seconds}",
            PROOF,
        )


rule trust_fidelity:
    """Each runtime against its vendor's own tool, or a bare loop of its documented interface."""
    input:
        records=trust_records(TRUST_ROWS),
        host=ancient(paths.host_record(ARTIFACTS, HOST)),
    output:
        record=f"{TRUST}/fidelity.json",
    log:
        f"{TRUST}/fidelity.log",
    conda:
        conda_of("report")
    threads: 10**6
    params:
        rows=json.dumps(TRUST_ROWS, sort_keys=True),
        config=trust_config(),
        rounds=CONFIG["trust"]["tool_rounds"],
        seconds=CONFIG["trust"]["seconds"],
        torch_build=TORCH_BUILD,
        code=code_hash("scripts.trust.fidelity", "scripts.measure.worker", *reference_modules()),
    message:
        "Proofs: our times against vendors' own tools and bare loops"
    shell:
        words(
            'exec "$ASSAY_PYTHON" -m scripts.trust.fidelity --rows {params.rows:q} --rounds {params.rounds}',
            "--seconds {params.seconds}",
            PROOF,
        )


rule trust_fallback:
    """Silent fallbacks, provoked: each must end as degraded."""
    input:
        records=trust_records(TRUST_ROWS),
        host=ancient(paths.host_record(ARTIFACTS, HOST)),
    output:
        record=f"{TRUST}/fallback.json",
    log:
        f"{TRUST}/fallback.log",
    conda:
        conda_of("report")
    threads: 10**6
    params:
        rows=json.dumps(TRUST_ROWS, sort_keys=True),
        config=trust_config(),
        torch_build=TORCH_BUILD,
        code=code_hash(
            "scripts.trust.fallback",
            "scripts.trust.provoked.session",
            "scripts.trust.provoked.convert",
            "scripts.measure.worker",
        ),
    message:
        "Proofs: silent fallbacks, provoked"
    shell:
        words('exec "$ASSAY_PYTHON" -m scripts.trust.fallback --rows {params.rows:q}', PROOF)


rule trust:
    """All proofs in one file. It passes nothing: `python -m scripts.trust.verdict` says what holds."""
    input:
        environment=environment_of("report"),
        live=f"{TRUST}/live.json",
        fidelity=f"{TRUST}/fidelity.json",
        fallback=f"{TRUST}/fallback.json",
    output:
        record=f"{REPORTS}/trust.json",
    log:
        f"{REPORTS}/logs/trust.log",
    conda:
        conda_of("report")
    params:
        host=HOST,
        location=CONFIG["measure"]["location"],
        finals_rounds=CONFIG["finals"]["rounds"],
        draws=CONFIG["trust"]["draws"],
        code=code_hash("scripts.trust.judge"),
        env=environment_key("report"),
    message:
        "Proofs: figures, and simulations of what the statistics promise"
    shell:
        words(
            IN_REPORT,
            "scripts.trust.judge --live {input.live:q} --fidelity {input.fidelity:q} --fallback {input.fallback:q}",
            "--host {params.host} --location {params.location} --finals-rounds {params.finals_rounds}",
            "--draws {params.draws} --out {output.record:q} > {log:q} 2>&1",
        )
