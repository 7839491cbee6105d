"""What a library reaches at its best on the CPU: a large product of square matrices, by precision.

Shared by the rooms' `peaks.py`, each of which says how its library multiplies. Standard library only, Python 3.8 on.
"""

import time
from typing import Any, Callable, Dict, Optional, Sequence

SIDES = (1024, 2048)
"""Of the square matrices, ascending; the best counts. Enough to fill a CPU, and its products are short."""
SECONDS = 0.3
"""For each product and side."""
SPANS = 5

Product = Callable[[int], Callable[[], Any]]
"""From a side to what multiplies two matrices of that side once: a constant second one, as a layer's weights are."""
Clock = Callable[[Callable[[], Any]], float]


def seconds_of(run: Callable[[], Any]) -> float:
    """Seconds of one `run`: the shortest of the spans that fit the budget, two runs at least, the first not counted."""
    run()
    best = _span(run, 1)
    count = max(1, int(SECONDS / SPANS / best))
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        best = min(best, _span(run, count) / count)
    return best


def _span(run: Callable[[], Any], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        run()
    return time.perf_counter() - start


def peak(product: Product, sides: Sequence[int] = SIDES, clock: Clock = seconds_of, budget: float = SECONDS) -> float:
    """The best operations per second over the sides, two for each multiplication.

    A side whose one product would take longer than the budget is left out: where the library has no real kernel for a
    type, or the machine is small, less fills it.
    """
    best = 0.0
    for side in sides:
        if best and 2.0 * side**3 / best > budget:
            break
        best = max(best, 2.0 * side**3 / clock(product(side)))
    return best


def peaks(products: Dict[str, Product], **how: Any) -> Dict[str, Optional[float]]:
    """`peak` of each precision; None where the library cannot multiply so here, which the log says.

    Raises what the library raised in fp32: it multiplies so everywhere.
    """
    found: Dict[str, Optional[float]] = {}
    for precision, product in products.items():
        try:
            found[precision] = reached = peak(product, **how)
            print("%s: %.1f GFLOP/s" % (precision, reached / 1e9), flush=True)
        except Exception as error:  # each library has its own ways to refuse
            if precision == "fp32":
                raise
            found[precision] = None
            print("%s: no such product here: %s" % (precision, (str(error) or "?").splitlines()[0]), flush=True)
    return found
