"""Another image size than the network's own: the checkpoint, what serves every size, what serves one."""

import json

import numpy as np
import pytest

from tests.toolchain.conftest import PHOTOS, made

OTHER = 48


@pytest.fixture(scope="module")
def resized(verb, tiny_checkpoint, tmp_path_factory):
    out = tmp_path_factory.mktemp("resized") / "checkpoint"
    return made(verb("torch", "scripts.models.resize", out, {"checkpoint": tiny_checkpoint}, {"image_size": OTHER}))


@pytest.fixture(scope="module")
def reference(verb, resized):
    out = resized.with_name("reference")
    return made(verb("torch", "scripts.models.reference", out, {"checkpoint": resized}, {"photos": str(PHOTOS)}))


@pytest.fixture(scope="module")
def any_onnx(verb, tiny_checkpoint, tmp_path_factory):
    out = tmp_path_factory.mktemp("any") / "onnx"
    sources, options = {"checkpoint": tiny_checkpoint}, {"image_size": "any"}
    return made(verb("torch", "scripts.onnxruntime.convert", out, sources, options))


def test_the_network_is_the_same_and_its_photos_are_of_the_other_size(resized, reference, tiny_checkpoint):
    model = json.loads((resized / "model.json").read_text())
    assert model["inputs"][0]["shape"] == ["batch", 3, OTHER, OTHER]
    assert model["preprocess"]["size"] == OTHER and model["preprocess"]["resize"] == round(OTHER * 36 / 32)
    assert (resized / "weights.pt").read_bytes() == (tiny_checkpoint / "weights.pt").read_bytes()
    assert np.load(reference / "inputs.npy").shape == (206, 3, OTHER, OTHER)


def test_one_onnx_file_serves_every_size(verb, session, any_onnx, tiny_reference, reference, tmp_path):
    options = {"runtime": "onnxruntime", "precision": "fp32", "variant": "default", "device": "cpu", "batch": None}
    graph = made(
        verb("onnxruntime", "scripts.onnxruntime.compile", tmp_path / "files", {"portable": any_onnx}, options)
    )
    for size, held in ((32, tiny_reference), (OTHER, reference)):
        asked = {"runtime": "onnxruntime", "batch": 8, "image_size": size}
        opened = session("onnxruntime", "onnxruntime", graph, held, **asked)
        assert opened.samples >= 200 and opened.sqnr_db > 80 and opened.placement["degraded"] is None


def test_openvino_compiles_for_a_size_what_serves_all(verb, session, any_onnx, reference, tmp_path):
    ir = made(verb("openvino", "scripts.openvino.convert", tmp_path / "ir", {"onnx": any_onnx}, {"precision": "fp32"}))
    options = {"precision": "fp32", "variant": "default", "device": "cpu", "threads": 2, "batch": 2}
    options["image_size"] = OTHER
    blob = made(verb("openvino", "scripts.openvino.compile", tmp_path / "blob", {"portable": ir}, options))
    opened = session("openvino", "openvino", blob, reference, runtime="openvino", batch=2, image_size=OTHER)
    assert opened.sqnr_db > 80 and opened.placement["degraded"] is None


def test_int8_of_a_file_for_every_size(verb, session, any_onnx, tiny_calibration, reference, tmp_path):
    """Its ranges are found on photos of the network's own size."""
    sources = {"onnx": any_onnx, "calibration": tiny_calibration}
    options = {"precision": "int8", "variant": "default", "calibration": "auto"}
    int8 = made(verb("onnxruntime_quantize", "scripts.onnxruntime.quantize", tmp_path / "int8", sources, options))
    options = {"runtime": "onnxruntime", "precision": "int8", "variant": "default", "device": "cpu", "batch": None}
    graph = made(verb("onnxruntime", "scripts.onnxruntime.compile", tmp_path / "files", {"portable": int8}, options))
    asked = {"runtime": "onnxruntime", "precision": "int8", "image_size": OTHER}
    opened = session("onnxruntime", "onnxruntime", graph, reference, **asked)
    assert opened.placement["degraded"] is None and opened.top1_agreement > 0.9


def test_litert_has_a_file_for_the_size(verb, session, resized, reference, tmp_path):
    tflite = made(verb("litert_convert", "scripts.litert.convert", tmp_path / "tflite", {"checkpoint": resized}))
    assert session("litert", "litert", tflite, reference, runtime="litert", image_size=OTHER).sqnr_db > 80


def test_tensorrt_builds_for_a_size_from_what_serves_all(verb, any_onnx, tmp_path):
    asked = {"runtime": "tensorrt_rtx", "precision": "fp32", "variant": "default", "device": "cuda:0", "target": "sm86"}
    engines = [
        made(verb("tensorrt_rtx", "scripts.tensorrt.compile", tmp_path / str(size), {"portable": any_onnx},
                  asked | {"batch": 2, "image_size": size}))
        for size in (32, OTHER)
    ]  # fmt: skip
    assert len({(engine / "model.engine").read_bytes() for engine in engines}) == 2


FIXED = """
import torch
class Fixed(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.classify = torch.nn.Linear(3 * 32 * 32, 10)
    def forward(self, x):
        return self.classify(torch.flatten(x, 1))
def build():
    return Fixed()
"""


def test_a_network_of_one_size_says_so(verb, tmp_path):
    (tmp_path / "fixed.py").write_text(FIXED)
    entry = {"name": "fixed", "weights": "untrained", "build": "fixed:build", "folder": str(tmp_path)}
    entry["preprocess"] = {"size": 32}
    options = {"model": entry, "photos": str(PHOTOS)}
    checkpoint = made(verb("torch", "scripts.models.prepare", tmp_path / "checkpoint", options=options))
    sources = {"checkpoint": checkpoint}
    other = verb("torch", "scripts.models.resize", tmp_path / "other", sources, {"image_size": OTHER})
    assert other.code == 3 and "takes no images of 48 pixels" in other.facts["reason"]
    every = verb("torch", "scripts.onnxruntime.convert", tmp_path / "onnx", sources, {"image_size": "any"})
    assert every.code == 3 and "takes images of one size: of 32 pixels alone" in every.facts["reason"]
