"""What PyTorch really executes of a network's multiplications (MACs), and in which element types.

Two ways to see it: `asked`, every multiplying operator that ATen is asked for, with its operands' types, for eager
networks; `by_onednn`, every multiplying primitive that oneDNN says it ran, for compiled code, which calls it past
ATen's dispatcher.
"""

import ctypes
import math
import os
import re
import sys
import tempfile
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from scripts.core.quantised import macs

INTEGERS = ("int8", "uint8")


class Executed(NamedTuple):
    """One call: what it is, its multiplications, and the element type of both of its operands ("mixed" if they differ).

    Signed and unsigned 8-bit integers count as one type, "int8".
    """

    kind: str
    macs: float
    dtype: str


def total(calls: Sequence[Executed], dtype: Optional[str] = None) -> float:
    """Multiplications of all calls, or of those in one element type."""
    return sum(call.macs for call in calls if dtype in (None, call.dtype))


def multiplications(operator: str, args: Sequence[Any], output: Any) -> float:
    """Multiplications of an ATen operator, such as "conv2d", from its arguments and output; 0.0 of any other."""
    rule = _RULES.get(operator)
    return rule(args, output) if rule else 0.0


def _convolution(args: Sequence[Any], output: torch.Tensor) -> float:
    transposed = len(args) > 6 and args[6] is True
    return _transposed(args, output) if transposed else macs(output.numel(), args[1].numel(), args[1].shape[0])


def _transposed(args: Sequence[Any], output: torch.Tensor) -> float:
    return macs(args[0].numel(), args[1].numel(), args[1].shape[0])


def _product(args: Sequence[Any], output: torch.Tensor) -> float:
    return float(output.numel() * args[0].shape[-1])


def _sum_and_product(args: Sequence[Any], output: torch.Tensor) -> float:
    return float(output.numel() * args[1].shape[-1])


def _attention(args: Sequence[Any], output: Any) -> float:
    query, key, value = args[:3]
    return float(query.numel() * key.shape[-2] + query.numel() // query.shape[-1] * key.shape[-2] * value.shape[-1])


_RULES: Dict[str, Callable[[Sequence[Any], Any], float]] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution"), _convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _transposed),
    **dict.fromkeys(("linear", "matmul", "mm", "bmm", "_int_mm"), _product),
    **dict.fromkeys(("addmm", "baddbmm"), _sum_and_product),
    **dict.fromkeys(("scaled_dot_product_attention", "_scaled_dot_product_flash_attention_for_cpu"), _attention),
}
_SECOND = ("addmm", "baddbmm")
"""Operators whose operands come after what they add to."""


class _Asked(TorchDispatchMode):
    """Writes down the multiplying operators that ATen is asked for while it is entered."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: List[Executed] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        count = multiplications(name, args, output)
        if count:
            operands = args[1:3] if name in _SECOND else args[:2]
            kinds = {_plain(str(tensor.dtype).replace("torch.", "")) for tensor in operands}
            self.calls.append(Executed(name, count, kinds.pop() if len(kinds) == 1 else "mixed"))
        return output


def _plain(dtype: str) -> str:
    return "int8" if dtype in INTEGERS else dtype


def asked(function: Callable[..., Any], inputs: Sequence[torch.Tensor]) -> List[Executed]:
    """Run `function` once, eagerly; every multiplying operator that ATen was asked for, in order.

    Without inference mode, in which composite operators would hide what they are made of.
    """
    seen = _Asked()
    with torch.no_grad(), seen:
        function(*inputs)
    return seen.calls


def by_onednn(function: Callable[..., Any], inputs: Sequence[torch.Tensor]) -> Optional[List[Executed]]:
    """Run `function` once; every multiplying primitive that oneDNN says it ran, in order. None if it cannot say."""
    if not torch.backends.mkldnn.is_available() or not torch._C._verbose.mkldnn_set_verbose(1):  # type: ignore[attr-defined]
        return None
    try:
        with torch.inference_mode():
            lines = _printed(lambda: function(*inputs))
    finally:
        torch._C._verbose.mkldnn_set_verbose(0)  # type: ignore[attr-defined]
    return list(read(lines))


def _printed(run: Callable[[], Any]) -> List[str]:
    """Lines that the process writes to its standard output during `run`, by C libraries too; they go nowhere else."""
    sys.stdout.flush()
    libc = ctypes.CDLL(None)
    with tempfile.TemporaryFile() as kept:
        before = os.dup(1)
        os.dup2(kept.fileno(), 1)
        try:
            run()
        finally:
            libc.fflush(None)
            os.dup2(before, 1)
            os.close(before)
        kept.seek(0)
        return kept.read().decode(errors="replace").splitlines()


_LINE = re.compile(r"^onednn_verbose,.*\bexec,cpu,(convolution|deconvolution|inner_product|matmul),(.*),([^,]+),[^,]+$")
_OPERANDS = (re.compile(r"\bsrc(?:_\d)?[:_](\w+?):"), re.compile(r"\bwei[:_](\w+?):"))
_TYPES = {"u8": "int8", "s8": "int8", "f32": "float32", "bf16": "bfloat16", "f16": "float16"}
_SIZE = re.compile(r"([a-z]+)(\d+)")


def read(lines: Sequence[str]) -> Iterator[Executed]:
    """Multiplying primitives among the lines that oneDNN prints when it is verbose."""
    for line in lines:
        found = _LINE.match(line)
        if found is None:
            continue
        kind, described, problem = found.groups()
        kinds = {pattern.search(described) for pattern in _OPERANDS}
        types = {_TYPES.get(match.group(1), match.group(1)) if match else "unknown" for match in kinds}
        yield Executed(kind, _PROBLEMS[kind](problem), types.pop() if len(types) == 1 else "mixed")


def _sizes(problem: str) -> Callable[[str], int]:
    """Sizes by name of a problem such as "g32mb1_ic32oc32_ih112oh112kh3sh1dh0ph1_iw112ow112kw3"; 1 if not named."""
    named = {name: int(size) for name, size in _SIZE.findall(problem)}
    return lambda names: math.prod(named.get(name, 1) for name in names.split())


def _convolved(problem: str) -> float:
    size = _sizes(problem)
    return size("mb oc od oh ow ic kd kh kw") / size("g")


def _deconvolved(problem: str) -> float:
    size = _sizes(problem)
    return size("mb ic id ih iw oc kd kh kw") / size("g")


def _inner(problem: str) -> float:
    return float(_sizes(problem)("mb ic id ih iw oc"))


def _multiplied(problem: str) -> float:
    """Of matrices such as "8x1280:1280x1000": those of the first times the columns of the second."""
    first, second = (side.split("x") for side in problem.split(":")[:2])
    return float(math.prod(map(int, first)) * int(second[-1]))


_PROBLEMS: Dict[str, Callable[[str], float]] = {
    "convolution": _convolved,
    "deconvolution": _deconvolved,
    "inner_product": _inner,
    "matmul": _multiplied,
}
