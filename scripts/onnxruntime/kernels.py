"""The kernels that ONNX Runtime runs for a graph and what they multiply, found by running it once on zeros."""

import json
import tempfile
from math import prod
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

import numpy as np
import onnxruntime as ort

from scripts.core import quantised
from scripts.core.verb import write_json
from scripts.onnxruntime.settings import DTYPES, settings

FILE = "kernels.json"
SUFFIX = "_kernel_time"
NAMES = {"float": "float32", "double": "float64"}
"""What ONNX Runtime's profile calls a dtype, where that is not NumPy's name."""
QUANTISED = ("QGemm", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM", "QAttention")
"""Operators that compute in integers, besides QLinear... and ...Integer."""


class Kernel(NamedTuple):
    """One kernel that runs.

    name:   of its node in the graph
    kind:   its operator, such as "Conv"
    dtype:  of its first output, such as "float32"
    macs:   multiplications for one sample; 0 for all but convolutions and products of matrices
    """

    name: str
    kind: str
    dtype: str
    macs: float


class Kernels(NamedTuple):
    """What a compiler found out for the session, which does not profile.

    macs:       multiplications of the network for one sample, of the graph as it came: the optimised one pads channels
    multiplying:  the optimised graph's kernels that multiply
    """

    macs: float
    multiplying: List[Kernel]

    def write(self, folder: Path) -> None:
        """Leave them beside the optimised graph."""
        write_json(folder / FILE, {"macs": self.macs, "multiplying": [list(kernel) for kernel in self.multiplying]})

    @classmethod
    def read(cls, folder: Path) -> Optional["Kernels"]:
        """Those beside a graph; None where there are none."""
        if not (folder / FILE).is_file():
            return None
        values: Dict[str, Any] = json.loads((folder / FILE).read_text())
        return cls(values["macs"], [Kernel(*kernel) for kernel in values["multiplying"]])

    def int8_share(self, loaded: Dict[str, str]) -> Optional[float]:
        """Share of the multiplications that run in integers, 0 to 1; None of a network without any.

        loaded: the nodes of the loaded graph, name to operator; only what is there counts.
        """
        there = [kernel for kernel in self.multiplying if loaded.get(kernel.name) == kernel.kind]
        integers = sum(kernel.macs for kernel in there if computes_in_integers(kernel.kind))
        return min(1.0, integers / self.macs) if self.macs else None


def computes_in_integers(operator: str) -> bool:
    """Whether an operator of ONNX or of ONNX Runtime's own multiplies integers.

    QuantizeLinear and DequantizeLinear alone do not: between them a convolution may well run in float.
    """
    return operator.startswith("QLinear") or "Integer" in operator or operator in QUANTISED


def multiplications(operator: str, inputs: "List[List[int]]", outputs: "List[List[int]]") -> float:
    """Multiplications of one run of an operator, from the shapes of its inputs and outputs; 0 of one that has none.

    Attention and recurrent layers are not counted: their operators do not tell.
    """
    if "Conv" in operator:
        weights = next(shape for shape in inputs[1:] if len(shape) >= 3)  # scales lie between in quantised ones
        image = inputs[0] if "Transpose" in operator else outputs[0]
        return quantised.macs(prod(image), prod(weights), weights[0])
    if "MatMul" in operator or "Gemm" in operator:
        return float(prod(inputs[0]) * (outputs[0][-1] if outputs[0] else 1))
    return 0.0


def kernels(graph: Path, provider: str) -> List[Kernel]:
    """Those that run for the graph as it is, nothing optimised, on one sample."""
    with tempfile.TemporaryDirectory() as scratch:
        options = settings(threads=1)
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(scratch) / "profile")
        options.log_severity_level = 3
        options.add_session_config_entry("session.disable_prepacking", "1")  # else the weights' shapes are gone
        session = ort.InferenceSession(str(graph), options, providers=[provider], enable_fallback=0)
        session.run(None, zeros(session))
        events = json.loads(Path(session.end_profiling()).read_text())
    return [_kernel(event) for event in events if event.get("cat") == "Node" and event["name"].endswith(SUFFIX)]


def zeros(session: ort.InferenceSession) -> Dict[str, np.ndarray]:
    """One sample of zeros for each of the graph's inputs."""
    return {
        node.name: np.zeros(filled(node.shape, 1, quantised.USUAL_SIZE), DTYPES[node.type])
        for node in session.get_inputs()
    }


def filled(shape: "List[Any]", batch: int, image_size: int) -> List[int]:
    """A declared shape with what is free in it: the batch comes first, sides of images after their channels."""
    free = [batch, *[image_size] * (len(shape) - 1)]
    return [size if isinstance(size, int) else fill for size, fill in zip(shape, free)]


def _kernel(event: Dict[str, Any]) -> Kernel:
    about = event["args"]
    inputs, outputs = about["input_type_shape"], about["output_type_shape"]
    dtype = next(iter(outputs[0]), "none") if outputs else "none"
    count = multiplications(about["op_name"], *([_shape(tensor) for tensor in side] for side in (inputs, outputs)))
    return Kernel(event["name"][: -len(SUFFIX)], about["op_name"], NAMES.get(dtype, dtype), count)


def _shape(tensor: "Dict[str, List[int]]") -> List[int]:
    """The shape of {"float": [1, 3, 224, 224]}; that of a scalar is []."""
    return next(iter(tensor.values()), [])
