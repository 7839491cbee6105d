"""How much a network asks of a machine: operations and numbers moved for one item, counted on the exported program.

For the roofline (Williams, Waterman and Patterson, Roofline: an insightful visual performance model, CACM 2009).
"""

from typing import Any, Dict, Sequence, Set

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry


class _Moved(TorchDispatchMode):
    """Counts the numbers that multiplying operators read and write while it is entered.

    Weights apart from activations: a batch reads them once. What lies between two such operators is counted as if
    it were fused into them, so it is the least that must move.
    """

    def __init__(self, weights: Set[int]) -> None:
        super().__init__()
        self._pointers, self.weights, self.activations = weights, 0, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if func.overloadpacket in flop_registry:
            for tensor in pytree.tree_leaves((args, kwargs, output)):
                if isinstance(tensor, torch.Tensor) and tensor.data_ptr() in self._pointers:
                    self.weights += tensor.numel()
                elif isinstance(tensor, torch.Tensor):
                    self.activations += tensor.numel()
        return output


def of(module: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> Dict[str, int]:
    """What one run of `module` takes on `inputs`, a batch of one.

    flops: two for each multiplication of convolutions, matrix products and attention, as PyTorch's own counter has
    them; weights, activations: numbers that those read and write.
    """
    pointers = {tensor.data_ptr() for tensor in module.state_dict().values()}
    moved, counted = _Moved(pointers), FlopCounterMode(display=False)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counted, moved:
        module(*inputs)
    return {"flops": counted.get_total_flops(), "weights": moved.weights, "activations": moved.activations}
