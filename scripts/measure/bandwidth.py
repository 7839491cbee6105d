"""What this host's memory moves at its best: a large copy by as many threads as the run's candidates have.

Options: {"threads": 2}. No sources. The facts hold `bandwidth`: bytes per second, read and written.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from scripts.core.verb import Facts, Job, main
from scripts.measure.products import seconds_of

COPIED = 2**28
"""Bytes of the buffer that is copied: larger than the caches of any CPU, or nearly (256 MiB)."""


def bandwidth(threads: int) -> float:
    """Bytes per second read and written by a copy, each thread with a part of its own."""
    source, target = (np.ones(COPIED, np.uint8) for _ in range(2))
    parts = list(zip(np.array_split(source, threads), np.array_split(target, threads)))
    with ThreadPoolExecutor(threads) as pool:  # NumPy gives Python's lock back while it copies
        return 2.0 * COPIED / seconds_of(lambda: list(pool.map(lambda part: np.copyto(part[1], part[0]), parts)))


def measure(job: Job) -> Facts:
    return {"versions": {"numpy": np.__version__}, "bandwidth": bandwidth(job.options["threads"])}


if __name__ == "__main__":
    raise SystemExit(main(measure, __doc__))
