"""Asked for a GPU where only the CPU answers, every runtime refuses: nothing that ran on the CPU is called CUDA."""

import json

import pytest

from scripts.core.catalogue import RUNTIMES, on
from scripts.core.host import has_nvidia_gpu

pytestmark = pytest.mark.skipif(has_nvidia_gpu(), reason="this host has an NVIDIA GPU")

OPEN = """
import importlib, json, pathlib, sys
from scripts.core.verb import Unsupported
options = json.loads(sys.argv[2])
try:
    importlib.import_module("scripts.%s.session" % options["room"]).open(pathlib.Path(sys.argv[1]), options)
except Unsupported as error:
    print("refused:", error)
"""
HERE = {"onnxruntime_gpu": "onnxruntime", "tensorflow_gpu": "tensorflow"}
"""Environments that have the room's library for the CPU alone, by the one that a GPU takes."""
LACKING = {"onnxruntime": "no CUDAExecutionProvider", "openvino": "finds no device intel_gpu"}
"""What a runtime says, where it does not say "no NVIDIA GPU"."""
ASKED = [
    (name, device, precision)
    for name, runtime in RUNTIMES.items()
    if runtime.gpu
    for device in runtime.gpu.devices
    for precision in ("fp32", "fp16")
    if precision in runtime.gpu.variants
]


@pytest.mark.parametrize(("runtime", "device", "precision"), ASKED)
def test_a_session_on_a_gpu_is_refused(python, tiny_checkpoint, runtime, device, precision):
    place = on(runtime, device)
    options = {"room": place.room, "runtime": runtime, "precision": precision, "variant": "default", "threads": 1}
    options |= {"device": device, "batch": 1, "image_size": 32, "inputs": ["input"], "outputs": ["logits"]}
    done = python(HERE.get(place.env, place.env), OPEN, str(tiny_checkpoint), json.dumps(options))
    assert done.stdout.startswith("refused:") and LACKING.get(runtime, "no NVIDIA GPU") in done.stdout, done.stdout


@pytest.mark.parametrize("runtime", ["torch_compile", "aotinductor"])
def test_compiling_for_a_gpu_is_refused(verb, tiny_checkpoint, tmp_path, runtime):
    options = {"runtime": runtime, "precision": "fp32", "variant": "default", "device": "cuda:0"}
    options |= {"batch": 1, "threads": 1}
    result = verb("torch", "scripts.pytorch.compile", tmp_path / "out", {"portable": tiny_checkpoint}, options)
    assert result.code == 3 and "no NVIDIA GPU that PyTorch" in result.facts["reason"]


def test_peaks_of_a_gpu_that_is_not_there(verb, tmp_path):
    result = verb("torch", "scripts.pytorch.gpu_peaks", tmp_path / "out", options={"device": "cuda:0"})
    assert result.code == 3 and "no NVIDIA GPU that PyTorch" in result.facts["reason"]


def test_torch_tensorrt_says_what_it_takes(verb, tiny_checkpoint, tmp_path):
    options = {"runtime": "torch_tensorrt", "precision": "fp16", "variant": "default", "device": "cuda:0", "batch": 1}
    options |= {"optimization_level": 3, "workspace_mb": None}
    sources = {"portable": tiny_checkpoint}
    result = verb("torch", "scripts.torch_tensorrt.compile", tmp_path / "out", sources, options)
    assert result.code == 3 and result.facts["reason"].startswith("Torch-TensorRT is not in this environment")
    assert "interpreters.torch" in result.facts["reason"]
