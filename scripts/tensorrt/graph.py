"""An ONNX graph that says its own precisions: which of its multiplications are in which dtype."""

from math import prod
from typing import Any, Dict, List, NamedTuple, Tuple

import onnx

from scripts.core.quantised import USUAL_SIZE, macs
from scripts.onnxruntime.proto import is_transposed, named

PAIR = "DequantizeLinear"


class Product(NamedTuple):
    """A convolution or matrix product: its node's name, its multiplications for one sample, and their dtype."""

    name: str
    macs: float
    dtype: str


def products(proto: onnx.ModelProto) -> List[Product]:
    """Every convolution and matrix product of `proto`. Between Q/DQ pairs it counts as done in the pairs' dtype."""
    one = onnx.ModelProto()
    one.CopyFrom(proto)
    for value in list(one.graph.input) + list(one.graph.output):
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.dim_param:
                dimension.dim_value = 1 if dimension.dim_param == "batch" else USUAL_SIZE
    graph = onnx.shape_inference.infer_shapes(one, data_prop=True).graph
    shapes, dtypes = _known(graph)
    made = {output: node for node in graph.node for output in node.output}
    found = []
    for node in graph.node:
        if node.op_type not in ("Conv", "Gemm", "MatMul") or not {node.input[1], node.output[0]} <= set(shapes):
            continue
        entered = [_of_pair(made, name) for name in node.input[:2]]
        dtype = {dtypes[name] for name in entered}
        weights, outputs = shapes[node.input[1]], shapes[node.output[0]]
        channels = weights[0] if node.op_type == "Conv" or is_transposed(node) else weights[-1]
        count = macs(prod(outputs), prod(weights[-2:] if node.op_type == "MatMul" else weights), channels)
        found.append(Product(node.name, count, dtype.pop() if len(dtype) == 1 else "mixed"))
    return found


def _known(graph: Any) -> Tuple[Dict[str, List[int]], Dict[str, str]]:
    """Shapes and dtypes of the graph's tensors, by name."""
    shapes, dtypes = {}, {}
    for value in list(graph.input) + list(graph.value_info) + list(graph.output):
        kind = value.type.tensor_type
        shapes[value.name] = [dimension.dim_value for dimension in kind.shape.dim]
        dtypes[value.name] = named(kind.elem_type)
    for tensor in graph.initializer:
        shapes[tensor.name], dtypes[tensor.name] = list(tensor.dims), named(tensor.data_type)
    return shapes, dtypes


def _of_pair(made: Dict[str, Any], name: str) -> str:
    """The quantised tensor behind a Q/DQ pair's output; other tensors themselves."""
    node = made.get(name)
    return str(node.input[0]) if node is not None and node.op_type == PAIR else name
