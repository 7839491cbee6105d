"""The layers of a lowered network, and what they multiply: read from the graphs that delegates are made of."""

from typing import Any, Iterable, Iterator, List, NamedTuple, Optional

import torch

from scripts.core.quantised import int8_share, macs

ACTIVATIONS = ("relu", "hardtanh")
PAD = "constant_pad_nd"
LAYERS = ("convolution", "linear")


class Layer(NamedTuple):
    """A convolution or a linear layer.

    name:  of its weights
    macs:  its multiplications, for the batch of the program
    dynamic:  XNNPACK can quantise its inputs while it runs
    delegated:  XNNPACK runs it
    in_integers, in_half:  what it multiplies, where XNNPACK runs it
    """

    name: str
    macs: float
    dynamic: bool
    delegated: bool
    in_integers: bool
    in_half: bool


def layers(graph: torch.fx.GraphModule, delegated: bool) -> Iterator[Layer]:
    """The layers of one graph; delegated: whether it is what XNNPACK took."""
    for node in graph.graph.nodes:
        if operator(node) not in LAYERS:
            continue
        weights, output = _origin(node.args[1]), node.meta["val"]
        value = weights.meta["val"]
        # Depthwise convolutions have no such kernels; of padded inputs XNNPACK cannot tell the shapes when it runs.
        dynamic = not (value.dim() > 2 and value.shape[1] == 1) and operator(node.args[0]) != PAD
        yield Layer(
            weights.name,
            _macs(node, value.shape, output),
            dynamic,
            delegated,
            delegated and in_integers(node),
            delegated and output.dtype == torch.float16,
        )


def share_in_integers(found: Iterable[Layer]) -> Optional[float]:
    """Share of the multiplications that XNNPACK does in integers; None without any layer."""
    return int8_share((layer.macs, layer.in_integers) for layer in found)


def share_in_half(found: Iterable[Layer]) -> Optional[float]:
    """Share of the multiplications that XNNPACK does in float16; None without any layer."""
    return int8_share((layer.macs, layer.in_half) for layer in found)


def quantisable(found: List[Layer], dynamic: bool) -> Optional[float]:
    """Share of the multiplications that can be in integers, with ranges found before or while running."""
    return int8_share((layer.macs, layer.dynamic or not dynamic) for layer in found)


def in_integers(node: torch.fx.Node) -> bool:
    """Whether XNNPACK fuses a layer with the casts around it into one of integers.

    Inputs and weights must come out of a `dequantize`. The output must go into a `quantize`, unless the inputs' scale
    is found while running: such layers return floats.
    """
    inputs, weights = node.args[:2]
    if operator(inputs) == PAD:
        inputs = inputs.args[0]
    if not all(operator(source).startswith("dequantize") for source in (inputs, weights)):
        return False
    return isinstance(inputs.args[1], torch.fx.Node) or operator(_reader(node)).startswith("quantize")


def _reader(node: torch.fx.Node) -> Optional[torch.fx.Node]:
    """What alone reads a layer's output, after the activation that is fused with it; None if several do."""
    for _ in range(2):
        if len(node.users) != 1:
            return None
        (node,) = node.users
        if operator(node) not in ACTIVATIONS:
            break
    return node


def _origin(node: torch.fx.Node) -> torch.fx.Node:
    """The weights that a layer reads, before they are dequantised."""
    return node.args[0] if operator(node).startswith("dequantize") else node


def _macs(node: torch.fx.Node, weights: Any, output: torch.Tensor) -> float:
    transposed = operator(node) == "convolution" and node.args[6]
    # [C_in, C_out, ...]: each input is multiplied by the weights of its channel.
    moved = node.args[0].meta["val"] if transposed else output
    return macs(float(moved.numel()), float(weights.numel()), float(weights[0]))


def operator(node: Any) -> str:
    """What a node calls: "convolution" of aten::convolution; empty for what is no operator of PyTorch's."""
    if not isinstance(node, torch.fx.Node):
        return ""
    schema = getattr(node.target, "_schema", None)
    return schema.name.split("::")[-1] if node.op == "call_function" and schema is not None else ""
