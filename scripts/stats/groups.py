"""Whether times fall into two groups rather than scatter around one value.

Two groups are told by what every distribution with a single peak lacks, a valley: of three windows of equal width, the
middle one of such a distribution never holds less than both of the others. (For the excess mass of a mode see Mueller
and Sawitzki, JASA 86, 1991; for tests of one mode at a time Minnotte, Annals of Statistics 25, 1997.)

Samples of one process are autocorrelated, so they are counted by visits: consecutive samples in a window are one (runs
declustering, as in the statistics of extremes, Leadbetter 1983). Both kinds of groups need at least two trials in each.
"""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scripts.stats.intervals import Array

APART = float(np.log(1.10))
"""Groups are at least 10 % apart, centre to centre."""
MIN_SHARE = 0.10
"""Each group has at least this share of the samples, every trial counting alike."""
MIXED = 0.05
"""A trial has both groups where each has at least this share of its samples."""
MIN_MIXED = 2
VALLEY = 0.5
"""Between the groups, a window holds at most this share of what the lesser group's centre holds in one."""
DEVIATIONS = 4.0
"""By how many standard deviations of a difference of counts the visits to the lesser centre outnumber those between."""
OUTLIERS = 0.02
POSITIONS = 25
KEPT = 500

ALPHA = 0.005
MIN_TRIALS = 5
MIN_IN_GROUP = 2
DRAWS = 40_000
SEED = 20

Flags = NDArray[np.bool_]


class Groups(NamedTuple):
    """Two groups: their centres in the unit of the samples, and the share of the slower (of samples, or of trials)."""

    fast: float
    slow: float
    share: float


def within_trials(trials: Sequence[Array]) -> Groups | None:
    """Two groups that trials have in common: each trial's samples switch between them; None if there are none.

    trials: one array [samples] of positive numbers per trial, in the order of time.
    """
    logs = [np.log(samples[:: -(-len(samples) // KEPT)]) for samples in trials]
    cut = _cut(logs)
    mixed = [] if cut is None else _mixed(logs, cut)
    if cut is None or not _enough(mixed, logs):
        return None
    valley = _valley(mixed, *_centres(mixed, cut))
    if valley is None:
        return None
    # The first cut was held to shares that are large enough; how large they are is counted from the valley.
    mixed, share = _mixed(logs, valley), float(np.mean([np.mean(each > valley) for each in logs]))
    if not _enough(mixed, logs) or not MIN_SHARE <= share <= 1 - MIN_SHARE:
        return None
    fast, slow = _centres(mixed, valley)
    return Groups(float(np.exp(fast)), float(np.exp(slow)), share) if slow - fast >= APART else None


def _mixed(logs: Sequence[Array], cut: float) -> list[Array]:
    """The trials that have both groups."""
    return [each for each in logs if MIXED <= np.mean(each > cut) <= 1 - MIXED]


def _enough(mixed: Sequence[Array], logs: Sequence[Array]) -> bool:
    return len(mixed) >= max(MIN_MIXED, len(logs) / 3)


def _pooled(logs: Sequence[Array]) -> tuple[Array, Array]:
    """All values in order, with weights that count each trial alike and add up to 1."""
    values = np.concatenate(list(logs))
    weights = np.concatenate([np.full(len(each), 1 / len(each) / len(logs)) for each in logs])
    order = np.argsort(values, kind="stable")
    return values[order], weights[order]


def _cut(logs: Sequence[Array]) -> float | None:
    """Where two means fit best (most variance between the groups), outliers pulled in and each share large enough."""
    values, weights = _pooled(logs)
    values = np.clip(values, *np.quantile(values, (OUTLIERS, 1 - OUTLIERS)))
    below, total = np.cumsum(weights)[:-1], np.cumsum(weights * values)
    allowed = (below >= MIN_SHARE) & (below <= 1 - MIN_SHARE) & (np.diff(values) > 0)
    if not allowed.any():
        return None
    apart = (total[-1] - total[:-1]) / (1 - below) - total[:-1] / below
    at = int(np.argmax(np.where(allowed, below * (1 - below) * apart**2, -1)))
    return float(values[at] + values[at + 1]) / 2


def _centres(logs: Sequence[Array], cut: float) -> tuple[float, float]:
    """The weighted medians of the two groups."""
    values, weights = _pooled(logs)
    fast, slow = (_median(values[own], weights[own]) for own in (values <= cut, values > cut))
    return fast, slow


def _median(values: Array, weights: Array) -> float:
    reached = np.cumsum(weights)
    return float(values[np.searchsorted(reached, reached[-1] / 2)])


def _valley(logs: Sequence[Array], fast: float, slow: float) -> float | None:
    """Where a window between the centres holds clearly less than a window around either centre; None if nowhere."""
    half = (slow - fast) / 8
    values, weights = _pooled(logs)
    reached = np.concatenate([[0.0], np.cumsum(weights)])

    def mass(at: Array) -> Array:
        upper, lower = np.searchsorted(values, at + half, "right"), np.searchsorted(values, at - half, "left")
        return np.asarray(reached[upper] - reached[lower], dtype=np.float64)

    between = np.linspace(fast + half, slow - half, POSITIONS)
    held = mass(between)
    if held.min() > VALLEY * mass(np.array([fast, slow])).min():
        return None
    emptiest = np.flatnonzero(held == held.min())
    valley = float(between[emptiest[len(emptiest) // 2]])
    fewest, most = _visits(logs, valley, half), min(_visits(logs, centre, half) for centre in (fast, slow))
    return valley if most - fewest >= DEVIATIONS * np.sqrt(most + fewest) else None


def _visits(logs: Sequence[Array], at: float, half: float) -> int:
    """How often the samples come into a window; staying there counts once."""
    inside = [np.concatenate([[False], np.abs(each - at) <= half]) for each in logs]
    return sum(int(np.sum(each[1:] & ~each[:-1])) for each in inside)


def between_trials(logs: Sequence[float]) -> Groups | None:
    """Two groups of whole trials, at least two trials in each; None if there are none, or below five trials.

    logs: one log location per trial. The variance that is left within the best two groups, over all variance, must
    be as small as in 0.5 % of draws of normal numbers: the test for clusters of Engelman and Hartigan (JASA 64, 1969).
    """
    if len(logs) < MIN_TRIALS:
        return None
    values = np.sort(np.asarray(logs, dtype=np.float64))
    left, at = _left(values[None, :])
    if left[0] > _critical(len(values)):
        return None
    fast, slow = float(values[: at[0]].mean()), float(values[at[0] :].mean())
    if slow - fast < APART:
        return None
    return Groups(float(np.exp(fast)), float(np.exp(slow)), 1 - float(at[0]) / len(values))


def _left(rows: Array) -> tuple[Array, NDArray[np.intp]]:
    """Share of the squares left within the best two groups, and the size of the lower; rows: [draws, n], sorted."""
    count = rows.shape[1]
    centred = rows - rows.mean(axis=1, keepdims=True)
    sizes = np.arange(MIN_IN_GROUP, count - MIN_IN_GROUP + 1)
    sums = np.cumsum(centred, axis=1)[:, sizes - 1]
    # The two groups' sums are opposite: this is what lies between them.
    between = sums**2 * (1 / sizes + 1 / (count - sizes))
    total = np.sum(centred**2, axis=1)
    best = between.argmax(axis=1)
    share = np.divide(between.max(axis=1), total, out=np.zeros(len(rows)), where=total > 0)
    return 1 - share, sizes[best]


@cache
def _critical(count: int) -> float:
    """What 0.5 % of sorted draws of `count` normal numbers leave at most within their best two groups."""
    draws = np.sort(np.random.default_rng(SEED).normal(size=(DRAWS, count)), axis=1)
    return float(np.quantile(_left(draws)[0], ALPHA))
