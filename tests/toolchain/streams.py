"""Deployable folders of the small network, and the worker on them: for the modes that keep several requests going."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

RUNTIMES = {
    "onnxruntime": ("onnxruntime", "onnxruntime"),
    "openvino": ("openvino", "openvino"),
    "litert": ("litert", "litert"),
    "pytorch": ("torch", "pytorch"),
    "torchscript": ("torch", "pytorch"),
}
"""The environment and the room of each runtime whose streams run side by side."""

PROTOCOL = {"seconds": 0.4, "min_samples": 5, "warmup_iterations": 5, "warmup_seconds": 0.2}
OPTIONS = {"precision": "fp32", "variant": "default", "device": "cpu", "threads": 2, "batch": 1, "image_size": 32}


def deployable(verb: Callable[..., Any], runtime: str, checkpoint: Path, onnx: Path, folder: Path) -> Path:
    """What a session of `runtime` opens, made from the small network."""

    def made(env: str, module: str, name: str, **sources: Path) -> Path:
        result = verb(env, module, folder / name, sources, OPTIONS)
        assert result.code == 0, result.stderr
        return Path(result.out)

    if runtime == "onnxruntime":
        return made("onnxruntime", "scripts.onnxruntime.compile", "compiled", portable=onnx)
    if runtime == "openvino":
        ir = made("openvino", "scripts.openvino.convert", "ir", onnx=onnx)
        return made("openvino", "scripts.openvino.compile", "compiled", portable=ir)
    if runtime == "litert":
        return made("litert_convert", "scripts.litert.convert", "tflite", checkpoint=checkpoint)
    return (
        made("torch", "scripts.pytorch.convert", "script", checkpoint=checkpoint)
        if runtime != "pytorch"
        else checkpoint
    )


def measured(
    verb: Callable[..., Any], runtime: str, artifact: Path, checkpoint: Path, reference: Path, out: Path, mode: str,
    protocol: dict[str, Any] | None = None, variables: dict[str, str] | None = None, **more: Any,
) -> Any:  # fmt: skip
    """One trial of the worker, in the mode that is named."""
    env, room = RUNTIMES[runtime]
    options = {**OPTIONS, "runtime": runtime, "room": room, "mode": mode, "protocol": {**PROTOCOL, **(protocol or {})}}
    sources = {"deployable": artifact, "reference": reference, "checkpoint": checkpoint}
    return verb(env, "scripts.measure.worker", out, sources, {**options, **more}, variables=variables)
