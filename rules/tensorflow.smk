# TensorFlow and Keras. Contract: onnx -> Keras (portable, dynamic batch); Keras -> SavedModel (portable);
# either -> the same with XLA's executables for one shape on this CPU or GPU (compiled).


rule convert_keras:
    """ONNX -> Keras, operator by operator."""
    input:
        environment=environment_of("tensorflow_convert"),
        onnx=source_of("keras"),
    output:
        **made(portable("keras")),
    log:
        f"{portable('keras')}/convert.log",
    conda:
        conda_of("tensorflow_convert")
    resources:
        mem_mb=1500,
    params:
        options=build_options,
        code=code_hash("scripts.tensorflow.convert"),
        env=environment_key("tensorflow_convert"),
    message:
        "Keras: carrying {wildcards.model} over from ONNX"
    shell:
        words(
            CONVERT,
            "--verb scripts.tensorflow.convert --source onnx={input.onnx:q}",
        )


rule convert_saved_model:
    """Keras -> SavedModel."""
    input:
        environment=environment_of("tensorflow"),
        keras=source_of("saved_model"),
    output:
        **made(portable("saved_model")),
    log:
        f"{portable('saved_model')}/convert.log",
    conda:
        conda_of("tensorflow")
    resources:
        mem_mb=1500,
    params:
        options=build_options,
        code=code_hash("scripts.tensorflow.export"),
        env=environment_key("tensorflow"),
    message:
        "TensorFlow: saving {wildcards.model} as a SavedModel"
    shell:
        words(
            CONVERT,
            "--verb scripts.tensorflow.export --source keras={input.keras:q}",
        )


rule compile_tensorflow:
    """SavedModel or Keras -> the same with what XLA compiled for one shape."""
    input:
        environment=session_environment,
        portable=portable_of(None),
    output:
        **made(f"{candidate()}/compiled"),
    log:
        f"{candidate()}/compiled/compile.log",
    wildcard_constraints:
        runtime="tensorflow_xla|keras_xla",
    conda:
        session_conda
    resources:
        mem_mb=2000,
    params:
        options=lambda w: build_options_with(w, runtime=w.runtime, device=w.device, threads=THREADS),
        code=code_hash("scripts.tensorflow.compile"),
        bound_to=lambda w: "gpu" if is_gpu(w.device) else "isa",
        env=lambda w: environment_key(on(w.runtime, w.device).env),
        absent=cannot_run,
    message:
        "{wildcards.runtime}: compiling {wildcards.model} for {wildcards.shape}"
    shell:
        words(
            COMPILE,
            "{params.bound_to} --absent={params.absent:q}",
            "--verb scripts.tensorflow.compile --source portable={input.portable:q}",
        )
