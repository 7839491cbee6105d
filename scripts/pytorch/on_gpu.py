"""PyTorch's four runtimes on an NVIDIA GPU, each opened as one session."""

from pathlib import Path
from typing import Any, Callable, Dict

import torch

from scripts.core.door import Options, Placement
from scripts.core.verb import Unsupported
from scripts.nvidia.device import GRAPHED, number
from scripts.pytorch import gpu, inductor, placements

Function = Callable[..., Any]
Built = Callable[[Path, Options], Function]

MODES = {"default": None, "reduce_overhead": "reduce-overhead", "max_autotune": "max-autotune"}
"""torch.compile's modes by variant."""


def open(artifact: Path, options: Options) -> gpu.GpuSession:  # noqa: A001 - the name that every room shares
    """Load the candidate that `options` name; raise `Unsupported` without a GPU, or for what PyTorch cannot do."""
    if options.precision not in gpu.PRECISIONS:
        raise Unsupported("PyTorch is driven in %s on a GPU" % ", ".join(gpu.PRECISIONS))
    gpu.require(options.device)
    gpu.arithmetic(options.precision)
    torch.set_num_threads(options.threads_each)
    function = _BUILT[options.runtime](artifact, options)
    return gpu.GpuSession(function, options, _placed(function, options), options.variant == GRAPHED)


def _placed(function: Function, options: Options) -> Callable[[gpu.Inputs], Placement]:
    """What ran, and for torch.compile whether what was compiled was also what was loaded."""
    seen = gpu.placed(function, options.precision)

    def read_back(inputs: gpu.Inputs) -> Placement:
        found = seen(inputs)
        if options.runtime != "torch_compile":
            return found
        return found._replace(degraded=found.degraded or placements.not_as_compiled(inductor.done()))

    return read_back


def _eager(artifact: Path, options: Options) -> Function:
    function: Function = gpu.module(artifact, options.precision, options.variant, options.device)
    return function


def _torchscript(artifact: Path, options: Options) -> Function:
    function: Function = torch.jit.load(str(artifact / "model.ts"), map_location=options.device)
    return function


def _torch_compile(artifact: Path, options: Options) -> Function:
    """The compiled artifact is put into a fresh cache; the first request traces the network and finds it there."""
    inductor.check_built_for(artifact, options)
    inductor.private_cache(inductor.scratch(), threads=1)
    torch.compiler.load_cache_artifacts((artifact / inductor.CACHE).read_bytes())
    return compiled(artifact, options.precision, options.variant, options.device)


def compiled(folder: Path, precision: str, variant: str, device: str) -> Function:
    """A network under `torch.compile`, for one batch size, in the mode that the variant names."""
    module = gpu.module(folder, precision, "default", device)
    function: Function = torch.compile(module, dynamic=False, mode=MODES[variant])
    return function


def _aotinductor(artifact: Path, options: Options) -> Function:
    """Each stream has a runner of its own over the same weights: with one, requests would wait for each other.

    A package for a GPU is held against the CPU's instruction sets, too, which PyTorch would find out by compiling.
    """
    inductor.check_built_for(artifact, options)
    inductor.unpack(artifact, inductor.scratch())
    from torch._inductor.package import load_package

    package, index = str(artifact / "model.pt2"), number(options.device)
    function: Function = load_package(package, num_runners=options.streams, device_index=index)
    return function


_BUILT: Dict[str, Built] = {
    "pytorch": _eager,
    "torchscript": _torchscript,
    "torch_compile": _torch_compile,
    "aotinductor": _aotinductor,
}
