# What this host's GPU reaches at its best, which the roofline columns are shares of.
# Contract: one exclusive job per host with a GPU, in the same run as the trials; a record, no files.


rule peaks:
    """Large matrix products by precision, and copies within the GPU's memory."""
    input:
        environment=environment_of("torch"),
    output:
        artifact=paths.peaks_record(ARTIFACTS, HOST),
    log:
        f"{ARTIFACTS}/hosts/{HOST}/peaks/peaks.log",
    conda:
        conda_of("torch")
    threads: 10**6
    params:
        options=options(device=GPUS[0] if GPUS else None),
        code=code_hash("scripts.pytorch.peaks"),
        env=environment_key("torch"),
    message:
        "Measuring what this GPU reaches at its best"
    shell:
        words(GUARDED, "artifact --stage measure", TO_ARTIFACT, "--verb scripts.pytorch.peaks")
