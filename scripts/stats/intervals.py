"""Row intervals: Student's t over trials.

The unit of statistics is the trial, one fresh process: samples inside a process are autocorrelated and
share its memory layout, so they say little about the next process (Kalibera and Jones, "Rigorous
benchmarking in reasonable time", ISMM 2013). Each trial therefore gives one number, the logarithm of a
location of its samples, and the interval is that of a mean of independent numbers. Logarithms, because
times are positive and skewed, and because their differences are ratios.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

CONFIDENCE = 0.95
MIN_TRIALS = 2
FAST = 0.10


def fast(samples: Array) -> np.floating:
    """The fast location of a trial: the 10th percentile of its samples, interpolated between neighbours.

    samples: shape [n], n at least 1; the result is in their unit. What disturbs a process makes it slower, never
    faster, so its fast requests say most about the candidate and least about the host (Chen and Revels, "Robust
    benchmarking in noisy environments", 2016). The minimum would rest on a single request; a tenth is enough of
    them to repeat.
    """
    return np.float64(np.quantile(samples, FAST))


LOCATIONS: Mapping[str, Callable[[Array], np.floating]] = {"p10": fast, "median": np.median}
"""What a trial can be summed up by, under the names that the configuration uses."""


class Interval(NamedTuple):
    """A point with its bounds, in the unit of the samples; the bounds are None where trials are too few."""

    point: float
    lo: float | None
    hi: float | None


def log_location(samples: Array, location: Callable[[Array], np.floating] = np.median) -> float:
    """The logarithm of one trial's location (its median unless told otherwise).

    samples: shape [n], positive numbers, n at least 1. Raises ValueError if empty or not positive.
    """
    if len(samples) == 0:
        raise ValueError("a trial without samples has no location")
    value = float(location(np.asarray(samples, dtype=np.float64)))
    if not value > 0:
        raise ValueError(f"a location of {value} has no logarithm: samples must be positive")
    return float(np.log(value))


def t_half_width(values: Sequence[float], confidence: float = CONFIDENCE) -> float | None:
    """Half the width of the two-sided t interval of the mean of `values`; None below two values."""
    count = len(values)
    if count < MIN_TRIALS:
        return None
    spread = float(np.std(values, ddof=1))
    return float(stats.t.ppf(0.5 + confidence / 2, count - 1)) * spread / float(np.sqrt(count))


def t_interval(logs: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Geometric mean over trials with its t interval.

    logs: one log-location per trial, at least one. With a single trial there is a point and no interval.
    """
    if len(logs) == 0:
        raise ValueError("no trials, so there is no interval")
    centre = float(np.mean(logs))
    half = t_half_width(logs, confidence)
    if half is None:
        return Interval(float(np.exp(centre)), None, None)
    return Interval(float(np.exp(centre)), float(np.exp(centre - half)), float(np.exp(centre + half)))


def share_interval(right: int, count: int) -> tuple[float, float]:
    """The ends of the 95 % interval of a share of `right` out of `count` (Wilson 1927)."""
    found = stats.binomtest(right, count).proportion_ci(CONFIDENCE, method="wilson")
    return float(found.low), float(found.high)
