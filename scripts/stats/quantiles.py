"""Quantiles of single requests, printed only where the sample can support them.

A sample of n says something about its q-quantile only if it is likely to reach beyond it. The largest of
n independent samples lies below the q-quantile with probability q**n; asking that this be at most 2.5 %
(the upper half of what a 95 % interval leaves out) gives n >= ln(0.025) / ln(q): 36 samples for p90, 368 for
p99, 3,688 for p99.9. This is the order-statistics argument of Wilks (1941) and of Conover, "Practical
Nonparametric Statistics", section 3.2. Samples of one process are not independent, so they must come from at
least five trials as well.
"""

import math
from collections.abc import Sequence

import numpy as np

from scripts.stats.intervals import Array

MISSED = 0.025
MIN_TRIALS = 5
ROUNDING = 1e-9
"""A sum of shares that should be q may fall short of it by its rounding."""


def samples_needed(q: float) -> int:
    """The smallest number of samples whose maximum reaches the q-quantile in all but 2.5 % of draws."""
    if not 0 < q < 1:
        raise ValueError(f"a quantile lies between 0 and 1, not at {q}")
    return math.ceil(math.log(MISSED) / math.log(q))


def supported(q: float, counts: Sequence[int]) -> bool:
    """Whether trials with `counts` samples each can support the q-quantile as a point."""
    return len(counts) >= MIN_TRIALS and sum(counts) >= samples_needed(q)


def quantile(q: float, trials: Sequence[Array]) -> float | None:
    """The q-quantile of a request of any trial, each trial counting alike; None if the samples cannot support it.

    trials: one array [samples] per trial; the result is in the unit of the samples. Under a time budget a trial in a
    slow phase of its host has fewer samples: pooled as they are, the fast trials would hide it, and p90 could lie
    below the median over trials. So the value is where the mean over trials of the shares at or below it reaches q.
    """
    if not supported(q, [len(samples) for samples in trials]):
        return None
    shares = np.concatenate([np.full(len(samples), 1 / len(samples) / len(trials)) for samples in trials])
    values = np.concatenate(list(trials))
    order = np.argsort(values, kind="stable")
    reached = np.searchsorted(np.cumsum(shares[order]), q - ROUNDING)
    return float(values[order][reached])
