"""What the walk from ONNX to Keras knows: the operator it has come to, and the tensors behind it."""

from typing import Any, Dict, List, NamedTuple

import numpy as np
import onnx
from onnx import numpy_helper

from scripts.core.verb import Unsupported


class Node(NamedTuple):
    """One operator of the graph.

    name: its kind and its place in the graph, such as "conv_12": the layer's name
    """

    kind: str
    name: str
    attributes: Dict[str, Any]
    inputs: List[str]
    outputs: List[str]


class Walk:
    """What is known of each tensor while the graph is walked: an array (a constant) or a Keras tensor, by ONNX's name.

    Keras tensors of 4 dimensions are images, with the channels last.
    """

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.values: Dict[str, Any] = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}

    def tensor(self, node: Node, place: int) -> Any:
        """An input that is computed. Raises Unsupported where it is a constant."""
        value = self.values[node.inputs[place]]
        if isinstance(value, np.ndarray):
            raise unsupported(node, "its input %d is a constant" % place)
        return value

    def constant(self, node: Node, place: int) -> np.ndarray:
        """An input that must be a constant. Raises Unsupported where it is computed."""
        value = self.values[node.inputs[place]]
        if not isinstance(value, np.ndarray):
            raise unsupported(node, "its input %d is not a constant" % place)
        return value

    def optional(self, node: Node, place: int) -> Any:
        """A constant input, or None where it is left out."""
        return self.constant(node, place) if len(node.inputs) > place and node.inputs[place] else None


def unsupported(node: Node, why: str) -> Unsupported:
    """The refusal of one operator, in a sentence."""
    return Unsupported("Keras: the operator %s (%s) cannot be carried over from ONNX: %s" % (node.kind, node.name, why))
