"""ONNX Runtime behind the door. Opens the graph that `compile` optimised, so nothing is optimised again.

Inputs are bound where the caller's arrays lie and outputs are written into arrays that the session owns: no copies.
Settings that decide speed are explicit: one operator at a time, `threads` within an operator, idle threads spin
(ONNX Runtime's default). Asked for a provider that is not there, it refuses instead of taking another.
"""

from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np
import onnxruntime as ort

from scripts.core.door import Arrays, Options, Placement, Session
from scripts.core.quantised import Recipe, not_as_declared, with_quantised
from scripts.nvidia.device import is_gpu
from scripts.onnxruntime import gpu
from scripts.onnxruntime.kernels import Kernels, computes_in_integers
from scripts.onnxruntime.settings import DTYPES, provider_of, settings

FILE = "model.onnx"


def open(artifact: Path, options: Dict[str, Any]) -> Session:
    """Load `model.onnx` from `artifact` on the asked provider. Raises Unsupported where that is not there."""
    asked = Options.of(options)
    if is_gpu(asked.device):
        return gpu.open(artifact, asked)
    return OnnxRuntime(artifact, asked)


class OnnxRuntime(Session):
    """One loaded graph with its own bindings.

    A clone runs the same loaded graph: a graph of one thread runs in its caller's, so that streams of one thread each
    need no other (per CPU second as fast as a loaded graph for each, and the weights are there once). Streams of
    several threads each load the graph again, since a graph's threads are its own.
    """

    def __init__(self, artifact: Path, options: Options, session: Optional[ort.InferenceSession] = None) -> None:
        self._artifact, self._options = artifact, options
        self._session = session or ort.InferenceSession(
            str(artifact / FILE),
            settings(options.threads_each),
            providers=[provider_of(options.device)],
            enable_fallback=0,
        )
        self._binding = self._session.io_binding()
        self._outputs = self._output_arrays()
        for name in options.outputs:
            if self._outputs is None:
                self._binding.bind_output(name)
            else:
                self._binding.bind_ortvalue_output(name, ort.OrtValue.ortvalue_from_numpy(self._outputs[name]))

    def _output_arrays(self) -> Optional[Arrays]:
        """An array for each output; None if a shape is known only when run: then ONNX Runtime allocates."""
        wanted = {node.name: node for node in self._session.get_outputs()}
        arrays: Arrays = {}
        for name in self._options.outputs:
            shape = self._resolve(wanted[name].shape)
            if shape is None:
                return None
            arrays[name] = np.empty(shape, DTYPES[wanted[name].type])
        return arrays

    def _resolve(self, shape: "list[Any]") -> Optional[List[int]]:
        """A declared shape with the batch filled in: it is the name that the inputs' first dimension has."""
        batch = {node.shape[0] for node in self._session.get_inputs() if node.shape and isinstance(node.shape[0], str)}
        sizes = [self._options.batch if size in batch else size for size in shape]
        return sizes if all(isinstance(size, int) for size in sizes) else None

    def put(self, inputs: Arrays) -> None:
        for name in self._options.inputs:
            self._binding.bind_cpu_input(name, inputs[name])

    def execute(self) -> None:
        self._session.run_with_iobinding(self._binding)

    def get(self) -> Arrays:
        """Valid until the next `execute`, which writes into the same arrays."""
        if self._outputs is not None:
            return self._outputs
        return dict(zip(self._options.outputs, self._binding.copy_outputs_to_cpu()))

    def clone(self) -> Session:
        shared = self._options.streams == 1 or self._options.threads_each == 1
        return OnnxRuntime(self._artifact, self._options, self._session if shared else None)

    def threads(self) -> Optional[int]:
        return int(self._session.get_session_options().intra_op_num_threads)

    def placement(self) -> Placement:
        """Nodes by the provider that runs them, and the share of the multiplications that run in integers.

        Degraded if any node runs elsewhere than asked, if less is in integers than declared, or if fp16 was asked and
        multiplications run in float32. What a kernel multiplies was found by the compiler; that it is loaded, here.
        """
        asked, precision = provider_of(self._options.device), self._options.precision
        nodes: "Counter[str]" = Counter()
        loaded: Dict[str, str] = {}
        for subgraph in self._session.get_provider_graph_assignment_info():
            inside = subgraph.get_nodes()
            nodes[subgraph.ep_name] += len(inside)
            loaded.update((node.name, node.op_type) for node in inside)
        total = sum(nodes.values())
        integers = sum(map(computes_in_integers, loaded.values()))
        found = Kernels.read(self._artifact)
        int8_share = found.int8_share(loaded) if found else None
        summary = with_quantised("%d of %d nodes on %s" % (nodes[asked], total, asked), precision, integers)
        elsewhere = ", ".join("%d on %s" % (count, name) for name, count in sorted(nodes.items()) if name != asked)
        degraded = "%s, %s" % (summary, elsewhere) if elsewhere else self._other_than_asked(found, int8_share, integers)
        return Placement(summary, nodes[asked] / total if total else None, degraded, int8_share)

    def _other_than_asked(self, found: Optional[Kernels], share: Optional[float], integers: int) -> Optional[str]:
        """Why what runs is not in the precision that was asked for; None if it is."""
        precision = self._options.precision
        if precision == "fp16" and found:
            floats = [kernel for kernel in found.multiplying if kernel.dtype == "float32"]
            words = "asked for fp16, ONNX Runtime runs %d of %d kernels that multiply in float32"
            return words % (len(floats), len(found.multiplying)) if floats else None
        return not_as_declared(precision, integers, share, Recipe.read(self._artifact))

    def close(self) -> None:
        del self._binding, self._session, self._outputs
