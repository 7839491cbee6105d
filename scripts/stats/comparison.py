"""Which candidates cannot be told from the best.

Trials of one session and one round ran close together, so what the host did to one it did to the others:
candidates are compared by the log ratio of their locations within the round, and Student's t over rounds. As
the best is chosen from the same data, every comparison is made at a confidence that holds for all
of them together (Bonferroni). Then the truly best candidate is in the set that is named with at least
the stated confidence: it would have to be wrongly called slower than one of its k - 1 rivals.

This serves the screen, where "the best" is provisional. Multiple comparisons with the best (Hsu 1984) on the
fresh data of finals take the place of `against_best`; callers need only `BestSet`.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import numpy as np

from scripts.stats.intervals import CONFIDENCE, MIN_TRIALS, t_half_width

Rounds = Mapping[Hashable, float]
"""(session, round) -> the log location of one trial; smaller is better."""


@dataclass(frozen=True)
class Rival:
    """One candidate against the best: the ratio of their locations (above 1: slower) and its interval.

    pairs: rounds that both took part in; lo and hi are None with fewer than two.
    """

    name: str
    ratio: float
    lo: float | None
    hi: float | None
    pairs: int

    @property
    def told_apart(self) -> bool:
        """Whether the data say that this candidate is slower than the best."""
        return self.lo is not None and self.lo > 1


@dataclass(frozen=True)
class BestSet:
    """The best candidate by its point, and all others against it, fastest first."""

    best: str
    rivals: tuple[Rival, ...]
    confidence: float

    @property
    def tied(self) -> tuple[Rival, ...]:
        """Those that cannot be told from the best."""
        return tuple(rival for rival in self.rivals if not rival.told_apart)


def _rival(name: str, rounds: Rounds, best: Rounds, confidence: float) -> Rival:
    shared = [key for key in rounds if key in best]
    differences = [rounds[key] - best[key] for key in shared]
    if len(differences) < MIN_TRIALS:
        apart = float(np.mean(list(rounds.values())) - np.mean(list(best.values())))
        return Rival(name, float(np.exp(apart)), None, None, len(differences))
    centre = float(np.mean(differences))
    half = t_half_width(differences, confidence)
    assert half is not None  # two pairs or more
    ratio, lo, hi = (float(np.exp(value)) for value in (centre, centre - half, centre + half))
    return Rival(name, ratio, lo, hi, len(differences))


def against_best(candidates: Mapping[str, Rounds], confidence: float = CONFIDENCE) -> BestSet:
    """Compare every candidate with the one whose mean log location is smallest.

    candidates: name -> log location by (session, round), at least one candidate, each with at least one round.
    Raises ValueError otherwise.
    """
    if not candidates or not all(candidates.values()):
        raise ValueError("nothing to compare: every candidate needs at least one round")
    means = {name: float(np.mean(list(rounds.values()))) for name, rounds in candidates.items()}
    best = min(means, key=lambda name: (means[name], name))
    others = sorted((name for name in candidates if name != best), key=lambda name: (means[name], name))
    each = 1 - (1 - confidence) / max(1, len(others))
    rivals = tuple(_rival(name, candidates[name], candidates[best], each) for name in others)
    return BestSet(best, rivals, confidence)
