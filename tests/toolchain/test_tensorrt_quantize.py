"""Precisions for TensorRT: graphs that say them, and engines that compute in them, for GPUs that are not here."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.tensorrt import ranges
from tests.toolchain.conftest import PHOTOS, TINY, Result

ENV = "tensorrt_quantize"
PRECISIONS = {"fp16": "float16", "bf16": "bfloat16", "int8": "int8", "fp8": "float8"}
CALIBRATED = ("int8", "fp8")


SOURCE = """
import torch
from torch import nn


class Wide(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 32, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU6())
        self.depth = nn.Sequential(nn.Conv2d(32, 32, 3, padding=1, groups=32), nn.BatchNorm2d(32), nn.ReLU6())
        self.point = nn.Sequential(nn.Conv2d(32, 32, 1, bias=False), nn.BatchNorm2d(32))
        self.widen = nn.Sequential(nn.Conv2d(32, 64, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU())
        self.classify = nn.Linear(64, 10)

    def forward(self, x):
        x = self.stem(x)
        x = self.widen(x + self.point(self.depth(x)))
        return self.classify(x.mean((2, 3)))


def build():
    return Wide()
"""
"""Wide enough for fp8, which the Model Optimizer leaves out where a convolution has few channels."""


@dataclass(frozen=True)
class Made:
    """Folders of one network."""

    onnx: Path
    reference: Path
    calibration: Path


@pytest.fixture(scope="module")
def wide(verb, tmp_path_factory) -> Made:
    folder = tmp_path_factory.mktemp("wide")
    (folder / "wide.py").write_text(SOURCE)
    model = {**TINY, "name": "wide", "build": "wide:build", "folder": str(folder)}
    options: dict[str, Any] = {"model": model, "photos": str(PHOTOS)}

    def run(module: str, name: str, options: dict[str, Any], *sources: str) -> Path:
        named = {source: folder / source for source in sources}
        result = verb("torch", f"scripts.{module}", folder / name, named, options)
        assert result.code == 0, result.stderr
        return Path(result.out)

    run("models.prepare", "checkpoint", options)
    reference = run("models.reference", "reference", options, "checkpoint")
    onnx = run("onnxruntime.convert", "onnx", {}, "checkpoint")
    return Made(onnx, reference, run("models.calibration", "calibration", {"photos": 32}, "reference"))


@pytest.fixture(scope="module")
def typed(verb, wide, tmp_path_factory):
    """`typed(precision)`: the network's graph in that precision, made once."""
    made: dict[str, Result] = {}

    def of(precision: str) -> Result:
        if precision not in made:
            made[precision] = quantise(verb, wide.onnx, wide.calibration, tmp_path_factory.mktemp(precision), precision)
            assert made[precision].code == 0, made[precision].stderr
        return made[precision]

    return of


def quantise(verb, onnx: Path, calibration: Path, folder: Path, precision: str, **more: Any) -> Result:
    method = {"calibration": more.pop("method", "auto")} if precision in CALIBRATED else {}
    options = {"precision": precision, "variant": "default", "batch": None, "image_size": None, **method}
    sources = {"onnx": onnx} | ({"calibration": calibration} if method else {})
    return verb(ENV, "scripts.tensorrt.quantize", folder / "files", sources, options, **more)


def built(verb, graph: Path, out: Path, precision: str, target: str = "sm89") -> Result:
    asked = {"runtime": "tensorrt_rtx", "precision": precision, "variant": "default", "device": "cuda:0", "batch": 2}
    return verb("tensorrt_rtx", "scripts.tensorrt.compile", out, {"portable": graph}, {**asked, "target": target})


TARGETS = {"sm86": ("fp16", "bf16", "int8"), "sm89": tuple(PRECISIONS), "sm120": tuple(PRECISIONS)}
"""GPUs that are not here, with what each computes in."""


@pytest.mark.parametrize(
    ("target", "precision"), [(target, precision) for target, each in TARGETS.items() for precision in each]
)
def test_an_engine_computes_in_what_was_asked(verb, typed, tmp_path, target, precision):
    result = built(verb, typed(precision).out, tmp_path / "files", precision, target)
    assert result.code == 0, result.stderr
    assert "status" not in result.facts, result.facts.get("reason")
    shares = result.facts["multiplications"]
    assert sum(shares.values()) == pytest.approx(1.0)
    if precision in CALIBRATED:
        recipe = json.loads((result.out / "quantised.json").read_text())
        assert shares[PRECISIONS[precision]] == pytest.approx(recipe["share"], abs=0.005) and recipe["share"] > 0.3
        assert set(shares) <= {PRECISIONS[precision], "float16"}  # what is kept is in fp16, as declared
        assert recipe["method"].endswith("the rest in fp16")
    else:
        assert shares == {PRECISIONS[precision]: 1.0} and not (result.out / "quantised.json").exists()


WIDENED = """
import sys
import numpy as np, onnx, onnxruntime
from onnx import helper, numpy_helper
proto = onnx.load(sys.argv[1] + "/model.onnx")
narrow = (onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)
assert {value.type.tensor_type.elem_type for value in [*proto.graph.input, *proto.graph.output]} == {1}
assert not [t.name for t in proto.graph.initializer if t.data_type == onnx.TensorProto.INT32]
tensors = list(proto.graph.initializer) + [a.t for n in proto.graph.node for a in n.attribute if a.HasField("t")]
for tensor in tensors:
    if tensor.data_type in narrow:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))
for node in proto.graph.node:
    for attribute in node.attribute:
        if attribute.name == "to" and attribute.i in narrow:
            attribute.i = onnx.TensorProto.FLOAT
options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
inputs, wanted = np.load(sys.argv[2] + "/inputs.npy"), np.load(sys.argv[2] + "/logits.npy").astype("f8")
got = session.run(None, {"input": inputs})[0]
print(10 * np.log10((wanted**2).sum() / ((got - wanted) ** 2).sum()))
"""


@pytest.mark.parametrize(("precision", "floor"), [("fp16", 45), ("bf16", 25), ("int8", 20), ("fp8", 15)])
def test_the_numbers_in_the_graph_agree(python, typed, wide, precision, floor):
    """Computed by ONNX Runtime in float32: its CPU kernels for Q/DQ pairs with fp16 scales give something else."""
    done = python(ENV, WIDENED, str(typed(precision).out), str(wide.reference))
    assert float(done.stdout.splitlines()[-1]) > floor


@pytest.mark.parametrize("precision", ["fp16", "int8", "fp8"])
def test_the_same_bytes_every_time(verb, typed, wide, tmp_path, precision):
    folder = Path(shutil.copytree(wide.onnx, tmp_path / "elsewhere" / "onnx"))
    variables = {"PYTHONHASHSEED": "11"}
    again = quantise(verb, folder, wide.calibration, tmp_path / "elsewhere", precision, variables=variables)
    assert again.code == 0, again.stderr
    for name in {path.name for path in typed(precision).out.iterdir()}:
        assert (again.out / name).read_bytes() == (typed(precision).out / name).read_bytes(), name
    assert str(tmp_path).encode() not in (again.out / "model.onnx").read_bytes()


FOR_ORT = """
import sys
import numpy as np
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

class Photos(CalibrationDataReader):
    def __init__(self):
        self.rows = iter(np.load(sys.argv[2] + "/inputs.npy")[:4])
    def get_next(self):
        row = next(self.rows, None)
        return None if row is None else {"input": row[None]}

quantize_static(sys.argv[1] + "/model.onnx", sys.argv[3] + "/model.onnx", Photos(), quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QInt8, weight_type=QuantType.QInt8, per_channel=True,
                extra_options={"ActivationSymmetric": True})
"""


def test_a_graph_quantised_for_onnxruntime_is_refused_by_the_parser(verb, python, wide, tmp_path):
    """Its biases are int32 behind a DequantizeLinear; ours, above, are not and are taken."""
    (tmp_path / "ort").mkdir()
    python(ENV, FOR_ORT, str(wide.onnx), str(wide.calibration), str(tmp_path / "ort"))
    result = built(verb, tmp_path / "ort", tmp_path / "files", "int8")
    assert result.code == 3 and result.facts["status"] == "unsupported"
    assert "TensorRT's ONNX parser refuses this graph at node" in result.facts["reason"]
    assert "DequantizeLinear" in result.facts["reason"]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_graph_in_which_nothing_has_the_precision_is_degraded(verb, wide, tmp_path, precision):
    result = built(verb, wide.onnx, tmp_path / "files", precision)
    assert result.code == 0, result.stderr
    assert result.facts["status"] == "degraded" and f"asked for {precision}" in result.facts["reason"]


def test_integers_that_a_gpu_does_not_compute_in_are_degraded(verb, typed, tmp_path):
    """For 7.5 TensorRT for RTX builds the int8 graph without a word, and multiplies in fp16."""
    result = built(verb, typed("int8").out, tmp_path / "files", "int8", target="sm75")
    assert result.code == 0, result.stderr
    assert result.facts["status"] == "degraded" and "int8" not in result.facts["multiplications"]


@pytest.mark.parametrize(
    ("precision", "target", "said"),
    [
        ("fp8", "sm86", "fp8 takes a GPU of compute capability 8.9 or newer, and the target is sm86; set"),
        ("bf16", "sm75", "bf16 takes a GPU of compute capability 8.0 or newer, and the target is sm75; set"),
    ],
)
def test_a_target_that_lacks_the_precision_is_told_which_have_it(verb, typed, tmp_path, precision, target, said):
    result = built(verb, typed(precision).out, tmp_path / "files", precision, target)
    assert result.code == 3 and result.facts["status"] == "unsupported"
    assert result.facts["reason"].startswith(said) and "sm89" in result.facts["reason"]


def test_ways_of_calibrating(verb, wide, tmp_path):
    refused = quantise(verb, wide.onnx, wide.calibration, tmp_path / "a", "int8", method="percentile")
    assert refused.code == 3
    assert "not by percentile; ask for calibration.method: auto or minmax" in refused.facts["reason"]
    largest = quantise(verb, wide.onnx, wide.calibration, tmp_path / "b", "int8", method="minmax")
    assert largest.code == 0, largest.stderr
    assert largest.facts["options"]["calibration"] == "max"


def test_a_network_that_is_too_narrow_for_fp8_is_told_so(verb, tiny_onnx, wide, tmp_path):
    result = quantise(verb, tiny_onnx, wide.calibration, tmp_path, "fp8")
    assert result.code == 3 and "finds nothing in this network" in result.facts["reason"]


FLAGGED = {"rest": "fp32", "opset": "17"}
SAME = """
import sys
import numpy as np, onnx, onnxruntime
older, source = onnx.load(sys.argv[1] + "/model.onnx"), sys.argv[2] + "/model.onnx"
assert older.opset_import[0].version <= 17, older.opset_import
assert all(t.data_type != onnx.TensorProto.FLOAT16 for t in older.graph.initializer)
inputs = {"input": np.load(sys.argv[3] + "/inputs.npy")[:4]}
run = lambda graph: onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"]).run(None, inputs)[0]
ours, theirs = run(older.SerializeToString()), run(source)
print(10 * np.log10((theirs**2).sum() / max(((ours - theirs) ** 2).sum(), 1e-30)))
"""


@pytest.mark.parametrize(
    ("precision", "variant", "least_db"),
    [("fp32", "default", 100), ("int8", "default", 15), ("int8", "calibrator", 100)],
)
def test_a_graph_for_builders_with_flags_is_in_float32_and_in_an_older_operator_set(
    verb, python, wide, tmp_path, precision, variant, least_db
):
    """TensorRT 8.6 reads a newer one without a word, and takes a mean over an image as one over everything."""
    method = {"calibration": "auto"} if precision == "int8" else {}
    options = {"precision": precision, "variant": variant, "batch": None, "image_size": None, **method, **FLAGGED}
    sources = {"onnx": wide.onnx} | ({"calibration": wide.calibration} if method else {})
    result = verb(ENV, "scripts.tensorrt.quantize", tmp_path / "files", sources, options)
    assert result.code == 0, result.stderr
    done = python(ENV, SAME, str(result.out), str(wide.onnx), str(wide.reference))
    assert float(done.stdout.split()[-1]) > least_db
    recipe = result.out / "quantised.json"
    if (precision, variant) == ("int8", "default"):
        assert json.loads(recipe.read_text())["method"].endswith("the rest in fp32")
    if variant == "calibrator":
        kept = np.load(result.out / ranges.FILE)["input"]
        assert kept.shape == (32, 3, *kept.shape[2:]) and not recipe.exists(), "TensorRT finds the ranges on these"


def test_a_calibrator_that_tensorrt_lacks_is_unsupported(verb, wide, tmp_path):
    options = {"precision": "int8", "variant": "calibrator", "batch": None, "image_size": None, **FLAGGED}
    sources = {"onnx": wide.onnx, "calibration": wide.calibration}
    asked = {**options, "calibration": "percentile"}
    result = verb(ENV, "scripts.tensorrt.quantize", tmp_path / "files", sources, asked)
    assert result.code == 3 and "ask for calibration.method: auto or minmax" in result.facts["reason"]


def test_every_input_is_calibrated_on_in_full_batches():
    inputs = {"input": np.arange(5 * 2, dtype=np.float32).reshape(5, 2)}
    found = [list(batch["input"][:, 0] / 2) for batch in ranges.batches(inputs, 2)]
    assert found == [[0, 1], [2, 3], [4, 0]], "the last is filled up from the beginning"
    (one,) = ranges.batches(inputs, 8)
    assert one["input"].shape == (8, 2) and one["input"].flags.c_contiguous
