"""A network in another precision or memory layout, for eager PyTorch and for its compilers.

Each is a module that takes and returns float tensors as the network does; converting is part of what it executes.
"""

from pathlib import Path
from typing import Any

import torch
from torch.utils import _pytree as pytree

from scripts.core.quantised import INT8
from scripts.core.verb import Unsupported
from scripts.models import description, network
from scripts.pytorch import graphs

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}
"""Precisions that PyTorch's autocast does on the CPU."""


class Autocast(torch.nn.Module):
    """A network under `torch.autocast`, whose outputs in the lower precision come back in float32."""

    def __init__(self, network: torch.nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.network, self.dtype = network, dtype

    def forward(self, *inputs: torch.Tensor) -> Any:
        with torch.autocast("cpu", dtype=self.dtype):
            outputs = self.network(*inputs)
        return pytree.tree_map_only(torch.Tensor, lambda t: t.float() if t.dtype == self.dtype else t, outputs)


class ChannelsLast(torch.nn.Module):
    """A network whose weights and images lie with their channels last; what comes out lies as usual."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)

    def forward(self, *inputs: torch.Tensor) -> Any:
        moved = [t.contiguous(memory_format=torch.channels_last) if t.dim() == 4 else t for t in inputs]
        return pytree.tree_map_only(torch.Tensor, torch.Tensor.contiguous, self.network(*moved))


def eager(folder: Path, precision: str, variant: str) -> torch.nn.Module:
    """The network of a checkpoint's `files/` folder as eager PyTorch is to run it.

    Raises `Unsupported` where the network has nothing that could be so: no images, no linear layers.
    """
    module = network.load(folder)
    if precision == "int8_dynamic":
        module = with_dynamic_linear(module)
    return autocast(laid_out(module, folder, variant), precision)


def laid_out(module: torch.nn.Module, folder: Path, variant: str) -> torch.nn.Module:
    """`module`, of the checkpoint in `folder`, with its channels last if that is the variant; else as it is."""
    if variant != "channels_last":
        return module
    if not any(len(tensor["shape"]) == 4 for tensor in description.read(folder)["inputs"]):
        raise Unsupported("channels_last is a layout of images, and this network takes none")
    return ChannelsLast(module)


def autocast(module: torch.nn.Module, precision: str) -> torch.nn.Module:
    """`module` under autocast to bf16 or fp16; in another precision as it is."""
    return Autocast(module, AUTOCAST[precision]) if precision in AUTOCAST else module


def with_dynamic_linear(module: torch.nn.Module) -> torch.nn.Module:
    """Quantise linear layers to int8 by torchao, weights per channel, activations per row at every request.

    That is all that it does of a network in int8; its kernels sum unsigned times signed bytes, of which CPUs without
    VNNI have room for 7 bits only.
    """
    from torchao.quantization import Int8DynamicActivationInt8WeightConfig, quantize_
    from torchao.utils import should_reduce_range

    narrow = should_reduce_range(torch.device("cpu"))
    quantize_(module, Int8DynamicActivationInt8WeightConfig(reduce_range=narrow, set_inductor_config=False))
    if not quantised(module):
        raise Unsupported("torchao quantises torch.nn.Linear modules when a request comes, and this network has none")
    return module


def quantised(module: torch.nn.Module) -> int:
    """How many of its modules are PyTorch's quantised ones, or have a weight that torchao quantised."""
    return sum(map(_holds_integers, module.modules()))


def _holds_integers(module: torch.nn.Module) -> bool:
    kinds = [type(weight).__module__ for weight in module.parameters(recurse=False)]
    return type(module).__module__.startswith("torch.ao.nn.quantized") or any(k.startswith("torchao") for k in kinds)


def is_program(precision: str, build: str) -> bool:
    """Whether torch.compile starts from an exported program, and not from the network built anew.

    Where weights are rounded it does: in a program BatchNorm can be folded first.
    """
    return precision != "fp32" or build == description.PROGRAM


def built(folder: Path, precision: str) -> torch.nn.Module:
    """What torch.compile starts from, from what is in `folder`."""
    return program(folder, precision) if precision != "fp32" else network.load(folder)


def program(folder: Path, precision: str) -> torch.nn.Module:
    """The exported program of a network, or of what `quantize` made of it, as compilers start from it."""
    if precision in INT8:
        lowering()
    module: torch.fx.GraphModule = torch.export.load(str(folder / description.PROGRAM)).module()
    if precision in AUTOCAST:
        graphs.fold_batch_norm(module)
    return autocast(module, precision)


def lowering() -> None:
    """Load torchao's operators of quantised programs, and its patterns by which Inductor turns them into kernels."""
    import torchao.quantization.pt2e.quantizer.x86_inductor_quantizer  # noqa: F401
