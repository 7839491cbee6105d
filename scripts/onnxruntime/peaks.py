"""What ONNX Runtime reaches at its best on this CPU: large products of matrices by its own kernels, by precision.

Options: {"threads": 2}. No sources. The facts hold `peaks`: operations per second by precision, two for each
multiplication; null where ONNX Runtime has no such product here. int8 is MatMulInteger: unsigned inputs, signed
weights.
"""

import tempfile
from pathlib import Path
from typing import Any, Callable

import numpy as np
import onnxruntime as ort

from scripts.core.verb import Facts, Job, Unsupported, main
from scripts.measure.products import Product, peaks
from scripts.onnxruntime import wire
from scripts.onnxruntime.kernels import kernels
from scripts.onnxruntime.settings import provider_of, settings

CPU = provider_of("cpu")
SMALL = 64
"""Side of the matrices by which it is found what runs."""


def _product(operator: str, given: str, weights: str, made: str, threads: int) -> Product:
    """One node, `operator`, of inputs and weights of the named element types; Unsupported where it becomes several."""

    def product(side: int) -> Callable[[], Any]:
        _check_runs_alone(operator, wire.product(operator, given, _matrix(weights, SMALL), made))
        graph = wire.product(operator, given, _matrix(weights, side), made)
        session = ort.InferenceSession(graph, settings(threads), providers=[CPU], enable_fallback=0)
        binding = session.io_binding()
        inputs = _matrix(given, side)
        binding.bind_cpu_input(wire.INPUT, inputs)
        out = ort.OrtValue.ortvalue_from_numpy(np.empty((side, side), made))
        binding.bind_ortvalue_output(wire.OUTPUT, out)
        return lambda: session.run_with_iobinding(binding)

    return product


def _check_runs_alone(operator: str, graph: bytes) -> None:
    """Raises Unsupported where ONNX Runtime casts to a type that it has a kernel for."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "model.onnx"
        file.write_bytes(graph)
        found = [kernel.kind for kernel in kernels(file, CPU)]
    if found != [operator]:
        raise Unsupported("ONNX Runtime runs %s for it" % ", ".join(found))


def _matrix(dtype: str, side: int) -> np.ndarray:
    """Numbers that no product of theirs overflows in."""
    random = np.random.default_rng(0)
    if np.issubdtype(np.dtype(dtype), np.integer):
        return random.integers(0, 64, (side, side)).astype(dtype)
    return (random.standard_normal((side, side)) / side).astype(dtype)


def measure(job: Job) -> Facts:
    threads = job.options["threads"]
    products = {
        "fp32": _product("MatMul", "float32", "float32", "float32", threads),
        "fp16": _product("MatMul", "float16", "float16", "float16", threads),
        "int8": _product("MatMulInteger", "uint8", "int8", "int32", threads),
    }
    return {"versions": {"onnxruntime": ort.__version__}, "peaks": peaks(products)}


if __name__ == "__main__":
    raise SystemExit(main(measure, __doc__))
