"""ExecuTorch behind the door: a program loaded by the runtime's Python bindings."""

import warnings
from pathlib import Path
from typing import Any, Dict, Optional

import torch

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the module announces that it is experimental
    from executorch.extension.pybindings import portable_lib as runtime

from scripts.core.door import Arrays, Options, Placement, Session
from scripts.core.quantised import Recipe, not_as_declared, with_quantised
from scripts.executorch.delegation import Delegation

FILE = "model.pte"
METHOD = "forward"


def open(artifact: Path, options: Dict[str, Any]) -> Session:
    """Load `model.pte` from `artifact`; its batch size is the one that it was converted for."""
    asked = Options.of(options)
    if asked.streams > 1:
        raise NotImplementedError("ExecuTorch's binding holds Python's lock while it runs: no two requests overlap")
    return ExecuTorch(artifact, asked)


class ExecuTorch(Session):
    """One loaded program and its method."""

    def __init__(self, artifact: Path, options: Options) -> None:
        self._artifact, self._options = artifact, options
        # The pool is the process's; delegates take it as they find it when they are loaded.
        runtime._unsafe_reset_threadpool(options.threads)
        self._program = runtime._load_program(str(artifact / FILE))
        self._method = self._program.load_method(METHOD)
        self._delegation = Delegation.read(artifact)

    def put(self, inputs: Arrays) -> None:
        """Copied into the program's own memory."""
        self._method.set_inputs([torch.from_numpy(inputs[name]) for name in self._options.inputs])

    def execute(self) -> None:
        self._method.execute()

    def get(self) -> Arrays:
        """Copies: in the program's tightly planned memory, outputs may lie where the next `put` writes."""
        results = self._method.get_outputs(clone_outputs=True)
        return {name: tensor.numpy() for name, tensor in zip(self._options.outputs, results)}

    def clone(self) -> Session:
        """The same program loaded once more; all programs of a process share one pool of threads."""
        return ExecuTorch(self._artifact, self._options)

    def threads(self) -> Optional[int]:
        return int(runtime._threadpool_get_thread_count())

    def placement(self) -> Placement:
        """As the converter counted: the bindings tell neither delegates nor precisions of a loaded program."""
        told, precision = self._delegation, self._options.precision
        summary = with_quantised(told.summary, precision, told.quantised)
        return Placement(summary, told.share, told.degraded or self._not_as_asked(), told.int8_share)

    def _not_as_asked(self) -> Optional[str]:
        told, precision = self._delegation, self._options.precision
        if precision == "fp16":
            return None if told.fp16_share else "asked for fp16, XNNPACK multiplies nothing in float16"
        return not_as_declared(precision, told.quantised, told.int8_share, Recipe.read(self._artifact))

    def close(self) -> None:
        del self._method, self._program
