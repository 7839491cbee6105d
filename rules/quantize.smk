# Lower precisions: the same rule for every format that a room's `quantize.py` writes (FORMATS in the catalogue).
# Contract: a portable fp32 file, for int8 and fp8 with the calibration batch -> a portable file for every batch.


rule quantize:
    """A portable file -> the same network in a lower precision, by the runtime's own tools."""
    input:
        environment=lambda w: environment_of(FORMATS[w.format].env),
        source=lambda w: source_of(w.format)(w),
        calibration=calibration_of,
    output:
        **made(portable("{format}")),
    log:
        f"{portable('{format}')}/convert.log",
    wildcard_constraints:
        format="|".join(QUANTIZED),
    conda:
        lambda w: conda_of(FORMATS[w.format].env)
    resources:
        mem_mb=4000,
    params:
        options=build_options,
        source=lambda w: FORMATS[w.format].source,
        verb=lambda w: QUANTIZED[w.format],
        code=lambda w: code_hash(QUANTIZED[w.format]),
        env=lambda w: environment_key(FORMATS[w.format].env),
    message:
        "{wildcards.format}: {wildcards.precision} of {wildcards.model} ({wildcards.variant})"
    shell:
        words(
            CONVERT,
            "--verb {params.verb} --source {params.source}={input.source:q}",
            "--source calibration={input.calibration:q}",
        )
