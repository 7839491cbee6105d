# LiteRT. Contract: checkpoint -> TFLite (portable); TFLite -> TFLite in a lower precision (portable). XNNPACK takes both as they are.


rule convert_litert:
    """Checkpoint -> TFLite."""
    input:
        environment=environment_of("litert_convert"),
        checkpoint=source_of("tflite"),
    output:
        **made(portable("tflite")),
    log:
        f"{portable('tflite')}/convert.log",
    conda:
        conda_of("litert_convert")
    resources:
        mem_mb=4000,
    params:
        options=build_options,
        code=code_hash("scripts.litert.convert"),
        env=environment_key("litert_convert"),
    message:
        "LiteRT: converting {wildcards.model} to TFLite"
    shell:
        words(
            CONVERT,
            "--verb scripts.litert.convert --source checkpoint={input.checkpoint:q}",
        )
