# The leaders measured afresh. Contract: one exclusive job per host; nothing else names a winner.
# It answers from its own record where nothing that matters changed, so an edit to the statistics measures nothing.


FINALS = (
    "--plan {input.plan:q} --host-record {input.host:q} --torch-build {params.torch_build}"
    " --loadgen={input.loadgen:q}"
    " --rounds {params.rounds} --seconds {params.seconds} --minutes {params.minutes} --log {log:q} --out {output.record:q}"
)
CHOOSE = words(
    '"$ASSAY_PYTHON" -m scripts.core.within {input.environment:q} scripts.report.leaders --plan {input.plan:q}',
    '--count {params.finalists} {params.refined} --out "$(dirname {output.record:q})/leaders.json" > {log:q} 2>&1',
)
HOLD = 'exec "$ASSAY_PYTHON" -m scripts.measure.finals --leaders "$(dirname {output.record:q})/leaders.json"'


rule refine:
    """More trials of those that might become finalists, where the config gives minutes for it."""
    input:
        environment=environment_of("report"),
        plan=f"{ARTIFACTS}/plan.json",
        host=ancient(paths.host_record(ARTIFACTS, HOST)),
        loadgen=loadgen_of(CONFIG["modes"]),
    output:
        record=paths.finals_record(ARTIFACTS, HOST, "refine"),
    log:
        f"{ARTIFACTS}/hosts/{HOST}/refine/refine.log",
    conda:
        conda_of("report")
    threads: 10**6
    params:
        finalists=2 * CONFIG["finals"]["finalists"],
        rounds=1000,
        seconds=CONFIG["finals"]["seconds"],
        minutes=CONFIG["finals"]["refine_minutes"],
        refined="",
        torch_build=TORCH_BUILD,
        code=code_hash("scripts.report.leaders", "scripts.measure.finals"),
        env=environment_key("report"),
    message:
        "Measuring the leaders some more, to choose the finalists"
    shell:
        words(CHOOSE, "&&", HOLD, FINALS)


rule finals:
    """The leaders of each network and workload, measured afresh in alternating rounds."""
    input:
        environment=environment_of("report"),
        plan=f"{ARTIFACTS}/plan.json",
        host=ancient(paths.host_record(ARTIFACTS, HOST)),
        loadgen=loadgen_of(CONFIG["modes"]),
        refined=refined_screen,
    output:
        record=paths.finals_record(ARTIFACTS, HOST),
    log:
        f"{ARTIFACTS}/hosts/{HOST}/finals/finals.log",
    conda:
        conda_of("report")
    threads: 10**6
    params:
        finalists=CONFIG["finals"]["finalists"],
        rounds=CONFIG["finals"]["rounds"],
        seconds=CONFIG["finals"]["seconds"],
        minutes=CONFIG["finals"]["minutes"],
        refined=lambda w, input: f"--refined {input.refined}" if input.get("refined") else "",
        torch_build=TORCH_BUILD,
        code=code_hash("scripts.report.leaders", "scripts.measure.finals"),
        env=environment_key("report"),
    message:
        "Finals: measuring the leaders afresh, round by round"
    shell:
        words(CHOOSE, "&&", HOLD, FINALS)
