# ONNX Runtime, and the ONNX file that it shares with OpenVINO and TensorRT.
# Contract: checkpoint -> onnx (portable, dynamic batch); onnx -> optimised graph for this CPU (compiled).


rule convert_onnx:
    """Checkpoint -> ONNX."""
    input:
        environment=environment_of("torch"),
        checkpoint=source_of("onnx"),
    output:
        **made(portable("onnx")),
    log:
        f"{portable('onnx')}/convert.log",
    conda:
        conda_of("torch")
    resources:
        mem_mb=2500,
    params:
        options=build_options,
        code=code_hash("scripts.onnxruntime.convert"),
        env=environment_key("torch"),
    message:
        "ONNX: exporting {wildcards.model}"
    shell:
        words(
            CONVERT,
            "--verb scripts.onnxruntime.convert --source checkpoint={input.checkpoint:q}",
        )


rule compile_onnxruntime:
    """ONNX -> ONNX Runtime's optimised graph for this CPU."""
    input:
        environment=environment_of("onnxruntime"),
        portable=portable_of("onnxruntime"),
    output:
        **made(f"{candidate('onnxruntime')}/compiled"),
    log:
        f"{candidate('onnxruntime')}/compiled/compile.log",
    conda:
        conda_of("onnxruntime")
    resources:
        mem_mb=1000,
    params:
        options=lambda w: build_options_with(w, device=w.device),
        code=code_hash("scripts.onnxruntime.compile"),
        env=environment_key("onnxruntime"),
    message:
        "ONNX Runtime: optimising {wildcards.model} for this CPU"
    shell:
        words(
            COMPILE,
            "isa --verb scripts.onnxruntime.compile --source portable={input.portable:q}",
        )
