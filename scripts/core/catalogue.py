"""What each runtime can do: one row per runtime. Light: the Snakefile imports it.

A new backend is one row here, one room in `scripts/`, one file in `rules/`, one `.in` in `envs/`.
"""

from dataclasses import dataclass, field

DYNAMIC = "dyn"


@dataclass(frozen=True)
class Format:
    """A portable file that a converter writes.

    env:     environment of the converter; source: the format it is made from (None: the checkpoint stage itself)
    static:  True if one file serves one batch and image size only
    file:    the file inside the artifact's `files/` that a runtime opens
    """

    env: str
    source: str | None
    static: bool
    file: str


@dataclass(frozen=True)
class Runtime:
    """What executes.

    room:      the package in `scripts/` that holds `session.py` (and `compile.py` if `compiles`)
    format:    the portable format it starts from
    env:       environment that runs it; build_env: the one that compiles it, where that is another
    compiles:  a compiler turns the portable file into a compiled artifact for this host
    static:    the compiled artifact (or the portable file) serves one batch and image size only
    devices:   where it can execute; needs: hardware without which it cannot ("nvidia")
    variants:  precision -> the variants that can be asked for
    """

    title: str
    room: str
    format: str
    env: str
    compiles: bool
    static: bool
    devices: tuple[str, ...] = ("cpu",)
    needs: str | None = None
    builds_without_device: bool = False
    variants: dict[str, tuple[str, ...]] = field(default_factory=lambda: {"fp32": ("default",)})

    @property
    def precisions(self) -> tuple[str, ...]:
        return tuple(self.variants)


PRECISIONS = ("fp32", "tf32", "fp16", "bf16", "int8", "int8_dynamic", "fp8")

FORMATS: dict[str, Format] = {
    "checkpoint": Format(env="torch", source=None, static=False, file="weights.pt"),
    "torchscript": Format(env="torch", source="checkpoint", static=False, file="model.ts"),
    "onnx": Format(env="torch", source="checkpoint", static=False, file="model.onnx"),
    "ir": Format(env="openvino", source="onnx", static=False, file="model.xml"),
    "tflite": Format(env="litert_convert", source="checkpoint", static=False, file="model.tflite"),
    "pte": Format(env="executorch", source="checkpoint", static=True, file="model.pte"),
}

RUNTIMES: dict[str, Runtime] = {
    "pytorch": Runtime("PyTorch eager", "pytorch", "checkpoint", "torch", compiles=False, static=False),
    "torchscript": Runtime("TorchScript", "pytorch", "torchscript", "torch", compiles=False, static=False),
    "torch_compile": Runtime("torch.compile", "pytorch", "checkpoint", "torch", compiles=True, static=True),
    "aotinductor": Runtime("AOTInductor", "pytorch", "checkpoint", "torch", compiles=True, static=True),
    "onnxruntime": Runtime("ONNX Runtime", "onnxruntime", "onnx", "onnxruntime", compiles=True, static=False),
    "openvino": Runtime("OpenVINO", "openvino", "ir", "openvino", compiles=True, static=True),
    "litert": Runtime("LiteRT", "litert", "tflite", "litert", compiles=False, static=False),
    "executorch": Runtime("ExecuTorch", "executorch", "pte", "executorch", compiles=False, static=True),
    "tensorrt": Runtime(
        "TensorRT", "tensorrt", "onnx", "tensorrt", compiles=True, static=True, devices=("cuda:0",), needs="nvidia",
    ),
    "tensorrt_rtx": Runtime(
        "TensorRT for RTX", "tensorrt", "onnx", "tensorrt_rtx", compiles=True, static=True,
        devices=("cuda:0",), needs="nvidia", builds_without_device=True,
    ),
}  # fmt: skip

TORCH_ENVS = ("torch", "executorch", "litert_convert")
"""Environments that hold PyTorch: each has two locks, `NAME_cpu` and `NAME_cuda`."""
