"""A network on an NVIDIA GPU, for eager PyTorch and for its compilers: its precision, its layout, how it is called.

fp32 is IEEE: cuDNN's own default, TF32 in convolutions, is what `tf32` asks for. fp16 and bf16 hold weights and
activations in that type, as is usual for inference; what comes in and goes out stays float32.
"""

from pathlib import Path
from typing import Any, Callable, List, Optional, Tuple

import torch
from torch.utils import _pytree as pytree

from scripts.core.door import Arrays, Options, Placement, Session
from scripts.core.verb import Unsupported
from scripts.models import description, network
from scripts.nvidia import cuda
from scripts.nvidia.device import number
from scripts.pytorch import graphs, reduced

DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}
PRECISIONS = ("fp32", "tf32", "fp16", "bf16")
WARM_UPS = 3
"""Calls before a CUDA graph is captured: what is set up at first use must not be part of it."""

Inputs = Tuple[torch.Tensor, ...]


class Lowered(torch.nn.Module):
    """A network whose weights are in another floating type, between float32 inputs and outputs."""

    def __init__(self, network: torch.nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.network, self.dtype = network.to(dtype), dtype

    def forward(self, *inputs: torch.Tensor) -> Any:
        cast = [tensor.to(self.dtype) if tensor.is_floating_point() else tensor for tensor in inputs]
        outputs = self.network(*cast)
        return pytree.tree_map_only(torch.Tensor, lambda t: t.float() if t.dtype == self.dtype else t, outputs)


def require(device: str) -> None:
    """Raise `Unsupported` where this PyTorch reaches no NVIDIA GPU; never take the CPU instead."""
    if not torch.cuda.is_available():
        raise Unsupported("no NVIDIA GPU that PyTorch %s can use; asked for %s" % (torch.__version__, device))
    torch.cuda.set_device(device)
    cuda.use(number(device))


def arithmetic(precision: str) -> None:
    """Let float32 be float32, or TF32 where that is asked for."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.benchmark = True


def module(folder: Path, precision: str, variant: str, device: str) -> torch.nn.Module:
    """The network of a checkpoint's `files/` folder on the GPU. Raises `Unsupported` where a variant does not fit."""
    arithmetic(precision)
    return lowered(reduced.laid_out(network.load(folder).to(device), folder, variant), precision)


def lowered(module: torch.nn.Module, precision: str) -> torch.nn.Module:
    """`module` with weights in fp16 or bf16; in another precision as it is."""
    return Lowered(module, DTYPES[precision]) if precision in DTYPES else module


def program(folder: Path, precision: str, device: str) -> torch.nn.Module:
    """The exported program of a network on the GPU, BatchNorm folded, as AOTInductor starts from it."""
    arithmetic(precision)
    built: torch.fx.GraphModule = torch.export.load(str(folder / description.PROGRAM)).module()
    if precision in DTYPES:
        graphs.fold_batch_norm(built)
    return lowered(built.to(device), precision)


class GpuSession(Session):
    """A function of tensors on the GPU. A sample is copied from the caller's page-locked memory, run, and copied back.

    Each step ends synchronised. `captured`: run as one CUDA graph, captured at the first request.
    """

    def __init__(
        self, function: Callable[..., Any], options: Options, placed: Callable[[Inputs], Placement], captured: bool
    ) -> None:
        self._function, self._options, self._placed, self._captured = function, options, placed, captured
        self._stream = torch.cuda.Stream(options.device)
        self._events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
        self._graph: Optional[torch.cuda.CUDAGraph] = None
        self._locked = {name: cuda.PageLocked() for name in options.inputs}
        self._inputs: Inputs = ()
        self._outputs: List[torch.Tensor] = []
        self._back: List[torch.Tensor] = []

    def put(self, inputs: Arrays) -> None:
        here = [torch.from_numpy(inputs[name]) for name in self._options.inputs]
        if not self._inputs:
            self._inputs = tuple(torch.empty_like(tensor, device=self._options.device) for tensor in here)
        for name, locked in self._locked.items():
            locked.hold(inputs[name])
        with torch.cuda.stream(self._stream):
            for tensor, there in zip(here, self._inputs):
                there.copy_(tensor, non_blocking=True)
        self._stream.synchronize()

    def execute(self) -> None:
        with torch.inference_mode(), torch.cuda.stream(self._stream):
            if self._captured and self._graph is None:
                self._capture()
            self._events[0].record(self._stream)
            if self._graph is not None:
                self._graph.replay()
            else:
                self._outputs = pytree.tree_leaves(self._function(*self._inputs))
            self._events[1].record(self._stream)
        self._stream.synchronize()

    def _capture(self) -> None:
        for _ in range(WARM_UPS):
            self._function(*self._inputs)
        self._stream.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream):
            self._outputs = pytree.tree_leaves(self._function(*self._inputs))
        self._graph = graph

    def get(self) -> Arrays:
        if not self._back:
            self._back = [torch.empty_like(tensor, device="cpu").pin_memory() for tensor in self._outputs]
        with torch.cuda.stream(self._stream):
            for there, here in zip(self._outputs, self._back):
                here.copy_(there, non_blocking=True)
        self._stream.synchronize()
        return {name: tensor.numpy() for name, tensor in zip(self._options.outputs, self._back)}

    def device_ns(self) -> Optional[int]:
        return int(self._events[0].elapsed_time(self._events[1]) * 1e6)

    def clone(self) -> "GpuSession":
        return GpuSession(self._function, self._options, self._placed, self._captured)

    def device_memory(self) -> Optional[int]:
        """The greatest number of bytes that PyTorch's allocator held on the GPU."""
        return int(torch.cuda.max_memory_reserved(self._options.device))

    def forget_device_peak(self) -> None:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(self._options.device)

    def placement(self) -> Placement:
        return self._placed(self._inputs)

    def close(self) -> None:
        for locked in self._locked.values():
            locked.release()
        self._graph, self._inputs, self._outputs, self._back = None, (), [], []


def placed(function: Callable[..., Any], precision: str) -> Callable[[Inputs], Placement]:
    """Reads back from PyTorch's profiler which kernels a request ran, and on which device the outputs lie."""

    def read_back(inputs: Inputs) -> Placement:
        from torch.profiler import ProfilerActivity, profile

        with torch.inference_mode(), profile(activities=[ProfilerActivity.CUDA, ProfilerActivity.CPU]) as seen:
            outputs = pytree.tree_leaves(function(*inputs))
            torch.cuda.synchronize()
        kernels = [event for event in seen.events() if event.device_type == torch.autograd.DeviceType.CUDA]
        name = torch.cuda.get_device_name(inputs[0].device)
        summary = "%d kernels on %s" % (len(kernels), name)
        away = [tensor for tensor in outputs if tensor.device.type != "cuda"]
        if away or not kernels:
            return Placement(summary, 0.0, "asked for the GPU, and the outputs came from the CPU")
        return Placement(summary + "; " + switches(precision), 1.0, None)

    return read_back


def switches(precision: str) -> str:
    """The arithmetic that was read back, in words."""
    tf32 = torch.backends.cudnn.allow_tf32
    return "weights in %s" % precision if precision in DTYPES else "TF32 %s" % ("on" if tf32 else "off")
