"""PyTorch's four runtimes behind the door: eager, TorchScript, torch.compile, AOTInductor."""

from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Tuple

import torch

from scripts.core.door import Arrays, Options, Placement, Session
from scripts.core.quantised import INT8, Recipe
from scripts.core.verb import Unsupported
from scripts.nvidia.device import is_gpu
from scripts.pytorch import executed, inductor, on_gpu, placements, reduced

Function = Callable[..., Any]
Inputs = Tuple[torch.Tensor, ...]
Placed = Callable[[Inputs], Placement]
"""Reads back where a request ran; may run one more on the given inputs to see it."""

PRECISIONS = ("fp32", *reduced.AUTOCAST, *INT8)
"""What may be asked for. What then runs in another precision, such as a float network opened for int8, is degraded."""

ONE_STREAM = ("torch_compile", "aotinductor")
"""Runtimes whose artifact fixes the number of threads of a request."""


class TorchSession(Session):
    """A function of tensors: a module, or what a compiler made of one.

    `put` hands host memory over without a copy (`torch.from_numpy`), as a user would: on the CPU PyTorch reads it
    in place. `get` likewise returns views of the outputs.
    """

    def __init__(self, function: Function, options: Options, placed: Placed) -> None:
        self._function = function
        self._options = options
        self._placed = placed
        self._inputs: Inputs = ()
        self._outputs: Any = None

    def put(self, inputs: Arrays) -> None:
        self._inputs = tuple(torch.from_numpy(inputs[name]) for name in self._options.inputs)

    def execute(self) -> None:
        with torch.inference_mode():
            self._outputs = self._function(*self._inputs)

    def get(self) -> Arrays:
        if isinstance(self._outputs, torch.Tensor):
            return {self._options.outputs[0]: self._outputs.numpy()}
        tensors = torch.utils._pytree.tree_leaves(self._outputs)
        return {name: tensor.numpy() for name, tensor in zip(self._options.outputs, tensors)}

    def clone(self) -> "TorchSession":
        return TorchSession(self._function, self._options, self._placed)

    def threads(self) -> Optional[int]:
        count: int = torch.get_num_threads()
        return count

    def placement(self) -> Placement:
        """As read back; only after the first `execute`, which for torch.compile compiles or loads."""
        return self._placed(self._inputs)

    def close(self) -> None:
        self._outputs, self._inputs = None, ()


def open(artifact: Path, options: Dict[str, Any]) -> Session:  # noqa: A001 - the name that every room shares
    """Load the candidate that `options` name; raise `Unsupported` for what PyTorch cannot do here.

    Streams run one module: a Python thread takes the number of threads that is set when it first computes.
    """
    asked = Options.of(options)
    if is_gpu(asked.device):
        return on_gpu.open(Path(artifact), asked)
    if asked.device != "cpu" or asked.precision not in PRECISIONS:
        raise Unsupported(
            "PyTorch is driven in %s on the CPU; asked for %s on %s"
            % (", ".join(PRECISIONS), asked.precision, asked.device)
        )
    if asked.streams > 1 and asked.runtime in ONE_STREAM:
        raise NotImplementedError("the generated code runs on the %d threads it was compiled for" % asked.threads)
    torch.set_num_threads(asked.threads_each)
    opened: TorchSession = _OPENERS[asked.runtime](Path(artifact), asked)
    return opened


def _eager(artifact: Path, options: Options) -> TorchSession:
    module = reduced.eager(artifact, options.precision, options.variant)

    def placed(inputs: Inputs) -> Placement:
        calls = executed.asked(module, inputs)
        return placements.proven(
            placements.eager(module, options.precision), options.precision, calls, executed.total(calls), None
        )

    return TorchSession(module, options, placed)


def _torchscript(artifact: Path, options: Options) -> TorchSession:
    if options.precision in reduced.AUTOCAST:
        raise Unsupported("TorchScript is driven without autocast; asked for %s" % options.precision)
    module = torch.jit.load(str(artifact / "model.ts"), map_location="cpu")
    return TorchSession(module, options, lambda inputs: placements.scripted(module, options.precision))


def _torch_compile(artifact: Path, options: Options) -> TorchSession:
    """The compiled artifact is put into a fresh cache; the first `execute` traces the network and finds it there."""
    what = inductor.check_built_for(artifact, options)
    scratch = inductor.scratch()
    shipped = inductor.unpack(artifact, scratch)
    if inductor.is_frozen(options.precision, options.variant):
        inductor.freeze()
    torch.compiler.load_cache_artifacts((artifact / inductor.CACHE).read_bytes())
    function = inductor.compiled(reduced.built(artifact, options.precision))
    placed = partial(placements.compiled, scratch, shipped, options.precision)
    return TorchSession(function, options, _proven(function, artifact, options.precision, what["macs"], placed))


def _aotinductor(artifact: Path, options: Options) -> TorchSession:
    what = inductor.check_built_for(artifact, options)
    inductor.unpack(artifact, inductor.scratch())
    package = artifact / "model.pt2"
    function = torch._inductor.aoti_load_package(str(package))
    placed = partial(placements.packaged, package, what["generated_kernels"], options.precision)
    return TorchSession(function, options, _proven(function, artifact, options.precision, what["macs"], placed))


def _proven(function: Function, artifact: Path, precision: str, macs: float, placed: Callable[[], Placement]) -> Placed:
    """`placed`, held against what oneDNN runs of the `macs` of a request and what the artifact's recipe declares."""

    def read_back(inputs: Inputs) -> Placement:
        calls = executed.by_onednn(function, inputs)
        return placements.proven(placed(), precision, calls, macs, Recipe.read(artifact))

    return read_back


_OPENERS: Dict[str, Callable[[Path, Options], TorchSession]] = {
    "pytorch": _eager,
    "torchscript": _torchscript,
    "torch_compile": _torch_compile,
    "aotinductor": _aotinductor,
}
