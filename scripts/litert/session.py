"""LiteRT behind the door: the Interpreter with XNNPACK, as `pip install ai-edge-litert` gives it.

LiteRT's newer CompiledModel, which its vendor recommends, runs the same XNNPACK kernels on the CPU
and was no faster (three networks, batches 1 and 8: no difference resolved). It does not say which operators the
delegate took, has no 64-bit tensors, and loads a GPU accelerator that nothing here uses.
"""

import os
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Set

from ai_edge_litert.interpreter import Interpreter

from scripts.core.door import Arrays, Options, Placement, Session
from scripts.core.quantised import Recipe, not_as_declared, with_quantised
from scripts.core.verb import Unsupported
from scripts.litert.layers import DELEGATE, Layer, delegated, layers, share_in_integers, share_stored

FILE = "model.tflite"


class Indices(NamedTuple):
    """Tensor indices by name, as the file's signature gives them."""

    inputs: Dict[str, int]
    outputs: Dict[str, int]


def open(artifact: Path, options: Dict[str, Any]) -> Session:
    """Load `model.tflite` from `artifact` for the asked batch and threads.

    Raises Unsupported where the network fixes the batch it was exported for.
    """
    return LiteRT(artifact / FILE, Options.of(options))


def _indices(interpreter: Interpreter) -> Indices:
    # The runner must be gone before tensors are allocated: it counts as a reference into their memory.
    runner = interpreter.get_signature_runner()
    given, made = runner.get_input_details(), runner.get_output_details()
    return Indices({n: d["index"] for n, d in given.items()}, {n: d["index"] for n, d in made.items()})


def _fit(interpreter: Interpreter, indices: Indices, batch: int) -> None:
    """Give the inputs' first dimension the size `batch` and plan memory; XNNPACK takes its operators here."""
    shapes = {detail["index"]: detail["shape"] for detail in interpreter.get_input_details()}
    exported = {int(shapes[index][0]) for index in indices.inputs.values()}
    for index in indices.inputs.values():
        interpreter.resize_tensor_input(index, [batch, *shapes[index][1:]])
    try:
        interpreter.allocate_tensors()
    except RuntimeError as error:
        if exported == {batch}:
            raise
        reason = "the network fixes the batch size it was exported for (%d): LiteRT cannot run it at %d (%s)"
        raise Unsupported(reason % (max(exported), batch, str(error).strip())) from error


def _tasks() -> Set[str]:
    """The threads of this process, by the kernel's numbers."""
    return set(os.listdir("/proc/self/task"))


class LiteRT(Session):
    """One interpreter with its tensors allocated.

    `put` copies into the interpreter's tensors and `get` out of them: the same cost as through its views of them, of
    which none may live while it runs.
    """

    def __init__(self, file: Path, options: Options) -> None:
        self._file, self._options = file, options
        before = _tasks()
        self._interpreter = Interpreter(str(file), num_threads=options.threads_each)
        indices = _indices(self._interpreter)
        _fit(self._interpreter, indices, options.batch)
        self._workers = _tasks() - before
        self._inputs = [(name, indices.inputs[name]) for name in options.inputs]
        self._outputs = [(name, indices.outputs[name]) for name in options.outputs]

    def put(self, inputs: Arrays) -> None:
        for name, index in self._inputs:
            self._interpreter.set_tensor(index, inputs[name])

    def execute(self) -> None:
        self._interpreter.invoke()

    def get(self) -> Arrays:
        return {name: self._interpreter.get_tensor(index) for name, index in self._outputs}

    def clone(self) -> Session:
        """Another interpreter with threads and packed weights of its own; only the file's pages are shared."""
        return LiteRT(self._file, self._options)

    def threads(self) -> Optional[int]:
        """The caller and those workers of the delegate's pool that are alive: LiteRT itself tells no number."""
        return 1 + len(self._workers & _tasks())

    def placement(self) -> Placement:
        """Operators that XNNPACK took, and what its layers multiply; degraded if that is not what was asked for."""
        nodes, tensors = self._interpreter._get_ops_details(), self._interpreter.get_tensor_details()
        taken = delegated(nodes)
        total = sum(node["op_name"] != DELEGATE for node in nodes)
        found = layers(nodes, tensors)
        summary = "%d of %d operators on XNNPACK" % (len(taken), total)
        left = sorted({n["op_name"] for n in nodes if n["op_name"] != DELEGATE and n["index"] not in taken})
        if left:
            summary += ", the rest (%s) on LiteRT's own kernels" % ", ".join(left)
        degraded = self._not_as_asked(found) if taken else "XNNPACK took none of the %d operators" % total
        return Placement(self._told(summary, found), len(taken) / total, degraded, share_in_integers(found))

    def _told(self, summary: str, found: List[Layer]) -> str:
        """The phrase for people, with the layers that are not plain float32."""
        summary = with_quantised(summary, self._options.precision, sum(layer.in_integers for layer in found))
        halves = sum(layer.stored == "float16" for layer in found)
        # XNNPACK unpacks float16 weights when it is made. It would compute in float16 only where the processor has
        # such arithmetic and the file allows it, which ai-edge-quantizer's files do not.
        return "%s, weights of %d layers in float16, computed in float32" % (summary, halves) if halves else summary

    def _not_as_asked(self, found: List[Layer]) -> Optional[str]:
        precision = self._options.precision
        if precision == "fp16":
            return None if share_stored(found, "float16") else "asked for fp16, no weights are in float16"
        integers = sum(layer.in_integers for layer in found)
        return not_as_declared(precision, integers, share_in_integers(found), Recipe.read(self._file.parent))

    def close(self) -> None:
        del self._interpreter
