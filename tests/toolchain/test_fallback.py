"""Silent fallbacks are noticed: provoked for real, and not seen where there are none."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from scripts.trust import fallback
from scripts.trust.fallback import Drill
from tests.toolchain.proved import LIMITS, Proved, proved


@pytest.fixture
def small(verb, tiny_checkpoint, tiny_reference, tiny_onnx, monkeypatch) -> Proved:
    """The small network's rows."""
    monkeypatch.setenv("ASSAY_LIMITS", LIMITS)
    return proved(verb, tiny_checkpoint, tiny_reference, tiny_onnx)


def test_all_four_fallbacks_are_flagged(small: Proved, tmp_path: Path) -> None:
    assert fallback.drills(small.rows, small.setting, tmp_path) == dict.fromkeys(fallback.DRILLS, True)


def test_a_drill_that_provokes_nothing_flags_nothing(small: Proved, tmp_path: Path, monkeypatch) -> None:
    """So that "flagged" is an observation: the same drills, with what they ask for taken away."""
    real = Drill.ending
    monkeypatch.setattr(Drill, "ending", lambda self, runtime, deployable=None, **_: real(self, runtime))
    drill = Drill({row["runtime"]: row for row in small.only("onnxruntime", "litert")}, small.setting, tmp_path)
    assert not fallback.absent_provider(drill)
    assert not fallback.xnnpack_off(drill)
    assert not fallback.nothing_quantised(drill)


ONNX = """
import sys
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
model = onnx.load(sys.argv[1] + "/model.onnx")
weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
nodes = []
def constant(name, value):
    model.graph.initializer.append(numpy_helper.from_array(value, name))
    return name
def quantised(name, dtype, scale):
    scale = constant(name + ".s", np.float32(scale))
    zero = constant(name + ".z", np.array(0, dtype))
    nodes.append(helper.make_node("QuantizeLinear", [name, scale, zero], [name + ".q"]))
    nodes.append(helper.make_node("DequantizeLinear", [name + ".q", scale, zero], [name + ".d"]))
    return name + ".d"
for node in model.graph.node:
    if node.op_type == "Conv":
        node.input[0] = quantised(node.input[0], np.int8, 0.05) if node.input[0] + ".d" not in {
            name for made in nodes for name in made.output} else node.input[0] + ".d"
        weight = weights[node.input[1]]
        scale = np.float32(abs(weight).max() / 127)
        name = constant(node.input[1] + ".i", np.round(weight / scale).astype(np.int8))
        nodes.append(helper.make_node("DequantizeLinear", [
            name, constant(name + ".s", scale), constant(name + ".z", np.int8(0))], [name + ".d"]))
        node.input[1], result = name + ".d", node.output[0]
        node.output[0] = result + ".f"
        nodes.append(node)
        after = quantised(result + ".f", np.int8, 0.05)
        nodes.append(helper.make_node("Identity", [after], [result]))
    else:
        nodes.append(node)
del model.graph.node[:]
model.graph.node.extend(nodes)
onnx.save(model, sys.argv[2] + "/model.onnx")
"""
OPENVINO = """
import sys
import numpy as np
import openvino as ov
from openvino import opset13 as op
model = ov.Core().read_model(sys.argv[1] + "/model.xml")
model.reshape([1, 3, 32, 32])
def fake(output, low, high, levels):
    low, high = op.constant(np.float32(low)), op.constant(np.float32(high))
    return op.fake_quantize(output, low, high, low, high, levels).output(0)
for node in model.get_ordered_ops():
    if node.get_type_name() == "Convolution":
        top = float(abs(node.input_value(1).get_node().data).max())
        node.input(0).replace_source_output(fake(node.input_value(0), -4, 4, 256))
        node.input(1).replace_source_output(fake(node.input_value(1), -top, top, 255))
compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
open(sys.argv[2] + "/model.blob", "wb").write(compiled.export_model().getvalue())
"""
LITERT = """
import sys
from ai_edge_quantizer import quantizer, recipe
tool = quantizer.Quantizer(sys.argv[1] + "/model.tflite")
tool.load_quantization_recipe(recipe.dynamic_wi8_afp32())
tool.quantize().export_model(sys.argv[2] + "/model.tflite")
"""
EXECUTORCH = """
import pathlib, sys
import torch
from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
    XNNPACKQuantizer, get_symmetric_quantization_config)
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
from scripts.core.verb import Job
from scripts.executorch import convert
export = torch.export.export
def quantising(module, inputs):
    torch.export.export = export
    quantiser = XNNPACKQuantizer().set_global(get_symmetric_quantization_config())
    prepared = prepare_pt2e(export(module, inputs).module(), quantiser)
    prepared(*inputs)
    return export(convert_pt2e(prepared), inputs)
torch.export.export = quantising
convert.work(Job({"checkpoint": pathlib.Path(sys.argv[1])}, pathlib.Path(sys.argv[2]), {"batch": 1}))
"""
TORCHSCRIPT = """
import sys
import torch
from torch.ao.quantization import quantize_dynamic
from scripts.models import network
module = quantize_dynamic(network.load(sys.argv[1]), {torch.nn.Linear}, dtype=torch.qint8)
torch.jit.trace(module, torch.zeros(1, 3, 32, 32)).save(sys.argv[2] + "/model.ts")
"""


@pytest.mark.parametrize(
    ("runtime", "env", "code", "source"),
    [
        ("onnxruntime", "torch", ONNX, "portable"),
        ("openvino", "openvino", OPENVINO, "portable"),
        ("litert", "litert_convert", LITERT, "deployable"),
        ("executorch", "executorch", EXECUTORCH, "checkpoint"),
        ("torchscript", "torch", TORCHSCRIPT, "checkpoint"),
    ],
)
def test_what_is_quantised_is_told_and_not_degraded(
    small: Proved, verb, python, session, tiny_reference, tmp_path, runtime: str, env: str, code: str, source: str
) -> None:
    row: dict[str, Any] = next(row for row in small.rows if row["runtime"] in (runtime, "pytorch"))
    files = tmp_path / "files"
    files.mkdir()
    python(env, code, f"{row['paths'][source]}/files", str(files))
    if runtime == "onnxruntime":
        options = {"precision": "fp32", "device": "cpu"}
        files = verb(
            "onnxruntime", "scripts.onnxruntime.compile", tmp_path / "compiled", {"portable": files}, options
        ).out
    env, room = ("torch", "pytorch") if runtime == "torchscript" else (runtime, runtime)
    placement = session(env, room, files, tiny_reference, runtime=runtime, precision="int8").placement
    assert placement["degraded"] is None, placement
    assert re.search(r"\b[1-9]\d* quantised", placement["summary"]), placement


INDUCTOR = """
import json, os, pathlib, sys
import torch
from scripts.pytorch import inductor, placements
folder = pathlib.Path(sys.argv[1])
inductor.private_cache(folder / "cache", threads=1)
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.linear = torch.nn.Conv2d(3, 8, 3), torch.nn.Linear(8, 4)
    def forward(self, x):
        x = torch.relu(self.conv(x)).mean((2, 3))
        return self.linear(torch.sort(x, 1)[0]) + torch.linalg.svdvals(x)[0]
net, inputs = Net().eval(), (torch.randn(2, 3, 16, 16),)
with torch.inference_mode():
    inductor.compiled(net)(*inputs)
python = placements.called_by_python(path.read_text() for path in (folder / "cache").rglob("*.py"))
with torch.no_grad():
    program = torch.export.export(net, inputs)
    torch._inductor.aoti_compile_and_package(program, package_path=str(folder / "model.pt2"))
placed = placements.packaged(folder / "model.pt2", 3, "fp32")
print(json.dumps([python, placements.called_by_cpp(folder / "model.pt2"), placed.summary]))
"""


def test_what_inductor_leaves_to_libraries_is_named(python, tmp_path: Path) -> None:
    """Sorting has no generated kernel, and singular values not even a C interface; convolutions go to oneDNN."""
    done = python("torch", INDUCTOR, str(tmp_path), variables={"TMPDIR": str(tmp_path)})
    by_python, by_cpp, summary = json.loads(done.stdout.splitlines()[-1])
    assert by_python == {"convolution": 1, "addmm": 1, "sort": 1, "_linalg_svd": 1}
    assert by_cpp == {"convolution": 1, "addmm": 1, "sort_stable": 1, "_linalg_svd": 1}
    assert summary == "3 generated kernels and 4 library calls (1 _linalg_svd, 1 addmm, 1 convolution, 1 more)"
