"""Multiple comparisons with the best: which candidates may be the best, and by how much the others are slower.

The trials of one round ran close together, so what the host did to one it did to the others: the data are the log
locations of k candidates in n shared rounds, and all comparisons are of pairs within a round (common random
numbers). With d_ij the mean of x_i - x_j over rounds and s_ij the standard deviation of those differences,

    w_ij = t(1 - alpha / (2 (k - 1)), n - 1) * s_ij / sqrt(n)

bounds d_ij from both sides for all k - 1 comparisons with one candidate j together (Bonferroni). Let b be the
truly best. With confidence 1 - alpha all d_ib lie within w_ib of the truth, and then

- b is in S = {i: d_ij <= w_ij for all j}, the candidates that nobody is told apart from as faster;
- the log ratio of any i to b lies in the union over j in S of d_ij -+ w_ij, and is 0 or more; it is 0 for b.

That is the technique of Edwards and Hsu (Multiple comparisons with the best treatment, JASA 78, 1983; Hsu,
Multiple Comparisons, 1996, chapter 4), which turns comparisons with any control into comparisons with an unknown
best; for pairs and unequal variances see Nelson and Matejcik (Management Science 41, 1995) and Nakayama (Winter
Simulation Conference, 1997). It needs neither equal variances nor a control that is chosen in advance.

With the same rounds for all, being told apart is transitive: standard deviations obey the triangle inequality, so
d_ij > w_ij and d_jk > w_jk give d_ik > w_ik. Whoever is outside S is therefore told apart from a member of S; if
S has one member it is the winner, and the intervals of all others lie above 1. Where S has several, the interval of one
outside can start at 1: it is slower than one of them, but perhaps no slower than another.

A critical value from the correlation of the differences (multivariate t, as Dunnett's) would be a little smaller, but
each pair has its own variance: by simulation (equal variances, 10 rounds) 2.64 for 2.69 of Bonferroni with 3
candidates and 3.49 for 3.62 with 10, so intervals at most 4 % narrower, for which the correlation would
have to be known. Not taken.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from scripts.stats.intervals import CONFIDENCE, Array

MIN_ROUNDS = 3
"""Two rounds leave one degree of freedom: an interval, but none that resolves anything."""

Flags = NDArray[np.bool_]


class Standing(NamedTuple):
    """One candidate against the best.

    ratio: its location over that of the fastest by point, 1 or more.
    lo, hi: simultaneous interval of its location over that of the truly best; None where nothing can be resolved.
    may_be_best: whether the data leave it open that it is the best; its interval then starts at 1.
    pairs: rounds compared.
    """

    name: str
    ratio: float
    lo: float | None
    hi: float | None
    may_be_best: bool
    pairs: int


class Best(NamedTuple):
    """All candidates, fastest first. All intervals hold together with `confidence`, and the best is a leader."""

    standings: tuple[Standing, ...]
    confidence: float
    rounds: int

    @property
    def leaders(self) -> tuple[str, ...]:
        """Those that may be the best, fastest first; at least one."""
        return tuple(standing.name for standing in self.standings if standing.may_be_best)

    @property
    def winner(self) -> str | None:
        """The only one that may be the best; None where several may."""
        return self.leaders[0] if len(self.leaders) == 1 else None


def best(candidates: Mapping[str, Mapping[Hashable, float]], confidence: float = CONFIDENCE) -> Best:
    """Compare candidates by their log locations (smaller is better) in the rounds that all of them took part in.

    candidates: name -> round -> log location of one trial; at least one candidate, each with at least one round.
    Below three shared rounds the ratios are points and everyone may be the best; without any, they are of all rounds of
    each. A candidate alone is the best. Raises ValueError where there is nothing to compare.
    """
    if not candidates or not all(candidates.values()):
        raise ValueError("nothing to compare: every candidate needs at least one round")
    shared = _shared(list(candidates.values()))
    points = {name: _mean(rounds, shared or list(rounds)) for name, rounds in candidates.items()}
    names = sorted(candidates, key=lambda name: (points[name], name))
    if len(names) > 1 and len(shared) < MIN_ROUNDS:
        standings = tuple(_open(name, points[name] - points[names[0]], len(shared)) for name in names)
        return Best(standings, confidence, len(shared))
    logs = np.array([[candidates[name][key] for key in shared] for name in names])
    may_be_best, lo, hi = _against_best(logs, confidence)
    ratios = np.exp([points[name] - points[names[0]] for name in names])
    columns = (names, ratios.tolist(), np.exp(lo).tolist(), np.exp(hi).tolist(), may_be_best.tolist())
    standings = tuple(Standing(*column, len(shared)) for column in zip(*columns, strict=True))
    return Best(standings, confidence, len(shared))


def _shared(candidates: Sequence[Mapping[Hashable, float]]) -> list[Hashable]:
    return [key for key in candidates[0] if all(key in other for other in candidates)]


def _mean(rounds: Mapping[Hashable, float], keys: Sequence[Hashable]) -> float:
    return float(np.mean([rounds[key] for key in keys]))


def _open(name: str, apart: float, pairs: int) -> Standing:
    return Standing(name, float(np.exp(apart)), None, None, True, pairs)


def _against_best(logs: Array, confidence: float) -> tuple[Flags, Array, Array]:
    """Who may be the best, and both ends of the log ratios to it; logs: [candidates, rounds], results [candidates]."""
    if len(logs) == 1:
        return np.ones(1, dtype=bool), np.zeros(1), np.zeros(1)
    middle, half = _pairs(logs, confidence)
    may_be_best: Flags = np.all(middle <= half, axis=1)
    # One that may be the best is among those it is held against, at exactly 0: if it is the best, its ratio is 1.
    lowest: Array = np.min(middle - half, axis=1, where=may_be_best, initial=np.inf)
    highest: Array = np.max(middle + half, axis=1, where=may_be_best, initial=0.0)
    return may_be_best, np.maximum(lowest, 0.0), np.maximum(highest, 0.0)


def _pairs(logs: Array, confidence: float) -> tuple[Array, Array]:
    """d_ij and w_ij, both [candidates, candidates]."""
    count, rounds = logs.shape
    differences = logs[:, None, :] - logs[None, :, :]
    critical = float(stats.t.ppf(1 - (1 - confidence) / (2 * (count - 1)), rounds - 1))
    return differences.mean(axis=2), critical * differences.std(axis=2, ddof=1) / np.sqrt(rounds)
