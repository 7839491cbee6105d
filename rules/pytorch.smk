# PyTorch: eager and TorchScript need no compiler; torch.compile and AOTInductor compile for this host.
# Contract: checkpoint -> torchscript (portable); checkpoint -> torch_compile, aotinductor (compiled).


rule convert_torchscript:
    """Checkpoint -> TorchScript, traced and frozen."""
    input:
        environment=environment_of("torch"),
        checkpoint=source_of("torchscript"),
    output:
        **made(portable("torchscript")),
    log:
        f"{portable('torchscript')}/convert.log",
    conda:
        conda_of("torch")
    resources:
        mem_mb=2000,
    params:
        options=build_options,
        code=code_hash("scripts.pytorch.convert"),
        env=environment_key("torch"),
    message:
        "TorchScript: tracing {wildcards.model}"
    shell:
        words(
            CONVERT,
            "--verb scripts.pytorch.convert --source checkpoint={input.checkpoint:q}",
        )


rule compile_inductor:
    """Checkpoint -> torch.compile's cache or AOTInductor's package, for one shape."""
    input:
        environment=environment_of("torch"),
        portable=portable_of(None),
    output:
        **made(f"{candidate()}/compiled"),
    log:
        f"{candidate()}/compiled/compile.log",
    wildcard_constraints:
        runtime="torch_compile|aotinductor",
        device="cpu",
    conda:
        conda_of("torch")
    resources:
        mem_mb=3000,
    params:
        options=lambda w: build_options_with(w, runtime=w.runtime, device=w.device, threads=THREADS),
        code=code_hash("scripts.pytorch.compile"),
        compiler=keys.cpp_compiler(),
        env=environment_key("torch"),
    message:
        "{wildcards.runtime}: compiling {wildcards.model} for {wildcards.shape}"
    shell:
        words(
            COMPILE,
            "isa,toolchain,interpreter --compiler-cache inductor",
            "--verb scripts.pytorch.compile --source portable={input.portable:q}",
        )


rule compile_inductor_cuda:
    """Checkpoint -> the same for this GPU. Kernels are timed on it while they are chosen: it runs alone."""
    input:
        environment=session_environment,
        portable=portable_of(None),
    output:
        **made(f"{candidate()}/compiled"),
    log:
        f"{candidate()}/compiled/compile.log",
    wildcard_constraints:
        runtime="torch_compile|aotinductor",
        device="cuda:[0-9]+",
    conda:
        session_conda
    threads: 10**6
    resources:
        mem_mb=6000,
    params:
        options=lambda w: build_options_with(w, runtime=w.runtime, device=w.device, threads=THREADS),
        code=code_hash("scripts.pytorch.compile"),
        compiler=keys.cpp_compiler(),
        env=environment_key("torch"),
        absent=cannot_run,
    message:
        "{wildcards.runtime}: compiling {wildcards.model} for {wildcards.shape} on the GPU"
    shell:
        words(
            COMPILE,
            "gpu,isa,toolchain,interpreter --absent={params.absent:q}",
            "--verb scripts.pytorch.compile --source portable={input.portable:q}",
        )
