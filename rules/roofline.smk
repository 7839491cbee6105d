# What this host reaches at its best, which the roofline columns are shares of.
# Contract: exclusive jobs, in the same run as the trials; a record each, no files.


PEAKS = words('exec "$ASSAY_PYTHON" -m scripts.measure.peaks artifact --stage measure', TO_ARTIFACT, "--verb")


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
        code=code_hash("scripts.pytorch.gpu_peaks"),
        env=environment_key("torch"),
    message:
        "Measuring what this GPU reaches at its best"
    shell:
        words(PEAKS, "scripts.pytorch.gpu_peaks")


rule cpu_peaks:
    """Large matrix products by precision through a runtime's own library; or copies within the host's memory."""
    input:
        environment=lambda w: environment_of(peaks_environment(w)),
    output:
        artifact=paths.peaks_record(ARTIFACTS, HOST, "{library}"),
    log:
        f"{ARTIFACTS}/hosts/{HOST}/peaks/{{library}}/peaks.log",
    wildcard_constraints:
        library="[a-z]+",
    conda:
        lambda w: conda_of(peaks_environment(w))
    threads: 10**6
    params:
        options=options(threads=THREADS),
        code=lambda w: code_hash(peaks_verb(w)),
        env=lambda w: environment_key(peaks_environment(w)),
        verb=peaks_verb,
    message:
        "Measuring what this CPU reaches at its best: {wildcards.library}"
    shell:
        words(PEAKS, "{params.verb}")
