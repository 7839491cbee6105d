"""An ONNX graph as a Keras network: the same operators with the same weights, images laid out as [N, H, W, C].

Exact: no operator is approximated. What is not known is refused by name. The meaning of the operators is that of
ONNX's specification, opset 18.
"""

from pathlib import Path
from typing import Any

import onnx

from scripts.tensorflow.graph import Node, Walk, unsupported
from scripts.tensorflow.libraries import keras
from scripts.tensorflow.operators import OPERATORS


def network(path: Path) -> keras.Model:
    """The file's graph as a Keras network with its weights.

    It takes and gives dicts by the file's names: arrays of the file's types, images as [N, H, W, C].
    Raises Unsupported for the first operator that is not known, or not in that form.
    """
    graph = onnx.load(str(path)).graph
    walk = Walk(graph)
    inputs = {value.name: _input(value) for value in graph.input if value.name not in walk.values}
    walk.values.update(inputs)
    for place, proto in enumerate(graph.node):
        node = _node(proto, place)
        if node.kind not in OPERATORS:
            raise unsupported(node, "known are %s" % ", ".join(sorted(OPERATORS)))
        walk.values[node.outputs[0]] = OPERATORS[node.kind](walk, node)
    return keras.Model(inputs, {value.name: walk.values[value.name] for value in graph.output})


def _node(proto: onnx.NodeProto, place: int) -> Node:
    attributes = {each.name: onnx.helper.get_attribute_value(each) for each in proto.attribute}
    name = "%s_%d" % (proto.op_type.lower(), place)
    return Node(proto.op_type, name, attributes, list(proto.input), list(proto.output))


def _input(value: onnx.ValueInfoProto) -> Any:
    """A Keras input of the same name and type, the batch left free."""
    tensor = value.type.tensor_type
    sides = [side.dim_value or None for side in tensor.shape.dim][1:]
    if len(sides) == 3:
        sides = [*sides[1:], sides[0]]
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
    return keras.Input(sides, name=value.name, dtype=dtype)
