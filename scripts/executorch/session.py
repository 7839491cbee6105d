"""ExecuTorch's door: a .pte program, its XNNPACK delegate on a pool of the asked-for size."""

import json
from pathlib import Path
from typing import Any, Dict, List, Optional

import torch
from executorch.extension.pybindings import portable_lib

from scripts.core.door import Arrays, Options, Placement, Session

BACKEND = "XnnpackBackend"


def open(artifact: Path, options: Dict[str, Any]) -> Session:
    """Load `model.pte`; its batch is fixed in the file."""
    return ExecuTorch(artifact, Options.of(options))


class ExecuTorch(Session):
    """One loaded method. Host arrays are handed over without a copy: the program reads the memory it is given."""

    def __init__(self, artifact: Path, options: Options) -> None:
        self._artifact, self._options = artifact, options
        # ExecuTorch's pool is the process's own and is set through this call alone, whatever its name says.
        portable_lib._unsafe_reset_threadpool(options.threads)
        self._module = portable_lib._load_for_executorch(str(artifact / "model.pte"))
        self._delegation = json.loads((artifact / "delegation.json").read_text())
        self._forward = self._module.forward
        self._given: List[torch.Tensor] = []
        self._made: Any = None

    def put(self, inputs: Arrays) -> None:
        self._given = [torch.from_numpy(inputs[name]) for name in self._options.inputs]

    def execute(self) -> None:
        self._made = self._forward(self._given)

    def get(self) -> Arrays:
        return {name: tensor.numpy() for name, tensor in zip(self._options.outputs, self._made)}

    def clone(self) -> Session:
        """The same program loaded once more; all of a process's programs share one thread pool."""
        return ExecuTorch(self._artifact, self._options)

    def threads(self) -> Optional[int]:
        return int(portable_lib._threadpool_get_thread_count())

    def placement(self) -> Placement:
        inside = sum(self._delegation["delegated"].values())
        outside = sum(self._delegation["outside"].values())
        share = inside / (inside + outside) if inside + outside else None
        summary = "%d of %d operators on XNNPACK" % (inside, inside + outside)
        degraded = None
        if BACKEND not in portable_lib._get_registered_backend_names():
            degraded = "this build of ExecuTorch has no XNNPACK"
        elif outside:
            degraded = "not delegated to XNNPACK: %s" % ", ".join(sorted(self._delegation["outside"]))
        elif not inside:
            degraded = "nothing was delegated to XNNPACK"
        return Placement(summary, share, degraded)

    def close(self) -> None:
        self._made, self._given = None, []
        del self._forward, self._module
