"""Fresh weights with which a comparison means something.

With fresh weights and fresh BatchNorm statistics the logits lie near 0 and any two runtimes seem to agree:
so the statistics are taken from real inputs, and heads that start as zeros get small random weights.
"""

from typing import Sequence

import numpy as np
import torch

SEED = 20240601
HEAD_STD = 0.02

_NORMS = (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d, torch.nn.BatchNorm3d)


def seed() -> None:
    """Fix what a builder draws its fresh weights from."""
    torch.manual_seed(SEED)


def settle(network: torch.nn.Module, inputs: Sequence[np.ndarray]) -> None:
    """Set the BatchNorm statistics of `network` (in place) to those of `inputs`, one array [N, ...] per input.

    One pass in one thread, so that the number of threads, which orders the sums, does not show in the result.
    """
    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1 and not parameter.any():
                parameter.normal_(0.0, HEAD_STD, generator=generator)
    norms = [module for module in network.modules() if isinstance(module, _NORMS) and module.running_mean is not None]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over the passes
        norm.train()
    with torch.inference_mode():
        network(*(torch.from_numpy(value) for value in inputs))
    torch.set_num_threads(threads)
    network.eval()
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
