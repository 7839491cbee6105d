# TensorRT and TensorRT for RTX. Contract: onnx -> engine for one shape (compiled).
# TensorRT times kernels on the GPU while it builds: it runs alone, and needs the GPU.
# TensorRT for RTX builds ahead of time for the config's target, with no GPU at all.


rule compile_tensorrt:
    """ONNX -> TensorRT engine for this GPU."""
    input:
        environment=session_environment,
        portable=portable_of(None),
    output:
        **made(f"{candidate()}/compiled"),
    log:
        f"{candidate()}/compiled/compile.log",
    wildcard_constraints:
        runtime="tensorrt|tensorrt_typed",
    conda:
        session_conda
    threads: 10**6
    resources:
        mem_mb=6000,
    params:
        options=lambda w: build_options_with(w, runtime=w.runtime, device=w.device, **tensorrt_options(w)),
        code=code_hash("scripts.tensorrt.compile"),
        env=environment_key("tensorrt"),
        absent=cannot_run,
    message:
        "TensorRT: building the engine of {wildcards.model} for {wildcards.shape}"
    shell:
        words(
            COMPILE,
            "gpu --compiler-cache tensorrt --absent={params.absent:q}",
            "--verb scripts.tensorrt.compile --source portable={input.portable:q}",
        )


rule compile_tensorrt_rtx:
    """ONNX -> TensorRT for RTX engine for the config's target."""
    input:
        environment=environment_of("tensorrt_rtx"),
        portable=portable_of("tensorrt_rtx"),
    output:
        **made(f"{candidate('tensorrt_rtx')}/compiled"),
    log:
        f"{candidate('tensorrt_rtx')}/compiled/compile.log",
    conda:
        conda_of("tensorrt_rtx")
    resources:
        mem_mb=2000,
    params:
        options=lambda w: build_options_with(
            w,
            runtime="tensorrt_rtx",
            device=w.device,
            target=CONFIG["tensorrt_rtx"]["target"],
            **tensorrt_options(w),
        ),
        code=code_hash("scripts.tensorrt.compile"),
        env=environment_key("tensorrt_rtx"),
    message:
        "TensorRT for RTX: building the engine of {wildcards.model} for {wildcards.shape}"
    shell:
        words(
            COMPILE,
            "nothing --verb scripts.tensorrt.compile --source portable={input.portable:q}",
        )
