# OpenVINO. Contract: onnx -> IR (portable, dynamic batch); IR -> int8 IR (portable); IR -> blob for one shape on this CPU (compiled).


rule convert_openvino:
    """ONNX -> OpenVINO IR."""
    input:
        environment=environment_of("openvino"),
        onnx=source_of("ir"),
    output:
        **made(portable("ir")),
    log:
        f"{portable('ir')}/convert.log",
    conda:
        conda_of("openvino")
    resources:
        mem_mb=1500,
    params:
        options=build_options,
        code=code_hash("scripts.openvino.convert"),
        env=environment_key("openvino"),
    message:
        "OpenVINO: converting {wildcards.model} to IR"
    shell:
        words(
            CONVERT,
            "--verb scripts.openvino.convert --source onnx={input.onnx:q}",
        )


rule compile_openvino:
    """IR -> OpenVINO's compiled blob for one shape."""
    input:
        environment=session_environment,
        portable=portable_of(None),
    output:
        **made(f"{candidate()}/compiled"),
    log:
        f"{candidate()}/compiled/compile.log",
    wildcard_constraints:
        runtime="openvino",
    conda:
        session_conda
    resources:
        mem_mb=1500,
    params:
        options=lambda w: build_options_with(w, device=w.device, threads=THREADS),
        bound_to=lambda w: "isa" if w.device == "cpu" else f"isa,{w.device}",
        code=code_hash("scripts.openvino.compile"),
        env=environment_key("openvino"),
        absent=cannot_run,
    message:
        "OpenVINO: compiling {wildcards.model} for {wildcards.shape}"
    shell:
        words(
            COMPILE,
            "{params.bound_to} --absent={params.absent:q}",
            "--verb scripts.openvino.compile --source portable={input.portable:q}",
        )
