# Torch-TensorRT. Contract: checkpoint -> a program whose parts are TensorRT engines, for one shape (compiled).
# Its engines are timed on the GPU while they are built: it runs alone, and needs the GPU. The library comes by
# `interpreters:`.


rule compile_torch_tensorrt:
    """Checkpoint -> program with TensorRT engines for this GPU."""
    input:
        environment=[] if NO_GPU else environment_of("torch"),
        portable=portable_of("torch_tensorrt"),
    output:
        **made(f"{candidate('torch_tensorrt')}/compiled"),
    log:
        f"{candidate('torch_tensorrt')}/compiled/compile.log",
    conda:
        conda_of("report" if NO_GPU else "torch")
    threads: 10**6
    resources:
        mem_mb=6000,
    params:
        options=lambda w: build_options_with(w, runtime="torch_tensorrt", device=w.device, **tensorrt_options(w)),
        code=code_hash("scripts.torch_tensorrt.compile"),
        env=environment_key("torch"),
        absent=NO_GPU or "",
    message:
        "Torch-TensorRT: building the engines of {wildcards.model} for {wildcards.shape}"
    shell:
        words(
            COMPILE,
            "gpu --compiler-cache torch_tensorrt --absent={params.absent:q}",
            "--verb scripts.torch_tensorrt.compile --source portable={input.portable:q}",
        )
