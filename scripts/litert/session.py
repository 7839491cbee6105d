"""LiteRT's door: a TFLite file on XNNPACK, resized to the batch that was asked for."""

import os
from pathlib import Path
from typing import Any, Dict, List, Optional, Set

from ai_edge_litert.interpreter import Interpreter

from scripts.core.door import Arrays, Options, Placement, Session

DELEGATE = "DELEGATE"


def open(artifact: Path, options: Dict[str, Any]) -> Session:
    """Load `model.tflite` for one batch size."""
    return LiteRT(artifact / "model.tflite", Options.of(options))


class LiteRT(Session):
    """One interpreter. `put` copies the inputs into its arena and `get` copies the outputs out, as its API has it."""

    def __init__(self, file: Path, options: Options) -> None:
        self._file, self._options = file, options
        threads_before = _os_threads()
        self._interpreter = Interpreter(str(file), num_threads=options.threads)
        details = self._interpreter.get_input_details()
        for detail in details:
            shape = [options.batch, *detail["shape"][1:]]
            self._interpreter.resize_tensor_input(detail["index"], shape, strict=False)
        self._interpreter.allocate_tensors()
        self._pool = 1 + _os_threads() - threads_before
        self._inputs = [(name, detail["index"]) for name, detail in zip(options.inputs, _in_order(details))]
        outputs = _in_order(self._interpreter.get_output_details())
        self._outputs = [(name, detail["index"]) for name, detail in zip(options.outputs, outputs)]
        self._set, self._get = self._interpreter.set_tensor, self._interpreter.get_tensor
        self._invoke = self._interpreter.invoke

    def put(self, inputs: Arrays) -> None:
        for name, index in self._inputs:
            self._set(index, inputs[name])

    def execute(self) -> None:
        self._invoke()

    def get(self) -> Arrays:
        return {name: self._get(index) for name, index in self._outputs}

    def clone(self) -> Session:
        """Another interpreter: LiteRT shares no weights between interpreters, but the file's pages are mapped once."""
        return LiteRT(self._file, self._options)

    def threads(self) -> Optional[int]:
        """Size of XNNPACK's pool: the calling thread and those that the kernel saw start at load."""
        return self._pool

    def placement(self) -> Placement:
        ops = self._interpreter._get_ops_details()
        total = sum(op["op_name"] != DELEGATE for op in ops)
        delegated = len(delegated_ops(ops))
        summary = "%d of %d operators on XNNPACK" % (delegated, total)
        degraded = None if delegated else "XNNPACK took none of the %d operators" % total
        return Placement(summary, delegated / total if total else None, degraded)

    def close(self) -> None:
        del self._invoke, self._set, self._get, self._interpreter


def delegated_ops(ops: List[Dict[str, Any]]) -> Set[int]:
    """Indices of the operators that delegates replaced: what lies between a delegate's outputs and its inputs."""
    producer = {int(out): op for op in ops if op["op_name"] != DELEGATE for out in op["outputs"]}
    taken: Set[int] = set()
    for delegate in (op for op in ops if op["op_name"] == DELEGATE):
        edge, todo = {int(i) for i in delegate["inputs"]}, [int(out) for out in delegate["outputs"]]
        while todo:
            tensor = todo.pop()
            op = producer.get(tensor)
            if tensor in edge or op is None or op["index"] in taken:
                continue
            taken.add(op["index"])
            todo += [int(i) for i in op["inputs"] if i >= 0]
    return taken


def _in_order(details: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Tensors in the order of the network's signature: litert-torch numbers them in their names (args_0, output_1)."""
    return sorted(details, key=lambda detail: [int(n) for n in _numbers(detail["name"])])


def _numbers(name: str) -> List[str]:
    tail = name.split(":")[0].rsplit("_", 1)[-1]
    return [tail] if tail.isdigit() else ["0"]


def _os_threads() -> int:
    return len(os.listdir("/proc/self/task"))
