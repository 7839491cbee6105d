"""What this GPU reaches at its best: large matrix products by precision, and copies within its memory.

Options: {"device": "cuda:0"}. No sources. The facts hold `peaks` (operations per second by precision, two for each
multiplication; null where PyTorch has no such product here), `bandwidth` (bytes per second, read and written), `gpu`.
"""

from typing import Callable, Dict

import torch

from scripts.core.verb import Facts, Job, main
from scripts.measure.products import Product, peaks
from scripts.pytorch import gpu

SIZES = (4096, 8192, 16384)
"""Sides of the square matrices; the best counts. Small ones do not fill the GPU, large ones may slow its clock."""
COPIED = 2**30
"""Bytes of the buffer that is copied."""
SECONDS = 0.5
"""For each product and size. Long enough for the clock to settle under the load, as in a trial."""


def _floats(dtype: torch.dtype, tf32: bool = False) -> Product:
    def product(size: int) -> Callable[[], torch.Tensor]:
        torch.backends.cuda.matmul.allow_tf32 = tf32
        a, b = (torch.randn(size, size, device="cuda", dtype=dtype) for _ in range(2))
        return lambda: a @ b

    return product


def _int8(size: int) -> Callable[[], torch.Tensor]:
    a, b = (torch.randint(-128, 127, (size, size), device="cuda", dtype=torch.int8) for _ in range(2))
    columns = b.t()
    return lambda: torch._int_mm(a, columns)


def _fp8(size: int) -> Callable[[], torch.Tensor]:
    a, b = (torch.randn(size, size, device="cuda").to(torch.float8_e4m3fn) for _ in range(2))
    one = torch.ones((), device="cuda")
    columns = b.t()
    return lambda: torch._scaled_mm(a, columns, scale_a=one, scale_b=one, out_dtype=torch.bfloat16)


PRODUCTS: Dict[str, Product] = {
    "fp32": _floats(torch.float32),
    "tf32": _floats(torch.float32, tf32=True),
    "fp16": _floats(torch.float16),
    "bf16": _floats(torch.bfloat16),
    "int8": _int8,
    "fp8": _fp8,
}


def seconds_of(run: Callable[[], object], budget: float = SECONDS) -> float:
    """Seconds of one `run` by the GPU's clock: the shortest of five spans that share the budget."""
    run()
    once = _span(run, 1)
    count = max(1, int(budget / 5 / once))
    return min(_span(run, count) for _ in range(5)) / count


def _span(run: Callable[[], object], count: int) -> float:
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(count):
        run()
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end)) / 1e3


def bandwidth() -> float:
    """Bytes per second read and written by a copy within the GPU's memory."""
    source = torch.empty(COPIED, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    return 2.0 * COPIED / seconds_of(lambda: target.copy_(source))


def measure(job: Job) -> Facts:
    device = job.options["device"]
    gpu.require(device)
    found = peaks(PRODUCTS, sides=SIZES, clock=seconds_of, budget=SECONDS)
    torch.cuda.empty_cache()
    return {
        "versions": {"torch": torch.__version__},
        "peaks": found,
        "bandwidth": bandwidth(),
        "gpu": torch.cuda.get_device_name(device),
    }


if __name__ == "__main__":
    raise SystemExit(main(measure, __doc__))
