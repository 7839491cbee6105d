"""What rounding alone costs a network: the yardstick of the gate for weights that nobody trained.

Trained networks forgive rounding, each about as the next, so the gate's limits are set once. Untrained ones differ by
20 dB among themselves: their layers pass differences on as they are. Here weights, inputs and all that operators return
is rounded to nearest in a narrower type while sums stay in float32, as the best hardware would have it.
"""

import copy
from typing import Any, Callable, Dict, Sequence

import numpy as np
import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

FILE = "rounding.json"
SAMPLES = 16
"""Enough: outputs of one network differ from sample to sample by a few dB."""


def _as_tf32(tensor: torch.Tensor) -> torch.Tensor:
    """float32 with the 13 last of its 23 bits rounded away."""
    bits = tensor.contiguous().view(torch.int32)
    return ((bits + 0x1000) & ~0x1FFF).view(torch.float32)


ROUNDED: Dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "tf32": _as_tf32,
    "fp16": lambda tensor: tensor.half().float(),
    "bf16": lambda tensor: tensor.bfloat16().float(),
}


class _Rounding(TorchDispatchMode):
    """Rounds what operators return while it is entered, where it lies: some of them work in place."""

    def __init__(self, rounded: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self._rounded = rounded

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        for tensor in pytree.tree_leaves(output):
            if isinstance(tensor, torch.Tensor) and tensor.dtype == torch.float32:
                tensor.copy_(self._rounded(tensor))
        return output


def _narrowed(built: torch.nn.Module, rounded: Callable[[torch.Tensor], torch.Tensor]) -> torch.nn.Module:
    """A copy of the network with rounded weights."""
    copied = copy.deepcopy(built)
    for tensor in copied.state_dict().values():
        if tensor.dtype == torch.float32:
            tensor.copy_(rounded(tensor))
    return copied


def costs(
    built: torch.nn.Module, inputs: Sequence[np.ndarray], outputs: np.ndarray, run: Callable[..., Any]
) -> Dict[str, float]:
    """Signal over noise of the first output, dB, with everything rounded to each type.

    inputs [N, ...], outputs [N, ...]: the reference's; run: `reference.run`.
    """
    some = [torch.from_numpy(value[:SAMPLES]) for value in inputs]
    wanted = outputs[:SAMPLES].astype(np.float64)
    found: Dict[str, float] = {}
    for precision, rounded in ROUNDED.items():
        narrow = [rounded(value).numpy() if value.dtype == torch.float32 else value.numpy() for value in some]
        network = _narrowed(built, rounded)
        with _Rounding(rounded):
            noise = float(np.sum((wanted - run(network, narrow)[0]) ** 2))
        if noise and np.isfinite(noise):
            found[precision] = round(10 * float(np.log10(np.sum(wanted**2) / noise)), 2)
    return found
