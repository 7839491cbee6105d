"""Prune a network: its smallest weights become zero (`magnitude`), or whole channels go (`structured`).

A pruned network is a network of its own: other weights, or other shapes. How it compares with the whole one (share of
zeros, multiplications, bytes) is counted here, before and after.
"""

import tempfile
import zlib
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import torch
from torch.nn.utils import prune

from scripts.core.quantised import macs
from scripts.core.verb import Mistake
from scripts.models import export

LAYERS = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d, torch.nn.Linear)
ROUND_TO = 8
"""Channels are left in multiples of this, which vector units want: torch-pruning's own advice."""

Example = Tuple[torch.Tensor, ...]
Tune = Callable[[torch.nn.Module], Any]


class Size(NamedTuple):
    """What a network costs, for one sample.

    macs: multiplications of its convolutions and linear layers; zeros: their share of weights that are zero
    bytes: its state dict as `weights.pt` ships it; compressed: that file through zlib at level 6
    """

    parameters: int
    macs: int
    zeros: float
    bytes: int
    compressed: int


def pruned(network: torch.nn.Module, asked: Dict[str, Any], example: Example, tune: Optional[Tune]) -> Dict[str, Any]:
    """Prune `network`, in place, and let `tune` train what is left; what changed, for `model.json` and the record.

    asked: {"method": magnitude | structured, "amount": share}; example: one sample of each input.
    Zeros stay zeros while `tune` trains. `masked` in it tells of the file as it is with masks; None for `structured`.
    """
    before = size(network, example)
    if asked["method"] == "magnitude":
        hold_at_zero(network, asked["amount"])
    else:
        take_out(network, asked["amount"], example)
    tuned = tune(network) if tune else None
    held = masked(network) if asked["method"] == "magnitude" else None
    if held:
        make_permanent(network)
    network.eval()
    after = size(network, example)
    facts: Dict[str, Any] = {name: {"before": old, "after": new} for name, old, new in _pairs(before, after)}
    return dict(
        facts, method=asked["method"], amount=asked["amount"], sparsity=after.zeros, fine_tuned=tuned, masked=held
    )


def _pairs(before: Size, after: Size) -> List[Tuple[str, int, int]]:
    names = ("parameters", "macs", "bytes", "compressed")
    return [(name, getattr(before, name), getattr(after, name)) for name in names]


def layers(network: torch.nn.Module) -> List[torch.nn.Module]:
    """The convolutions and linear layers, each once."""
    return [module for module in network.modules() if isinstance(module, LAYERS)]


def hold_at_zero(network: torch.nn.Module, amount: float) -> None:
    """Mask the share `amount` of all weights of convolutions and linear layers: those smallest in magnitude."""
    weights = [(module, "weight") for module in layers(network)]
    if not weights:
        raise Mistake("pruned: the network has neither convolutions nor linear layers, so that nothing can be pruned")
    prune.global_unstructured(weights, pruning_method=prune.L1Unstructured, amount=amount)


def masked(network: torch.nn.Module) -> Dict[str, Any]:
    """The file of a network whose weights are held at zero: `bytes`, `compressed`, and `masks`, bytes by kind of layer.

    Until masks are removed, a state dict holds each weight as it was (`weight_orig`) and its mask (`weight_mask`).
    """
    data = _shipped(network)
    masks = {"convolutions": 0, "linear": 0}
    for module in layers(network):
        kind = "linear" if isinstance(module, torch.nn.Linear) else "convolutions"
        masks[kind] += module.weight_mask.numel() * module.weight_mask.element_size()
    return {"bytes": len(data), "compressed": len(zlib.compress(data, 6)), "masks": masks}


def make_permanent(network: torch.nn.Module) -> None:
    """Masked weights become plain weights with zeros."""
    for module in layers(network):
        prune.remove(module, "weight")


def take_out(network: torch.nn.Module, amount: float, example: Example) -> None:
    """Take the share `amount` of each layer's channels out, those of least weight, with all that hangs on them.

    Layers as wide as an output stay as they are: a classifier keeps its classes.
    """
    import torch_pruning  # here alone: networks that are not pruned do without

    shapes, whole = _shapes(network, example), size(network, example)
    widths = {shape[1] for shape in shapes if len(shape) > 1}
    kept = [module for module in layers(network) if module.weight.shape[0] in widths]
    pruner = torch_pruning.pruner.BasePruner(
        network,
        example,
        importance=torch_pruning.importance.GroupMagnitudeImportance(p=2),
        pruning_ratio=amount,
        ignored_layers=kept,
        round_to=ROUND_TO,
    )
    pruner.step()
    network.zero_grad()
    if _shapes(network, example) != shapes:
        raise Mistake("pruned: no channels can be taken out of this network without changing its outputs' shapes")
    if size(network, example).macs >= whole.macs:
        raise Mistake("pruned: %g of the channels are less than the %d that go at a time" % (amount, ROUND_TO))


def _shapes(network: torch.nn.Module, example: Example) -> List[Tuple[int, ...]]:
    """The shapes of a network's outputs."""
    with torch.no_grad():
        return [tuple(tensor.shape) for tensor in torch.utils._pytree.tree_leaves(network(*example))]


def outputs(network: torch.nn.Module, example: Example) -> int:
    """The classes of a classifier."""
    return _shapes(network, example)[0][-1]


def size(network: torch.nn.Module, example: Example) -> Size:
    """Count and weigh `network`, which is in eval mode."""
    weights = [module.weight.detach() for module in layers(network)]
    zeros = sum(int((weight == 0).sum()) for weight in weights)
    data = _shipped(network)
    return Size(
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        macs=multiplications(network, example),
        zeros=zeros / max(1, sum(weight.numel() for weight in weights)),
        bytes=len(data),
        compressed=len(zlib.compress(data, 6)),
    )


def _shipped(network: torch.nn.Module) -> bytes:
    """The bytes of its `weights.pt`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pt"
        export.save_state(network.state_dict(), path)
        return path.read_bytes()


def multiplications(network: torch.nn.Module, example: Example) -> int:
    """Multiplications of all convolutions and linear layers in one pass, zeros counted like other weights."""
    counts: List[float] = []

    def count(module: torch.nn.Module, _: Sequence[Any], output: torch.Tensor) -> None:
        weight = module.weight
        counts.append(macs(output.numel(), weight.numel(), weight.shape[0]))

    hooks = [module.register_forward_hook(count) for module in layers(network)]
    try:
        _shapes(network, example)
    finally:
        for hook in hooks:
            hook.remove()
    return round(sum(counts))
