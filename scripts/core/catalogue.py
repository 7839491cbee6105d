"""What each runtime can do: one row per runtime. Light: the Snakefile imports it.

A new backend is one row here, one room in `scripts/`, one file in `rules/`, one `.in` in `envs/`.
"""

from dataclasses import replace
from typing import Any

from scripts.core.capabilities import DEFAULT, Format, Runtime, Variants

PRECISIONS = ("fp32", "tf32", "fp16", "bf16", "int8", "int8_dynamic", "fp8")
CALIBRATED = ("int8", "fp8")
"""Precisions whose ranges are found on the calibration photos."""

ONLY = (DEFAULT,)


def only(*precisions: str) -> Variants:
    """Precisions with the usual way and no other."""
    return dict.fromkeys(precisions, ONLY)


CALIBRATOR = "calibrator"
"""TensorRT's variant of int8 whose ranges it finds itself, rather than reading them from the graph."""
FLAGGED = {"rest": "fp32", "opset": "17"}
"""For TensorRT before 11, which is told by flags what it may compute in, and 8.6, which reads no newer operator set."""

FORMATS: dict[str, Format] = {
    "checkpoint": Format(env="torch", source=None, static=False, sized=True, file="weights.pt"),
    "torchscript": Format(env="torch", source="checkpoint", static=False, file="model.ts"),
    "pt2e": Format(
        env="torch", source="checkpoint", static=False, sized=True, file="program.pt2", quantizer="pytorch",
        variants=only("int8", "int8_dynamic"),
    ),
    "onnx": Format(env="torch", source="checkpoint", static=False, file="model.onnx"),
    "onnx_reduced": Format(
        env="onnxruntime_quantize", source="onnx", static=False, file="model.onnx", quantizer="onnxruntime",
        variants=only("fp16", "int8", "int8_dynamic"),
        schemes={"int8": ("percentile", "per_tensor", "symmetric", "mixed")},
    ),
    "onnx_typed": Format(
        env="tensorrt_quantize", source="onnx", static=False, file="model.onnx", quantizer="tensorrt",
        variants=only("fp16", "bf16", "int8", "fp8"),
    ),
    "onnx_flagged": Format(
        env="torch", source="onnx", static=False, file="model.onnx", quantizer="tensorrt", options=FLAGGED,
    ),
    "onnx_flagged_int8": Format(
        env="tensorrt_quantize", source="onnx", static=False, file="model.onnx", quantizer="tensorrt",
        variants={"int8": (DEFAULT, CALIBRATOR)}, options=FLAGGED,
    ),
    "ir": Format(env="openvino", source="onnx", static=False, file="model.xml", variants=only("fp32", "fp16")),
    "ir_quantized": Format(
        env="openvino_quantize", source="ir", static=False, file="model.xml", quantizer="openvino",
        variants={"int8": (DEFAULT, "accuracy_control")},
        schemes={"int8": ("minmax", "percentile", "symmetric", "fast_bias")},
    ),
    "tflite": Format(env="litert_convert", source="checkpoint", static=False, sized=True, file="model.tflite"),
    "tflite_reduced": Format(
        env="litert_quantize", source="tflite", static=False, sized=True, file="model.tflite", quantizer="litert",
        variants=only("fp16", "int8", "int8_dynamic"),
    ),
    "keras": Format(env="tensorflow_convert", source="onnx", static=False, sized=True, file="model.keras"),
    "saved_model": Format(env="tensorflow", source="keras", static=False, sized=True, file="saved_model.pb"),
    "pte": Format(
        env="executorch", source="checkpoint", static=True, file="model.pte", ahead_of_time=True,
        variants=only("fp32", "fp16", "int8", "int8_dynamic"),
        schemes={"int8": ("minmax", "per_tensor")},
    ),
}  # fmt: skip

PROFILE = "profile"
"""TensorRT's variant with one engine for a range of batches, rather than one for each."""
HARDWARE = {"nvidia": "NVIDIA GPU", "intel_gpu": "Intel GPU"}
"""What a runtime may need, for people."""
NVIDIA: dict[str, Any] = {"devices": ("cuda:0",), "needs": "nvidia"}
INTEL_GPU: dict[str, Any] = {"devices": ("intel_gpu",), "needs": "intel_gpu"}
FLOATS = ("fp32", "tf32", "fp16", "bf16")
INDUCTOR = only("fp32", "bf16", "fp16", "int8", "int8_dynamic")
FREEZING: Variants = {"fp32": ("freezing",)}
PT2E = dict.fromkeys(("int8", "int8_dynamic"), "pt2e")
TENSORFLOW_GPU: dict[str, Any] = {"env": "tensorflow_gpu", "variants": only("fp32", "tf32")}


def with_gpu(runtime: Runtime, gpu: dict[str, Any] = NVIDIA, **differs: Any) -> Runtime:
    """A runtime that also runs on a GPU, in fp32 and with what `differs` there."""
    there = replace(runtime, **gpu, variants=only("fp32"), extra={}, formats={})
    return replace(runtime, gpu=replace(there, **differs))


RUNTIMES: dict[str, Runtime] = {
    "pytorch": with_gpu(
        Runtime(
            "PyTorch eager", "pytorch", "checkpoint", "torch", compiles=False, static=False, resizes=True,
            variants=only("fp32") | {"bf16": (DEFAULT, "channels_last")} | only("fp16", "int8_dynamic"),
            extra={"fp32": ("channels_last",), "fp16": ("channels_last",)},
        ),
        variants=only("fp32", "tf32") | dict.fromkeys(("fp16", "bf16"), (DEFAULT, "channels_last")),
        extra=dict.fromkeys(FLOATS, ("cuda_graphs",)),
    ),
    "torchscript": with_gpu(
        Runtime("TorchScript", "pytorch", "torchscript", "torch", compiles=False, static=False, resizes=True)
    ),
    "torch_compile": with_gpu(
        Runtime(
            "torch.compile", "pytorch", "checkpoint", "torch", compiles=True, static=True,
            variants=INDUCTOR, extra=FREEZING, formats=PT2E,
        ),
        variants=only(*FLOATS), extra=dict.fromkeys(FLOATS, ("reduce_overhead", "max_autotune")),
    ),
    "aotinductor": with_gpu(
        Runtime(
            "AOTInductor", "pytorch", "checkpoint", "torch", compiles=True, static=True,
            variants=INDUCTOR, extra=FREEZING, formats=PT2E,
        ),
        variants=only(*FLOATS),
    ),
    "onnxruntime": with_gpu(
        Runtime(
            "ONNX Runtime", "onnxruntime", "onnx", "onnxruntime", compiles=True, static=False,
            variants=only("fp32", "fp16", "int8", "int8_dynamic"),
            formats=dict.fromkeys(FORMATS["onnx_reduced"].variants, "onnx_reduced"),
        ),
        env="onnxruntime_gpu", compiles=False, variants=only("fp32", "tf32", "fp16"),
        extra=dict.fromkeys(("fp32", "fp16"), ("cuda_graphs", "tensorrt", "tensorrt_rtx")),
        formats={"fp16": "onnx_reduced"},
    ),
    "openvino": with_gpu(
        Runtime(
            "OpenVINO", "openvino", "ir", "openvino", compiles=True, static=True,
            variants=only("fp32", "fp16", "bf16") | FORMATS["ir_quantized"].variants,
            formats=dict.fromkeys(FORMATS["ir_quantized"].variants, "ir_quantized"),
        ),
        INTEL_GPU, variants=only("fp32", "fp16", "int8"), formats={"int8": "ir_quantized"},
    ),
    "litert": Runtime(
        "LiteRT", "litert", "tflite", "litert", compiles=False, static=False,
        variants=only("fp32", "fp16", "int8", "int8_dynamic"),
        formats=dict.fromkeys(FORMATS["tflite_reduced"].variants, "tflite_reduced"),
    ),
    "executorch": Runtime(
        "ExecuTorch", "executorch", "pte", "executorch", compiles=False, static=True, variants=FORMATS["pte"].variants,
        peaks="litert",
    ),
    "tensorflow": with_gpu(
        Runtime("TensorFlow", "tensorflow", "saved_model", "tensorflow", compiles=False, static=False, optional=True),
        **TENSORFLOW_GPU,
    ),
    "tensorflow_xla": with_gpu(
        Runtime("TensorFlow XLA", "tensorflow", "saved_model", "tensorflow", compiles=True, static=True, optional=True),
        **TENSORFLOW_GPU,
    ),
    "keras": with_gpu(
        Runtime(
            "Keras", "tensorflow", "keras", "tensorflow", compiles=False, static=False, optional=True,
            variants={"fp32": (DEFAULT, "predict")},
        ),
        **TENSORFLOW_GPU | {"variants": {"fp32": (DEFAULT, "predict"), "tf32": ONLY}},
    ),
    "keras_xla": with_gpu(
        Runtime(
            "Keras XLA", "tensorflow", "keras", "tensorflow", compiles=True, static=True, optional=True,
            extra={"fp32": ("predict",)},
        ),
        **TENSORFLOW_GPU | {"extra": {"fp32": ("predict",)}},
    ),
    "tensorrt": Runtime(
        "TensorRT", "tensorrt", "onnx_flagged", "tensorrt", compiles=True, static=True, **NVIDIA,
        variants=only("fp32", "tf32", "fp16", "int8"), formats={"int8": "onnx_flagged_int8"},
        extra=dict.fromkeys(("fp32", "fp16"), ("cuda_graphs", PROFILE))
        | {"int8": ("cuda_graphs", PROFILE, CALIBRATOR)},
        dynamic=(PROFILE,),
    ),
    "tensorrt_typed": Runtime(
        "TensorRT, strongly typed", "tensorrt", "onnx", "tensorrt", compiles=True, static=True, **NVIDIA, optional=True,
        variants=only("fp32", "fp16", "bf16", "int8", "fp8"),
        formats=dict.fromkeys(FORMATS["onnx_typed"].variants, "onnx_typed"),
        extra=dict.fromkeys(("fp32", "fp16", "bf16", "int8", "fp8"), ("cuda_graphs", PROFILE)), dynamic=(PROFILE,),
    ),
    "torch_tensorrt": Runtime(
        "Torch-TensorRT", "torch_tensorrt", "checkpoint", "torch", compiles=True, static=True, **NVIDIA,
        variants=only("fp32", "tf32", "fp16", "bf16"),
        extra=dict.fromkeys(("fp32", "fp16"), ("cuda_graphs", PROFILE)), dynamic=(PROFILE,),
    ),
    "tensorrt_rtx": Runtime(
        "TensorRT for RTX", "tensorrt", "onnx", "tensorrt_rtx", compiles=True, static=True,
        **NVIDIA, builds_without_device=True,
        variants=only("fp32", "fp16", "bf16", "int8", "fp8"),
        formats=dict.fromkeys(FORMATS["onnx_typed"].variants, "onnx_typed"),
        extra=dict.fromkeys(("fp32", "fp16"), (PROFILE,)), dynamic=(PROFILE,),
    ),
}  # fmt: skip


def env_of_room(room: str) -> str:
    """The environment that runs the runtimes of a room on the CPU."""
    return next(runtime.env for runtime in RUNTIMES.values() if runtime.room == room)


def on(runtime: str, device: str) -> Runtime:
    """A runtime as it is on `device`."""
    return next(place for place in RUNTIMES[runtime].places if device in place.devices)


QUANTIZED = {name: f"scripts.{form.quantizer}.quantize" for name, form in FORMATS.items() if form.quantizer}
"""The formats that a room's `quantize.py` makes, each with that program."""

TORCH_ENVS = ("torch", "executorch", "litert_convert", "tensorrt_quantize")
"""Environments that hold PyTorch: each has two locks, `NAME_cpu` and `NAME_cuda`."""
