"""Converters broken on purpose: the gate catches each of them, in every backend, and passes what is right.

The default network with its real weights is converted by the real converters; only what they are given is wrong.
"""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from scripts.measure.gate import Paired, judge
from tests.toolchain.conftest import PHOTOS, made, run_python, run_verb

BREAKS = ("wrong_mean", "swapped", "symmetric")
SESSION = {"variant": "default", "device": "cpu", "threads": 2, "batch": 1, "image_size": 224}


class Step(NamedTuple):
    """One program on the way: environment, verb, name of its source; shared: what it writes is fp32, for all."""

    env: str
    verb: str
    source: str
    shared: bool = False


ONNX = Step("torch", "scripts.onnxruntime.convert", "checkpoint", shared=True)
IR = Step("openvino", "scripts.openvino.convert", "onnx", shared=True)
TFLITE = Step("litert_convert", "scripts.litert.convert", "checkpoint", shared=True)
COMPILE_ONNX = Step("onnxruntime", "scripts.onnxruntime.compile", "portable")
COMPILE_IR = Step("openvino", "scripts.openvino.compile", "portable")
PTE = Step("executorch", "scripts.executorch.convert", "checkpoint")

FP32 = {
    "torchscript": [Step("torch", "scripts.pytorch.convert", "checkpoint")],
    "onnxruntime": [ONNX, COMPILE_ONNX],
    "openvino": [ONNX, IR, COMPILE_IR],
    "litert": [TFLITE],
    "executorch": [PTE],
}
INT8 = {
    "aotinductor": [
        Step("torch", "scripts.pytorch.quantize", "checkpoint"), Step("torch", "scripts.pytorch.compile", "portable"),
    ],
    "onnxruntime": [ONNX, Step("onnxruntime_quantize", "scripts.onnxruntime.quantize", "onnx"), COMPILE_ONNX],
    "openvino": [ONNX, IR, Step("openvino_quantize", "scripts.openvino.quantize", "ir"), COMPILE_IR],
    "litert": [TFLITE, Step("litert_quantize", "scripts.litert.quantize", "tflite")],
    "executorch": [PTE],
}  # fmt: skip
ROOMS = {"torchscript": ("torch", "pytorch"), "aotinductor": ("torch", "pytorch")}


class Bench:
    """Makes artifacts below a folder, each step once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checkpoint = self._prepare("right", {"name": "efficientnet_lite0", "weights": "package"})
        options = {"photos": str(PHOTOS)}
        self.reference = made(
            run_verb(
                "torch", "scripts.models.reference", folder / "reference", {"checkpoint": self.checkpoint}, options
            )
        )

    def _prepare(self, name: str, entry: dict[str, Any]) -> Path:
        return made(run_verb("torch", "scripts.models.prepare", self.folder / name, options={"model": entry}))

    def broken(self, name: str) -> Path:
        """The checkpoint of a broken network: the right weights in the wrong place."""
        if not (self.folder / name).exists():
            code = "from scripts.models import efficientnet; print(efficientnet.weights_file())"
            file = Path(run_python("torch", code).stdout.strip())
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            network = {"build": f"broken:{name}", "folder": "tests/toolchain", "weights": "file"}
            preprocess = {"size": 224, "resize": 256, "interpolation": "bicubic", "mean": [127] * 3, "std": [128] * 3}
            entry = {"name": name, "file": str(file), "sha256": digest, "preprocess": preprocess | {"scale": 1}}
            self._prepare(name, entry | network)
        return self.folder / name

    def calibration(self, noise: bool) -> Path:
        """The calibration batch; `noise`: of as many standard normal numbers instead of photos."""
        out = self.folder / ("noise" if noise else "calibration")
        if not out.exists():
            made(run_verb("torch", "scripts.models.calibration", out, {"reference": self.reference}, {"photos": 100}))
            if noise:
                shape = np.load(out / "inputs.npy").shape
                np.save(out / "inputs.npy", np.random.default_rng(0).standard_normal(shape, dtype=np.float32))
        return out

    def verified(self, runtime: str, precision: str, checkpoint: Path, noise: bool = False) -> dict[str, Any]:
        """What verify says of a candidate made from `checkpoint`, held against the right network."""
        at, made_of = checkpoint, self.folder / f"{checkpoint.name}.made"
        own = f"{runtime}.{precision}{'.noise' if noise else ''}"
        for step in (FP32 if precision == "fp32" else INT8)[runtime]:
            out = made_of / (step.verb if step.shared else f"{step.verb}.{own}")
            if not out.exists():
                asked = {"runtime": runtime, "precision": "fp32" if step.shared else precision, "calibration": "auto"}
                calibration = {"calibration": self.calibration(noise)} if asked["precision"] == "int8" else {}
                made(run_verb(step.env, step.verb, out, {step.source: at} | calibration, SESSION | asked))
            at = out
        env, room = ROOMS.get(runtime, (runtime, runtime))
        sources = {"deployable": at, "reference": self.reference, "checkpoint": self.checkpoint}
        options = SESSION | {"runtime": runtime, "precision": precision, "room": room}
        done = run_verb(env, "scripts.measure.verify", made_of / f"verify.{own}", sources, options)
        assert done.code == 0, done.stderr
        return done.facts


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("drills"))


@pytest.mark.parametrize("runtime", FP32)
@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_network_is_caught(bench: Bench, runtime: str, name: str) -> None:
    facts = bench.verified(runtime, "fp32", bench.broken(name))
    assert facts["gate"] == "fail"
    # Were these the errors of a lower precision, its own, wider limits would catch them, too.
    paired = Paired(facts["labelled"], facts["lost"], facts["gained"])
    for precision in ("fp16", "bf16", "int8", "int8_dynamic", "fp8"):
        assert judge(precision, True, facts["sqnr_db"], facts["top1_agreement"], paired)["gate"] == "fail", precision


@pytest.mark.parametrize("runtime", INT8)
def test_ranges_from_noise_are_caught(bench: Bench, runtime: str) -> None:
    assert bench.verified(runtime, "int8", bench.checkpoint, noise=True)["gate"] == "fail"


@pytest.mark.parametrize("runtime", [runtime for runtime in INT8 if runtime != "aotinductor"])
def test_ranges_from_photos_pass(bench: Bench, runtime: str) -> None:
    """Not of AOTInductor, whose compiler takes a minute: the small network has it in test_pytorch_quantised."""
    right = bench.verified(runtime, "int8", bench.checkpoint)
    assert right["gate"] == "pass" and right["placement"]["degraded"] is None, right["gated"]
