"""What changed between two tables of results, judged from the intervals that the tables hold.

A table has no raw samples, but its intervals are Student's t over trials on logarithms, so that half an interval's
width over the quantile is the standard error. New over old then is a Welch comparison (unequal variances, Welch 1947).
One table asks many questions at once: Holm's step-down correction (1979) keeps the chance of one false alarm or more
in the whole table at 5 %. Each interval is given at the level at which its row was judged, so that it leaves out "no
change" exactly where the row was told apart.

Two sessions of one host differ by a little in all rows alike, and sometimes by a lot. Where enough candidates moved
alike, rows are judged against the median change of all candidates, and what that median does not explain of their
spread counts as uncertainty of each row. Otherwise a drift of the host cannot be told from a change of the row, and a
row's whole interval must lie beyond the smallest change that counts. Simulated with 5 trials and 1.2 % between them, a
drift of 0 to 10 % and a change of 10 % in one row: tests/unit/test_compare.py.
"""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from scripts.stats.intervals import CONFIDENCE, Array

SLOWER, FASTER, SAME, UNCLEAR = "slower", "faster", "same", "unclear"
LEAST_CANDIDATES, LEAST_RUNTIMES = 5, 3
"""Below these, a change of the host cannot be told from one of a candidate or of a runtime."""
ALIKE = 0.75
"""Share of the candidates that must have moved alike before their median is called the host's."""
LEAST_ERROR = 1e-6
"""Tables hold six significant digits: no standard error of a logarithm is known to be smaller."""
NORMAL_MAD, MAD_EFFICIENCY = 1.4826, 0.37
"""Median absolute deviation: to the standard deviation of a normal distribution, and what it makes of its sample."""


class Side(NamedTuple):
    """One table's figures: log location, its standard error, its degrees of freedom, each [rows]."""

    log: Array
    error: Array
    freedom: Array


class Shift(NamedTuple):
    """How the candidates moved as a whole, as logarithms of new over old.

    log: their median; variance: of a row that moved with them, beyond its own noise; alike: how many moved alike;
    applied: whether rows are judged against it; resolved: whether the median is more than the candidates' noise.
    """

    log: float
    variance: float
    candidates: int
    alike: int
    applied: bool
    resolved: bool


class Change(NamedTuple):
    """One row's change: ratio new over old (above 1: slower) with its interval at `confidence`, against the shift."""

    outcome: str
    ratio: float
    lo: float
    hi: float
    confidence: float


def side(point: Array, lo: Array, hi: Array, trials: Array) -> Side:
    """What intervals of Student's t over `trials` (2 or more) logarithms say of their standard errors.

    point, lo, hi: in one unit, positive, each [rows].
    """
    freedom = trials - 1
    error = (np.log(hi) - np.log(lo)) / 2 / stats.t.ppf(0.5 + CONFIDENCE / 2, freedom)
    return Side(np.log(point), np.maximum(error, LEAST_ERROR), freedom)


def common_shift(
    old: Side, new: Side, candidates: Sequence[Hashable], runtimes: Sequence[str], least: float, absolute: bool = False
) -> Shift:
    """The median change over candidates, each counting once.

    candidates, runtimes: of each row; least: the smallest change that counts, as a logarithm; absolute: never apply it.
    """
    if not len(candidates):
        return Shift(0.0, 0.0, 0, 0, False, False)
    change, noise = new.log - old.log, new.error**2 + old.error**2
    groups = [[i for i, name in enumerate(candidates) if name == one] for one in dict.fromkeys(candidates)]
    moved = np.array([change[rows].mean() for rows in groups])
    errors = np.array([np.sqrt(noise[rows].sum()) / len(rows) for rows in groups])
    middle = float(np.median(moved))
    apart = np.abs(moved - middle)
    is_alike = apart <= np.maximum(np.maximum(least, abs(middle) / 2), 2 * errors)
    spread = NORMAL_MAD * float(np.median(apart))
    unexplained = max(0.0, spread**2 - float(np.median(errors**2)))
    of_median = np.pi / 2 * spread**2 / len(groups)  # variance of a median of normal values
    beyond = stats.t.ppf(0.5 + CONFIDENCE / 2, max(1, len(groups) - 1)) * float(np.sqrt(of_median))
    enough = len(groups) >= LEAST_CANDIDATES and len(set(runtimes)) >= LEAST_RUNTIMES
    applied = bool(enough and is_alike.mean() >= ALIKE and not absolute)
    variance, is_resolved = unexplained + float(of_median), bool(enough and abs(middle) > beyond)
    return Shift(middle, variance, len(groups), int(is_alike.sum()), applied, is_resolved)


def judge(old: Side, new: Side, shift: Shift, least: float) -> list[Change]:
    """The change of each row. least: the smallest change that counts, as a logarithm."""
    change = new.log - old.log - (shift.log if shift.applied else 0.0)
    parts = [(new.error**2, new.freedom), (old.error**2, old.freedom)]
    if shift.applied:
        of_shift = MAD_EFFICIENCY * (shift.candidates - 1)
        parts.append((np.full(len(change), shift.variance), np.full(len(change), of_shift)))
    variance = sum((part for part, _ in parts), np.zeros(len(change)))
    freedom = variance**2 / sum((part**2 / df for part, df in parts), np.zeros(len(change)))  # Welch and Satterthwaite
    error = np.sqrt(variance)
    beyond = np.maximum(np.abs(change) - (0.0 if shift.applied else least), 0.0)
    levels, is_resolved = holm(2 * stats.t.sf(beyond / error, freedom))
    half = stats.t.ppf(1 - levels / 2, freedom) * error
    return [
        Change(
            _outcome(middle, width, bool(resolved), least), float(np.exp(middle)), float(np.exp(middle - width)),
            float(np.exp(middle + width)), float(1 - level),
        )
        for middle, width, resolved, level in zip(change, half, is_resolved, levels, strict=True)
    ]  # fmt: skip


def holm(p: Array) -> tuple[Array, Array]:
    """The level at which Holm's procedure judged each of the p values, and whether it rejected, each [tests]."""
    count = len(p)
    steps = (1 - CONFIDENCE) / (count - np.arange(count))
    order = np.argsort(p, kind="stable")
    failed = np.flatnonzero(p[order] > steps)
    stop = int(failed[0]) if len(failed) else count
    levels, is_rejected = np.empty(count), np.zeros(count, dtype=bool)
    levels[order] = np.concatenate([steps[:stop], np.full(count - stop, steps[stop] if stop < count else 0.0)])
    is_rejected[order[:stop]] = True
    return levels, is_rejected


def _outcome(middle: float, half: float, is_resolved: bool, least: float) -> str:
    if is_resolved and abs(middle) >= least:
        return SLOWER if middle > 0 else FASTER
    return SAME if abs(middle) + half <= least else UNCLEAR
