"""What the bare loops share: the network's real input, and the loop itself. Standard library and NumPy, Python 3.8 on.

A bare loop is what a user would write from the runtime's documentation, in a fresh process: nothing of the rooms, of
the protocol or of the worker is in it.
"""

from time import perf_counter_ns
from typing import Any, Callable, Dict, Tuple

import numpy as np

from scripts.core.door import Arrays
from scripts.core.verb import Facts, Job
from scripts.measure.inputs import batch_of, read_model, stored, with_names

PERCENT = 10


def asked(job: Job) -> Tuple[Dict[str, Any], Arrays]:
    """The session's options, and the arrays that a trial of this candidate is measured with."""
    options = with_names(job.options, read_model(job.sources["checkpoint"]))
    return options, batch_of(stored(job.sources["reference"], "inputs", options["inputs"]), options["batch"])


def loop(call: Callable[[], Any], options: Dict[str, Any]) -> Facts:
    """Time `call` as often as the protocol's `iterations` say, after as many warm-up calls as it says.

    A result lives until the next one is there, as in `output = model(input)`: what is freed when decides
    whether the C library hands memory back to the kernel, and PyTorch's time on the CPU with it.
    """
    result = None
    for _ in range(options["protocol"]["warmup_iterations"]):
        result = call()
    times = []
    for _ in range(options["protocol"]["iterations"]):
        start = perf_counter_ns()
        result = call()
        times.append(perf_counter_ns() - start)
    del result
    return said("linear", float(np.percentile(times, PERCENT)) / 1e6)


def said(method: str, milliseconds: float, percent: int = PERCENT) -> Facts:
    """A reference's answer: a percentile, by NumPy's name for the rule, in milliseconds."""
    return {"percent": percent, "method": method, "ms": milliseconds}
