# ExecuTorch. Contract: checkpoint -> .pte for one shape (portable), everything delegated to XNNPACK.


rule convert_executorch:
    """Checkpoint -> .pte, in the precision asked for."""
    input:
        environment=environment_of("executorch"),
        checkpoint=source_of("pte"),
        calibration=calibration_of,
    output:
        **made(portable("pte")),
    log:
        f"{portable('pte')}/convert.log",
    conda:
        conda_of("executorch")
    resources:
        mem_mb=3000,
    params:
        options=build_options,
        code=code_hash("scripts.executorch.convert"),
        env=environment_key("executorch"),
    message:
        "ExecuTorch: {wildcards.precision} of {wildcards.model} for {wildcards.shape}"
    shell:
        words(
            CONVERT,
            "--depends-on nothing",
            "--verb scripts.executorch.convert --source checkpoint={input.checkpoint:q}",
            "--source calibration={input.calibration:q}",
        )
