"""What OpenVINO reaches at its best on this CPU: large products of matrices by its own kernels, by precision.

Options: {"threads": 2}. No sources. The facts hold `peaks`: operations per second by precision, two for each
multiplication; null where OpenVINO has no such product here. Compiled with the properties that candidates get: fp16,
which is f32 on a CPU without such kernels, is then held against f32, as such a candidate computes.
"""

from typing import Any, Callable

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from scripts.core.verb import Facts, Job, Unsupported, main
from scripts.measure.products import Product, peaks
from scripts.openvino.layers import int8_share, layers
from scripts.openvino.properties import device_of, properties, version


def _product(precision: str, threads: int) -> Product:
    def product(side: int) -> Callable[[], Any]:
        network = _quantised(side) if precision == "int8" else _floats(side)
        compiled = ov.Core().compile_model(network, device_of("cpu"), properties(precision, "CPU", threads))
        if precision == "int8" and int8_share(layers(compiled)) != 1.0:
            raise Unsupported("OpenVINO multiplies it in floats")
        request = compiled.create_infer_request()
        port = compiled.input(0)
        numbers = np.random.default_rng(0).integers(0, 64, (side, side)).astype(port.get_element_type().to_dtype())
        request.set_tensor(port, ov.Tensor(numbers, shared_memory=True))
        return lambda: request.infer(share_outputs=True)

    return product


def _floats(side: int) -> ov.Model:
    given = ops.parameter([side, side], np.float32)
    weights = np.random.default_rng(0).standard_normal((side, side)).astype(np.float32)
    return ov.Model([ops.matmul(given, weights, False, True)], [given])


def _quantised(side: int) -> ov.Model:
    """Unsigned inputs, whose range is told, and signed weights with a scale for each output: as networks have them."""
    given, zero, most = ops.parameter([side, side], np.uint8), np.float32(0), np.float32(255)
    inputs = ops.fake_quantize(ops.convert(given, "f32"), zero, most, zero, most, 256)
    weights = np.random.default_rng(0).integers(-127, 127, (side, side)).astype(np.int8)
    scales = ops.constant(np.full((side, 1), 0.01, np.float32))
    scaled = ops.multiply(ops.convert(ops.constant(weights), "f32"), scales)
    return ov.Model([ops.matmul(inputs, scaled, False, True)], [given])


def measure(job: Job) -> Facts:
    products = {
        precision: _product(precision, job.options["threads"]) for precision in ("fp32", "bf16", "fp16", "int8")
    }
    return {"versions": {"openvino": version()}, "peaks": peaks(products)}


if __name__ == "__main__":
    raise SystemExit(main(measure, __doc__))
