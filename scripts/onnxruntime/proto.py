"""ONNX files as messages: what is no part of the computation taken out, operators counted. Needs the onnx package."""

from pathlib import Path
from typing import Any, Dict, Iterator, List

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


def operators(proto: onnx.ModelProto) -> Dict[str, int]:
    """How many of each operator, by the dtype of its first output: {"Conv:float32": 49}."""
    graph = onnx.shape_inference.infer_shapes(proto, strict_mode=True, data_prop=True).graph
    values: List[Any] = list(graph.value_info) + list(graph.output)
    dtypes = {value.name: value.type.tensor_type.elem_type for value in values}
    counts: Dict[str, int] = {}
    for node in graph.node:
        dtype = onnx.helper.tensor_dtype_to_np_dtype(dtypes[node.output[0]]).name
        key = "%s:%s" % (node.op_type, dtype)
        counts[key] = counts.get(key, 0) + 1
    return counts


def save(proto: onnx.ModelProto, path: Path) -> None:
    """Write the stripped graph, checked by onnx's checker and strict shape inference; equal bytes for equal graphs."""
    strip(proto)
    onnx.checker.check_model(proto, full_check=True)
    path.write_bytes(proto.SerializeToString(deterministic=True))
