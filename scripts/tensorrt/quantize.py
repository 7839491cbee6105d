"""Give a network the precisions that TensorRT is to compute in: `model.onnx` in float32 -> `model.onnx`.

TensorRT for RTX takes a strongly typed graph. TensorRT 8.6 to 10 is told by flags what it may use, and takes a graph
in float32, for int8 with Q/DQ pairs, in an older operator set (the options `rest: fp32` and `opset`).

Sources: `onnx`, a folder with `model.onnx` (float32), and for int8 and fp8 `calibration`. NVIDIA's Model Optimizer does
the rest, on the CPU, and the same every time. fp16 and bf16: AutoCast, which leaves in float32 what would not fit.
int8: Q/DQ pairs with symmetric s8 activations and s8 weights per channel, without quantised biases, which TensorRT's
parser refuses. fp8: the same in e4m3. What is not quantised is in fp16, the Model Optimizer's default. Inputs and
outputs stay as they are. int8's variant `calibrator` stays in float32, with the calibration inputs beside it: TensorRT
finds the ranges itself.
"""

import importlib.metadata
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np
import onnx
import onnx.numpy_helper
import onnx.version_converter

from scripts.core.quantised import Recipe, int8_share
from scripts.core.verb import Facts, Job, Unsupported, main
from scripts.measure.inputs import stored
from scripts.onnxruntime.proto import operators, save
from scripts.tensorrt import graph, ranges

PACKAGES = ("nvidia-modelopt", "onnx", "onnxruntime", "onnx-graphsurgeon", "onnxslim", "polygraphy", "numpy")
REST = "fp16"
METHODS = {
    "int8": {"auto": "entropy", "minmax": "max"},
    # Its own note: what turns the scales of int8 into those of fp8 is made for ranges found by max.
    "fp8": {"auto": "max", "minmax": "max"},
}
"""The Model Optimizer's names for the ways of finding ranges, by precision and by the config's names."""
DTYPES = {"int8": "int8", "fp8": "float8"}
WORDS = {"int8": "s8", "fp8": "e4m3"}


def work(job: Job) -> Facts:
    """Write model.onnx, checked by onnx's checker, and the recipe of a quantised one."""
    precision, options = job.options["precision"], dict(job.options)
    by_tensorrt = options.get("variant") == ranges.VARIANT
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "model.onnx"
        shutil.copyfile(str(job.sources["onnx"] / "model.onnx"), str(source))
        if by_tensorrt:
            ranges.kind_of(options["calibration"])
            proto = onnx.load(str(source))
            inputs: Dict[str, Any] = dict(inputs_of(source, job.sources["calibration"]))
            np.savez(str(job.out / ranges.FILE), **inputs)
        elif precision in METHODS:
            method, rest = method_of(precision, options["calibration"]), options.get("rest", REST)
            proto = quantised(source, precision, method, rest, job.sources["calibration"])
            options.update(calibration=method, high_precision_dtype=rest)
        elif precision == "fp32":
            proto = onnx.load(str(source))
        else:
            proto = cast(source, precision)
    if "opset" in options:
        proto = older(proto, int(options["opset"]))
    proto.producer_name = proto.producer_version = ""
    save(proto, job.out / "model.onnx")
    if precision in METHODS and not by_tensorrt:
        recipe_of(proto, precision, options["calibration"], options["high_precision_dtype"]).write(job.out)
    opset = next(entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx"))
    return {
        "versions": versions(),
        "operators": operators(proto),
        "options": dict(options, opset=opset, ir_version=proto.ir_version),
    }


def _axes(node: onnx.NodeProto, constants: Dict[str, onnx.TensorProto]) -> List[int]:
    """Over what a mean is taken. Raises Unsupported where that is not a constant."""
    if len(node.input) < 2 or node.input[1] not in constants:
        raise Unsupported("%s: its axes are no constant, as an operator set below 18 wants them" % node.name)
    return [int(axis) for axis in onnx.numpy_helper.to_array(constants[node.input[1]])]


def _copied(attribute: onnx.AttributeProto) -> onnx.AttributeProto:
    copy = onnx.AttributeProto()
    copy.CopyFrom(attribute)
    return copy


def versions() -> Dict[str, str]:
    """Of the packages that are here: a graph that stays in float32 takes onnx alone.

    Of ONNX Runtime that of what was imported: its builds have different names, and two may lie beside each other.
    """
    found = {name: list(importlib.metadata.distributions(name=name)) for name in PACKAGES}
    here = {name: distributions[0].version for name, distributions in found.items() if distributions}
    imported = sys.modules.get("onnxruntime")
    return {**here, **({"onnxruntime": imported.__version__} if imported else {})}


def older(proto: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """The graph in an older operator set, for a parser that reads no newer one wrongly.

    TensorRT 8.6 takes opset 18 and then overlooks its new inputs: a mean over an image becomes one over everything.
    """
    written = next(entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx"))
    if written <= opset:
        return proto
    constants = {tensor.name: tensor for tensor in proto.graph.initializer}
    axes = {node.name: _axes(node, constants) for node in proto.graph.node if node.op_type == "ReduceMean"}
    made = onnx.version_converter.convert_version(proto, opset)
    for node in made.graph.node:
        if node.op_type != "ReduceMean":
            continue
        # The converter leaves an attribute that came with 18, and in some versions forgets which axes it moves.
        kept = [copy for copy in map(_copied, node.attribute) if copy.name not in ("noop_with_empty_axes", "axes")]
        del node.attribute[:]
        node.attribute.extend([*kept, onnx.helper.make_attribute("axes", axes[node.name])])
    return made


def method_of(precision: str, asked: str) -> str:
    """The Model Optimizer's name for a way of finding ranges. Raises Unsupported if it offers none such."""
    if asked not in METHODS[precision]:
        raise Unsupported(
            "NVIDIA's Model Optimizer finds the ranges of %s by entropy or by the largest value, not by %s; ask for "
            "calibration.method: auto or minmax" % (precision, asked)
        )
    return METHODS[precision][asked]


def cast(source: Path, precision: str) -> onnx.ModelProto:
    """The network in fp16 or bf16, with casts at its inputs and outputs."""
    from modelopt.onnx.autocast import convert_to_mixed_precision

    proto: onnx.ModelProto = convert_to_mixed_precision(
        str(source), low_precision_type=precision, keep_io_types=True, providers=["cpu"]
    )
    return proto


def quantised(source: Path, precision: str, method: str, rest: str, calibration: Path) -> onnx.ModelProto:
    """The network with Q/DQ pairs whose ranges come from the calibration inputs; what is left is in `rest`."""
    from modelopt.onnx.quantization import quantize

    out = source.with_name("quantised.onnx")
    quantize(
        str(source),
        quantize_mode=precision,
        calibration_data=inputs_of(source, calibration),
        calibration_method=method,
        calibration_eps=["cpu"],
        high_precision_dtype=rest,
        output_path=str(out),
    )
    return onnx.load(str(out))


def inputs_of(source: Path, calibration: Path) -> Dict[str, np.ndarray]:
    """The calibration inputs [N, ...] by the network's input names."""
    names = [value.name for value in onnx.load(str(source)).graph.input]
    return {name: np.array(values) for name, values in stored(calibration, "inputs", names).items()}


def recipe_of(proto: onnx.ModelProto, precision: str, method: str, rest: str) -> Recipe:
    """What the graph means to multiply in int8 or fp8. Raises Unsupported if that is nothing."""
    share, kept = _declared(proto, DTYPES[precision])
    if not share:
        raise Unsupported(
            "NVIDIA's Model Optimizer finds nothing in this network that TensorRT would compute faster in %s"
            % precision
        )
    words = "%s activations (%s), %s weights per channel, Q/DQ; the rest in %s"
    return Recipe(words % (WORDS[precision], method, WORDS[precision], rest), share, kept)


def _declared(proto: onnx.ModelProto, dtype: str) -> Tuple[Any, Any]:
    found = graph.products(proto)
    share = int8_share((product.macs, product.dtype == dtype) for product in found)
    return share, [product.name for product in found if product.dtype != dtype]


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
