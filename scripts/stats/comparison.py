"""Ratios of two candidates' times, from trials that can be paired and from trials that cannot.

Trials of one session and one round ran close together, so what the host did to one it did to the other: they are
compared by the log ratio of their locations within the round, and Student's t over rounds.
"""

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from scipy import stats

from scripts.stats.intervals import CONFIDENCE, MIN_TRIALS, Interval, t_interval


def paired_ratio(
    new: Mapping[Hashable, float], old: Mapping[Hashable, float], confidence: float = CONFIDENCE
) -> Interval:
    """The ratio of times new over old (below 1: new is faster), from the rounds that both took part in.

    new, old: log location by round. What the host did to a round it did to both, so it drops out of their
    difference: Student's t over those differences. One shared round gives a point and no interval; none raises
    ValueError (see `unpaired_ratio`).
    """
    differences = [new[key] - old[key] for key in new if key in old]
    if not differences:
        raise ValueError("the two share no round, so there are no pairs")
    return t_interval(differences, confidence)


def unpaired_ratio(new_logs: Sequence[float], old_logs: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """The ratio of times new over old (below 1: new is faster), of trials that cannot be paired.

    new_logs, old_logs: one log location per trial, at least one each; otherwise ValueError. Welch's interval
    (Biometrika 34, 1947), which lets the two differ in spread; a point alone where either has a single trial. It knows
    nothing of what the host did between two sessions: a difference of hosts' states looks like one of candidates.
    """
    if not len(new_logs) or not len(old_logs):
        raise ValueError("no trials on one side, so there is no ratio")
    centre = float(np.mean(new_logs) - np.mean(old_logs))
    if min(len(new_logs), len(old_logs)) < MIN_TRIALS:
        return Interval(float(np.exp(centre)), None, None)
    half = _welch_half_width(new_logs, old_logs, confidence)
    return Interval(float(np.exp(centre)), float(np.exp(centre - half)), float(np.exp(centre + half)))


def _welch_half_width(a: Sequence[float], b: Sequence[float], confidence: float) -> float:
    squares = [float(np.var(side, ddof=1)) / len(side) for side in (a, b)]
    total = sum(squares)
    if total == 0:
        return 0.0
    freedom = total**2 / sum(square**2 / (len(side) - 1) for square, side in zip(squares, (a, b), strict=True))
    return float(stats.t.ppf(0.5 + confidence / 2, freedom) * np.sqrt(total))


def equivalent(interval: Interval, lo: float, hi: float) -> bool:
    """Whether the interval of a ratio lies inside lo to hi, so that the two are the same for practical purposes.

    Two one-sided tests (Schuirmann 1987) at (1 - confidence) / 2 each: with a 95 % interval each at 2.5 %. An interval
    without bounds shows nothing.
    """
    return interval.lo is not None and interval.hi is not None and lo <= interval.lo and interval.hi <= hi
