"""Changes to exported graphs before they are quantised or compiled; none changes what a graph computes."""

import operator
from typing import Any, List

import torch
from torch.nn.utils.fusion import fuse_conv_bn_weights

aten = torch.ops.aten

PLAIN = {
    aten.conv1d.default: torch.nn.Conv1d,
    aten.conv2d.default: torch.nn.Conv2d,
    aten.linear.default: torch.nn.Linear,
    aten.relu.default: torch.nn.ReLU,
    aten.relu_.default: torch.nn.ReLU,
    aten.relu6.default: torch.nn.ReLU6,
    aten.relu6_.default: torch.nn.ReLU6,
    aten.hardtanh.default: torch.nn.Hardtanh,
    aten.hardtanh_.default: torch.nn.Hardtanh,
    aten.hardswish.default: torch.nn.Hardswish,
    aten.hardswish_.default: torch.nn.Hardswish,
    aten.silu.default: torch.nn.SiLU,
    aten.silu_.default: torch.nn.SiLU,
    aten.leaky_relu.default: torch.nn.LeakyReLU,
    aten.leaky_relu_.default: torch.nn.LeakyReLU,
    aten.tanh.default: torch.nn.Tanh,
    aten.gelu.default: torch.nn.GELU,
    aten.add.Tensor: operator.add,
    aten.add_.Tensor: operator.add,
}
"""The plain module, or function, that an operator is said to come from; others are said to come from themselves."""


def pad_inside(graph: torch.fx.GraphModule) -> None:
    """Let convolutions pad themselves where zeros are put around their input, alike on opposite sides.

    A padding apart keeps the kernel before it from handing integers on.
    """
    for node in list(graph.graph.nodes):
        if node.target is aten.conv2d.default and (sides := _zeros_around(node.args[0])):
            around = node.args[0]
            own = list(node.args[4]) if len(node.args) > 4 else [0, 0]
            stride = node.args[3] if len(node.args) > 3 else [1, 1]
            bias = node.args[2] if len(node.args) > 2 else None
            padding = [side + more for side, more in zip(own, sides)]
            node.args = (around.args[0], node.args[1], bias, stride, padding, *node.args[5:])
    graph.graph.eliminate_dead_code()
    graph.recompile()


def _zeros_around(node: torch.fx.Node) -> List[int]:
    """Rows and columns of zeros that `node` puts on either side of images; empty if it does something else."""
    if node.target is not aten.pad.default or len(node.args[1]) != 4:
        return []
    mode = node.args[2] if len(node.args) > 2 else node.kwargs.get("mode", "constant")
    value = node.args[3] if len(node.args) > 3 else node.kwargs.get("value")
    left, right, top, bottom = node.args[1]
    return [top, left] if mode == "constant" and not value and left == right and top == bottom else []


def fold_batch_norm(graph: torch.fx.GraphModule) -> None:
    """Multiply BatchNorm into the weights of the convolutions that it follows, in float32.

    Inductor would do so itself after autocast, and round weights to the lower precision twice.
    """
    for number, node in enumerate(list(graph.graph.nodes)):
        if node.target is not aten.batch_norm.default or not _is_of_one_convolution(node):
            continue
        convolution = node.args[0]
        weight, bias = convolution.args[1], convolution.args[2] if len(convolution.args) > 2 else None
        scale, shift, mean, variance = (_value(graph, arg) for arg in node.args[1:5])
        folded = fuse_conv_bn_weights(
            _value(graph, weight), _value(graph, bias), mean, variance, node.args[7], scale, shift
        )
        with graph.graph.inserting_before(convolution):
            for name, value in zip(("weight", "bias"), folded):
                graph.register_parameter("folded_%s_%d" % (name, number), value.requires_grad_(False))
            weight, bias = (graph.graph.get_attr("folded_%s_%d" % (name, number)) for name in ("weight", "bias"))
        convolution.args = (convolution.args[0], weight, bias, *convolution.args[3:])
        node.replace_all_uses_with(convolution)
        graph.graph.erase_node(node)
    graph.graph.eliminate_dead_code()
    graph.recompile()
    without_leftovers(graph)


def _is_of_one_convolution(node: torch.fx.Node) -> bool:
    """Whether BatchNorm `node`, not in training, is all that is done with a convolution whose weights are its own."""
    before: Any = node.args[0]
    if before.target not in (aten.conv1d.default, aten.conv2d.default, aten.conv3d.default):
        return False
    weights = [arg for arg in before.args[1:3] if arg is not None]
    own = all(weight.op == "get_attr" and len(weight.users) == 1 for weight in weights)
    return len(before.users) == 1 and own and node.args[5] is False


def _value(graph: torch.fx.GraphModule, node: Any) -> Any:
    """The tensor that a `get_attr` node stands for; None of None."""
    if node is None:
        return None
    owner, _, attribute = node.target.rpartition(".")
    return getattr(graph.get_submodule(owner), attribute)


def from_plain_modules(graph: torch.fx.GraphModule) -> None:
    """Say of each operator that it comes from a module of its own, of the kind in PLAIN.

    Torchao's quantizer finds what belongs together by modules. It thereby leaves subclasses of `nn.Conv2d` in float,
    and refuses an activation module that is called twice.
    """
    for node in graph.graph.nodes:
        if node.op == "call_function":
            kind = PLAIN.get(node.target, node.target)
            if kind is operator.add and not _adds_alike(node):
                kind = node.target
            node.meta["source_fn_stack"] = [(node.name, kind)]


def _adds_alike(node: torch.fx.Node) -> bool:
    """Whether it adds two different tensors of one shape, as a residual connection does: only that fuses."""
    if len(node.args) != 2 or node.kwargs or not all(isinstance(arg, torch.fx.Node) for arg in node.args):
        return False
    first, second = node.args
    shapes = [arg.meta["val"].shape if "val" in arg.meta else None for arg in (first, second)]  # type: ignore[union-attr]
    return first is not second and shapes[0] is not None and shapes[0] == shapes[1]


def without_leftovers(graph: torch.fx.GraphModule) -> None:
    """Remove parameters and buffers that the graph uses no more: float weights, folded BatchNorm."""
    used = tuple(str(node.target) for node in graph.graph.nodes if node.op == "get_attr")
    inside = tuple(name + "." for name in used)  # graphs within the graph
    for name in [name for name, _ in (*graph.named_parameters(), *graph.named_buffers())]:
        if name not in used and not name.startswith(inside):
            owner, _, attribute = name.rpartition(".")
            delattr(graph.get_submodule(owner), attribute)


def without_history(program: torch.export.ExportedProgram) -> None:
    """Keep of each node what it computes, not how it came about: that holds numbers of this process."""
    for node in program.graph.nodes:
        node.meta = {key: value for key, value in node.meta.items() if key in ("val", "tensor_meta")}
