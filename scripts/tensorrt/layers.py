"""What an engine really computes, and in which dtype: read from its layers, weighed by the network's multiplications.

A network's layers with weights are known by name before TensorRT fuses them (`multiplications`), and an engine's
layers name those that they are made of, so that each share is one of multiplications, not of layers.
"""

import json
import re
from math import prod
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional

from scripts.core.quantised import SLACK, Recipe, int8_share
from scripts.tensorrt import versions

FILE = "multiplications.json"
FLOAT32 = ("fp32", "tf32")
"""Precisions whose layers are all in float32; TF32 is how they are then multiplied."""
WANTED = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16", "int8": "int8", "fp8": "float8"}
GLUE = "kgen"
"""The type of layers that TensorRT for RTX writes itself for what lies between those that multiply."""
TYPES = {"FLOAT": "float32", "HALF": "float16", "BF16": "bfloat16", "INT8": "int8", "FP8": "float8"}

DTYPES = (
    (r"bf16|bfloat", "bfloat16"),
    (r"fp16|half", "float16"),
    (r"fp8|e4m3", "float8"),
    (r"fp32|float", "float32"),
    (r"int8", "int8"),
    (r"int32", "int32"),
    (r"int64", "int64"),
    (r"bool", "bool"),
)
"""How the versions' reports write dtypes; the first that fits counts."""
KNOWN = tuple(name for _, name in DTYPES)


class Layer(NamedTuple):
    """One layer of an engine: its name, type, dtypes of first output and first input, the ONNX nodes that it holds."""

    name: str
    kind: str
    dtype: str
    reads: str
    nodes: List[str]


class Multiplied(NamedTuple):
    """A convolution or matrix product of the network before it is built: its MACs, and the dtype of its input.

    Where Q/DQ pairs surround it that dtype is what they are made for to replace.
    """

    macs: int
    dtype: str


class Shares(NamedTuple):
    """The shares of an engine's multiplications by dtype.

    weighed: by MACs; where an engine does not name the layers that it is made of, each of its layers counts alike
    """

    by_dtype: Dict[str, float]
    weighed: bool


Table = Dict[str, Multiplied]


def of_engine(engine: Any, context: Any) -> "List[Layer]":
    """The layers of a loaded engine, from its inspector. It takes the engine's GPU.

    context: one of the engine's, which knows the shapes of its inputs; without them a range of batches has no dtypes.
    """
    inspector = engine.create_engine_inspector()
    inspector.execution_context = context
    report = inspector.get_engine_information(versions.trt.LayerInformationFormat.JSON)
    return [
        Layer(
            layer["Name"],
            layer["LayerType"],
            _first(layer.get("Outputs") or []),
            _first(layer.get("Inputs") or []),
            _nodes(layer.get("Metadata") or ""),
        )
        for layer in json.loads(report, strict=False)["Layers"]  # 8.6 writes control characters
    ]


def _first(tensors: List[Dict[str, Any]]) -> str:
    tensor = tensors[0] if tensors else {}
    return _dtype(tensor.get("Datatype") or tensor.get("Format/Datatype", ""))


def as_built(log: Any) -> "List[Layer]":
    """The layers of an engine just built, from the same report in the builder's log. It takes no GPU."""
    report = next((text for _, text in reversed(log.messages) if text.startswith("Layers:")), "")
    found = []
    for line in report.splitlines():
        layer = re.match(r"Name: (.*?), LayerType: (\w+), Inputs: \[(.*?)\](?:, Constants:.*?)?, Outputs: (.*)", line)
        if layer:
            written, read = (re.search(r"Datatype: (\w+)", text) for text in (layer[4], layer[3]))
            dtypes = [_dtype(match[1] if match else "") for match in (written, read)]
            found.append(Layer(layer[1], layer[2], dtypes[0], dtypes[1], _nodes(layer[4])))
    return found


def _nodes(text: str) -> List[str]:
    return re.findall(r"\[ONNX Layer: (.*?)\]", text)


def _dtype(text: str) -> str:
    """NumPy's name for the dtype in a report's phrase, such as "Row major linear FP32"."""
    return next((name for pattern, name in DTYPES if re.search(pattern, text.lower())), text or "none")


def summary(found: "List[Layer]") -> str:
    """One phrase, such as "55 layers: 55 float32"."""
    counts = {dtype: sum(layer.dtype == dtype for layer in found) for dtype in sorted({layer.dtype for layer in found})}
    return "%d layers: %s" % (len(found), ", ".join("%d %s" % (count, dtype) for dtype, count in counts.items()))


def multiplications(network: Any) -> Table:
    """Every convolution and matrix product of a parsed network whose batch is fixed, by the name of its ONNX node."""
    types = versions.trt.LayerType
    found = {}
    for index in range(network.num_layers):
        layer = network.get_layer(index)
        if layer.type not in (types.CONVOLUTION, types.MATRIX_MULTIPLY):
            continue
        outputs, entered = prod(layer.get_output(0).shape), layer.get_input(0)
        if layer.type == types.CONVOLUTION:
            layer.__class__ = versions.trt.IConvolutionLayer  # what the bindings want for its own attributes
            each = entered.shape[1] // layer.num_groups * prod(layer.kernel_size_nd)
        else:
            layer.__class__ = versions.trt.IMatrixMultiplyLayer
            turned = layer.op0 == versions.trt.MatrixOperation.TRANSPOSE
            each = entered.shape[-2 if turned else -1]
        found[layer.name] = Multiplied(outputs * each, TYPES.get(entered.dtype.name, entered.dtype.name.lower()))
    return found


def save(table: Table, out: Path) -> None:
    """Leave it beside the engine, for the session."""
    (out / FILE).write_text(json.dumps(table, indent=1) + "\n")


def load(folder: Path) -> Table:
    """The one beside an engine; empty where none was left."""
    path = folder / FILE
    return {name: Multiplied(*row) for name, row in json.loads(path.read_text()).items()} if path.is_file() else {}


def shares(found: "List[Layer]", table: Table) -> Shares:
    """How the network's multiplications are really done, by dtype."""
    done = {name: dtype for name in table for dtype in _done_in(found, name)}
    if table and len(done) == len(table):
        rows = [(done[name], row.macs) for name, row in table.items()]
    else:
        rows = [(layer.reads, 1) for layer in found if layer.kind != GLUE]
    total = sum(count for _, count in rows)
    by_dtype = {
        dtype: sum(n for each, n in rows if each == dtype) / total for dtype in sorted({row[0] for row in rows})
    }
    return Shares(by_dtype, bool(table) and len(done) == len(table))


def _done_in(found: "List[Layer]", node: str) -> Iterator[str]:
    """The dtype that the engine's layer reads which multiplies for `node`; nothing where no layer names it."""
    holding = [layer for layer in found if node in layer.nodes]
    for layer in ([one for one in holding if one.kind != GLUE] or holding)[:1]:
        yield layer.reads


def not_as_asked(precision: str, done: Shares, table: Table, recipe: Optional[Recipe]) -> Optional[str]:
    """Why an engine is degraded: it multiplies less in what was asked for than the graph declares. None if it does.

    What a graph of floats declares lies in its dtypes, what a quantised one declares in its recipe.
    """
    wanted = WANTED[precision]
    share = done.by_dtype.get(wanted, 0.0)
    if share == 0.0:
        return "asked for %s, and nothing is multiplied in %s" % (precision, wanted)
    declared = recipe.share if recipe else int8_share((row.macs, row.dtype == wanted) for row in table.values())
    if done.weighed and declared is not None and share < declared - SLACK:
        words = "the graph has %.1f %% of the multiplications in %s, the engine does %.1f %% in it"
        return words % (100 * declared, wanted, 100 * share)
    return None
