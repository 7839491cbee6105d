"""What PyTorch reaches at its best on this CPU: large products of matrices, by precision.

Options: {"threads": 2}. No sources. The facts hold `peaks`: operations per second by precision, two for each
multiplication; null where PyTorch has no such product here. int8 is what compiled networks call: oneDNN's layer of
unsigned inputs and prepared, signed weights.
"""

from typing import Any, Callable, Tuple

import torch

from scripts.core.verb import Facts, Job, main
from scripts.measure.products import Product, peaks


def _floats(dtype: torch.dtype) -> Product:
    def product(side: int) -> Callable[[], Any]:
        a, b = (torch.randn(side, side).to(dtype) for _ in range(2))
        out = torch.empty_like(a)  # made once: fresh memory for each result would take a tenth of the time
        return lambda: torch.mm(a, b, out=out)

    return product


def _int8(side: int) -> Callable[[], Any]:
    onednn = torch.ops.onednn
    inputs = torch.randint(0, 255, (side, side), dtype=torch.uint8)
    weights = onednn.qlinear_prepack(torch.randint(-128, 127, (side, side), dtype=torch.int8), [side, side])
    scales, zeros = torch.ones(side), torch.zeros(side, dtype=torch.int64)
    ends: Tuple[Any, ...] = (None, 1.0, 128, torch.uint8, "none", [], "")
    return lambda: onednn.qlinear_pointwise(inputs, 1.0, 128, weights, scales, zeros, *ends)


PRODUCTS = {
    "fp32": _floats(torch.float32), "bf16": _floats(torch.bfloat16), "fp16": _floats(torch.float16), "int8": _int8,
}  # fmt: skip


def measure(job: Job) -> Facts:
    torch.set_num_threads(job.options["threads"])
    with torch.inference_mode():
        return {"versions": {"torch": torch.__version__}, "peaks": peaks(PRODUCTS)}


if __name__ == "__main__":
    raise SystemExit(main(measure, __doc__))
