"""The layers of a TFLite file, from what the interpreter tells of its operators and tensors. NumPy only."""

from collections import Counter
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Set

import numpy as np

from scripts.core.quantised import int8_share, macs

Node = Dict[str, Any]

DELEGATE = "DELEGATE"
CASTS = ("QUANTIZE", "DEQUANTIZE")
"""Operators that turn floats to integers and back: they compute nothing."""
CHANNELS_LAST = ("DEPTHWISE_CONV_2D",)
"""Layers whose weights have the output channels last, [1, H, W, C]; elsewhere they come first."""
MULTIPLYING = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
DYNAMIC_ON_XNNPACK = ("CONV_2D", "FULLY_CONNECTED")
"""Layers with float inputs and int8 weights that XNNPACK multiplies in integers; it unpacks other weights to floats."""


class Layer(NamedTuple):
    """A convolution or a fully connected layer.

    name:    of its output tensor
    macs:    its multiplications, for the batch that the interpreter is allocated for
    inputs, weights:  the dtypes that its kernel reads, such as "int8"
    stored:  the dtype of the weights in the file, where a cast lies between it and the kernel
    taken:   XNNPACK runs it
    """

    op: str
    name: str
    macs: float
    inputs: str
    weights: str
    stored: str
    taken: bool

    @property
    def in_integers(self) -> bool:
        """Whether it multiplies integers: int8 weights with int8 inputs, or with inputs that its kernel quantises."""
        if self.weights != "int8":
            return False
        return self.inputs == "int8" or not self.taken or self.op in DYNAMIC_ON_XNNPACK


def layers(nodes: List[Node], tensors: List[Dict[str, Any]]) -> List[Layer]:
    """All layers of `Interpreter._get_ops_details()` and `Interpreter.get_tensor_details()`."""
    told = {tensor["index"]: tensor for tensor in tensors}
    taken = delegated(nodes)
    casts = {int(node["outputs"][0]): int(node["inputs"][0]) for node in nodes if node["op_name"] in CASTS}
    found = []
    for node in (node for node in nodes if node["op_name"] in MULTIPLYING):
        reads, weights, makes = int(node["inputs"][0]), int(node["inputs"][1]), int(node["outputs"][0])
        if weights not in told:
            continue
        shape = told[weights]["shape"]
        channels = shape[-1 if node["op_name"] in CHANNELS_LAST else 0]
        count = macs(_size(told[makes]), float(np.prod(shape, dtype=np.float64)), float(channels))
        read, multiplied, kept = (_dtype(told, index) for index in (reads, weights, casts.get(weights, weights)))
        found.append(Layer(node["op_name"], told[makes]["name"], count, read, multiplied, kept, node["index"] in taken))
    return found


def operators(nodes: List[Node]) -> Dict[str, int]:
    """How many of each operator, by the dtype of its first output: {"CONV_2D:float32": 33}."""
    return dict(Counter("%s:%s" % (node["op_name"], node["result_types"][0].__name__) for node in nodes))


def _size(tensor: Dict[str, Any]) -> float:
    return float(np.prod(tensor["shape"], dtype=np.float64))


def _dtype(told: Dict[int, Dict[str, Any]], index: int) -> str:
    return np.dtype(told[index]["dtype"]).name if index in told else ""


def share_in_integers(found: Iterable[Layer]) -> Optional[float]:
    """Share of the multiplications that run in integers; None without any layer."""
    return int8_share((layer.macs, layer.in_integers) for layer in found)


def share_stored(found: Iterable[Layer], dtype: str) -> Optional[float]:
    """Share of the multiplications whose weights lie in the file as `dtype`; None without any layer."""
    return int8_share((layer.macs, layer.stored == dtype) for layer in found)


def delegated(nodes: List[Node]) -> Set[int]:
    """Indices of the nodes that delegates replaced.

    A delegate's node stands beside those it replaced, which are no longer run: all that lie between its inputs and
    its outputs.
    """
    makers = {int(out): node for node in nodes if node["op_name"] != DELEGATE for out in node["outputs"]}
    taken: Set[int] = set()
    for delegate in (node for node in nodes if node["op_name"] == DELEGATE):
        border = set(np.asarray(delegate["inputs"]).tolist())
        wanted = set(np.asarray(delegate["outputs"]).tolist()) - border
        while wanted:
            node = makers.get(wanted.pop())
            if node is not None and node["index"] not in taken:
                taken.add(node["index"])
                wanted |= set(np.asarray(node["inputs"]).tolist()) - border
    return taken
