"""ONNX files as messages: what is no part of the computation taken out, operators counted. Needs the onnx package."""

from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterator, List

import numpy as np
import onnx


def strip(message: Any) -> None:
    """Clear, in a protobuf message and all below it, what is no part of the computation.

    Metadata hold the exporter's stack traces and names of Python classes; shapes of inner tensors are the
    exporter's symbols, which some tools (quantisers) trip over and all can infer again.
    """
    names = {field.name for field in message.DESCRIPTOR.fields}
    for name in ("metadata_props", "doc_string", "value_info"):
        if name in names:
            message.ClearField(name)
    for inner in _inner(message):
        strip(inner)


def _inner(message: Any) -> Iterator[Any]:
    """The messages directly below `message`."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if hasattr(value, "DESCRIPTOR"):
            yield value
        else:
            yield from value


def named(kind: int) -> str:
    """The name of an element type of ONNX: "float8" for its e4m3, NumPy's for the others."""
    if kind == onnx.TensorProto.FLOAT8E4M3FN:
        return "float8"
    return str(np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind)).name)


def is_transposed(node: onnx.NodeProto) -> bool:
    """Whether a Gemm's weights are [outputs, inputs]."""
    return any(attribute.name == "transB" and attribute.i for attribute in node.attribute)


def operators(proto: onnx.ModelProto) -> Dict[str, int]:
    """How many of each operator, by the dtype of its first output: {"Conv:float32": 49}."""
    graph = onnx.shape_inference.infer_shapes(proto, data_prop=True).graph
    values: List[Any] = list(graph.value_info) + list(graph.output)
    dtypes = {value.name: named(value.type.tensor_type.elem_type) for value in values}
    return dict(Counter("%s:%s" % (node.op_type, dtypes.get(node.output[0], "unknown")) for node in graph.node))


def save(proto: onnx.ModelProto, path: Path) -> None:
    """Write the stripped graph, checked by onnx's checker and strict shape inference; equal bytes for equal graphs."""
    strip(proto)
    onnx.checker.check_model(proto, full_check=True)
    path.write_bytes(proto.SerializeToString(deterministic=True))
