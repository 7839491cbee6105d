# Torch-TensorRT. Contract: checkpoint -> a program whose parts are TensorRT engines, for one shape (compiled).
# Its engines are timed on the GPU while they are built: it runs alone, and needs the GPU. The library comes by
# `interpreters:`.


rule compile_torch_tensorrt:
    """Checkpoint -> program with TensorRT engines for this GPU."""
    input:
        environment=session_environment,
        portable=portable_of(None),
    output:
        **made(f"{candidate()}/compiled"),
    log:
        f"{candidate()}/compiled/compile.log",
    wildcard_constraints:
        runtime="torch_tensorrt",
    conda:
        session_conda
    threads: 10**6
    resources:
        mem_mb=6000,
    params:
        options=lambda w: build_options_with(w, runtime="torch_tensorrt", device=w.device, **tensorrt_options(w)),
        code=code_hash("scripts.torch_tensorrt.compile"),
        env=environment_key("torch"),
        absent=cannot_run,
    message:
        "Torch-TensorRT: building the engines of {wildcards.model} for {wildcards.shape}"
    shell:
        words(
            COMPILE,
            "gpu --compiler-cache torch_tensorrt --absent={params.absent:q}",
            "--verb scripts.torch_tensorrt.compile --source portable={input.portable:q}",
        )
