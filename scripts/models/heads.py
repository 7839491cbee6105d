"""The layer that makes the logits of a classifier: found, and replaced by a fresh one for other classes.

Imports PyTorch alone: measured processes build fine-tuned networks by it.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import torch

from scripts.core.verb import Mistake

ADVICE = "give a network that ends in an nn.Linear, or a 1x1 nn.Conv2d, with one output for each class"


class Head(NamedTuple):
    """layer: the module's path in its network; last: whether its outputs are the logits as they are."""

    layer: str
    last: bool


def find(network: torch.nn.Module, example: Tuple[torch.Tensor, ...]) -> Head:
    """The last nn.Linear or 1x1 nn.Conv2d on the way to the logits of `network`, which is in eval mode.

    It is looked for from the logits on backwards, along what autograd recorded: over pooling, activations and a number
    that scales. Raises `Mistake` where the way forks, or leads to another layer. All parameters must want gradients.
    """
    with torch.enable_grad():
        logits = torch.utils._pytree.tree_leaves(network(*example))[0]
    owners = {
        id(parameter): path
        for path, module in network.named_modules()
        for parameter in module.parameters(recurse=False)
    }
    node, first = logits.grad_fn, True
    while node is not None:
        parameters, others = _before(node)
        for parameter in parameters:
            if id(parameter) in owners and _is_head(network.get_submodule(owners[id(parameter)])):
                return Head(owners[id(parameter)], first)
        if len(others) != 1 or any(parameter.numel() > 1 for parameter in parameters):
            break
        node, first = others[0], False
    raise Mistake(
        "train: the last layer of this network is not known, since its logits come from %s; %s"
        % (node.name() if node is not None else "no layer with weights", ADVICE)
    )


def replace(network: torch.nn.Module, layer: str, outputs: int) -> torch.nn.Module:
    """Put a fresh layer with `outputs` outputs in place of `layer`, a path as `find` gives it; the new layer."""
    old: Any = network.get_submodule(layer)
    if isinstance(old, torch.nn.Linear):
        new: torch.nn.Module = torch.nn.Linear(old.in_features, outputs, bias=old.bias is not None)
    else:
        new = torch.nn.Conv2d(old.in_channels, outputs, 1, old.stride, old.padding, bias=old.bias is not None)
    parent, _, name = layer.rpartition(".")
    setattr(network.get_submodule(parent), name, new)
    return new


def outputs(network: torch.nn.Module, example: Tuple[torch.Tensor, ...]) -> int:
    """How many logits `network` gives; 0 where its first output is not [batch, classes]."""
    with torch.no_grad():
        shape = torch.utils._pytree.tree_leaves(network(*example))[0].shape
    return int(shape[1]) if len(shape) == 2 else 0


def fitted(
    network: torch.nn.Module, example: Tuple[torch.Tensor, ...], classes: int, keep: bool
) -> Tuple[Head, Optional[Dict[str, Any]]]:
    """Give `network` one output for each class, in place; its head, and what rebuilds it (None where it stayed).

    keep: leave a head that has as many outputs already as it is.
    """
    head = find(network, example)
    if keep and outputs(network, example) == classes:
        return head, None
    replace(network, head.layer, classes)
    if outputs(network, example) != classes:
        raise Mistake(
            "train: with another number of outputs in its layer %s this network gives no [batch, %d]; %s"
            % (head.layer, classes, ADVICE)
        )
    return head, {"layer": head.layer, "outputs": classes}


def _is_head(module: torch.nn.Module) -> bool:
    """Exactly these: what a subclass of them does besides would be lost."""
    if type(module) is torch.nn.Conv2d:
        return bool(module.kernel_size == (1, 1) and module.groups == 1)
    return type(module) is torch.nn.Linear


def _before(node: Any) -> Tuple[List[torch.Tensor], List[Any]]:
    """What autograd's `node` was computed from: parameters, transposed or not, and other nodes."""
    parameters, others = [], []
    for earlier, _ in node.next_functions:
        leaf = earlier
        if leaf is not None and leaf.name() == "TBackward0":
            leaf = leaf.next_functions[0][0]
        if leaf is not None and hasattr(leaf, "variable"):
            parameters.append(leaf.variable)
        elif earlier is not None:
            others.append(earlier)
    return parameters, others
