"""When the host was slow, told from the trials of all candidates together.

A shared host has phases of minutes in which everything takes longer. They hit whichever trials run then, so
each trial is held against what is usual for its own candidate, and what all candidates do at the same time is the
host's doing. Nothing is dropped: rows and pairs keep their slow trials, and are marked.

The rule, in the order of time:

1. usual(candidate) is at first the lower quartile of its log locations (a phase adds time, never saves any, and may
   hold half of the trials), and in a second pass the median of those outside the phases found in the first.
2. noise is 1.4826 * MAD of the differences of successive excesses over usual, over sqrt(2): a phase changes only
   those at its two ends.
3. Excesses are smoothed by running medians of three (Tukey, Exploratory Data Analysis, 1977), which drop a single
   odd trial and keep the edges of a phase where they are.
4. A phase is a run of at least `MIN_RUN` trials of at least two candidates whose smoothed excess is above both `LIFT`
   and `NOISES` times the noise.

By simulation: normal noise of 1 to 5 % marks at most 0.3 % of trials; of a phase of +30 % over 8 of 40 trials (8
candidates, 5 rounds) all trials and no others are marked in 99 % at 1 %, 97 % at 3 % and 87 % at 5 % of noise, and
otherwise one or two trials at its ends are wrong. A candidate that has only trials in the phase cannot show it.
"""

from collections.abc import Hashable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scripts.stats.intervals import Array

MIN_RUN = 3
MIN_CANDIDATES = 2
LIFT = float(np.log(1.05))
"""A phase is slower than usual by at least this much: less is below what a row is asked to resolve."""
NOISES = 3.0
MAD_TO_SD = 1.4826
QUARTILE = 0.25
PASSES = 3

Flags = NDArray[np.bool_]


class Moment(NamedTuple):
    """One trial: whose it is, when it started (seconds since the epoch), and the log of its location."""

    candidate: Hashable
    started: float
    log_location: float


def slow(moments: Sequence[Moment]) -> list[bool]:
    """For each trial, in the order given, whether the host was in a slow phase.

    moments: the trials of one session, in any order. The only trial of its candidate says nothing of the host; it
    is in a phase if it ran within one.
    """
    order = sorted(range(len(moments)), key=lambda i: moments[i].started)
    timed = [moments[i] for i in order]
    marked = np.zeros(len(timed), dtype=bool)
    for _ in range(PASSES):
        marked = _phases(timed, _usual(timed, marked))
    found = [False] * len(moments)
    for i, flag in zip(order, marked, strict=True):
        found[i] = bool(flag)
    return found


def _usual(timed: Sequence[Moment], marked: Flags) -> dict[Hashable, float | None]:
    """The usual log location of each candidate; None where a single trial leaves nothing to hold it against."""
    usual: dict[Hashable, float | None] = {}
    for candidate in {moment.candidate for moment in timed}:
        own = [i for i, moment in enumerate(timed) if moment.candidate == candidate]
        outside = [timed[i].log_location for i in own if not marked[i]]
        if len(own) < 2:
            usual[candidate] = None
        elif outside and marked.any():
            usual[candidate] = float(np.median(outside))
        else:
            usual[candidate] = float(np.quantile([timed[i].log_location for i in own], QUARTILE))
    return usual


def _phases(timed: Sequence[Moment], usual: dict[Hashable, float | None]) -> Flags:
    """Whether each trial lies in a phase; timed: in the order of time."""
    marked = np.zeros(len(timed), dtype=bool)
    centres = [usual[moment.candidate] for moment in timed]
    told = [i for i, centre in enumerate(centres) if centre is not None]
    if len(told) < MIN_RUN:
        return marked
    excess = np.array([timed[i].log_location - centre for i in told if (centre := centres[i]) is not None])
    high = _smooth(excess) > max(LIFT, NOISES * _noise(excess))
    for first, last in _runs(high):
        inside = told[first : last + 1]
        if len(inside) >= MIN_RUN and len({timed[i].candidate for i in inside}) >= MIN_CANDIDATES:
            marked[inside[0] : inside[-1] + 1] = True
    return marked


def _noise(excess: Array) -> float:
    """The standard deviation of an excess, phases apart."""
    steps = np.diff(excess)
    return float(MAD_TO_SD * np.median(np.abs(steps - np.median(steps))) / np.sqrt(2))


def _smooth(excess: Array) -> Array:
    """Running medians of three; the ends are their own neighbours."""
    padded = np.concatenate([excess[:1], excess, excess[-1:]])
    smoothed: Array = np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0)
    return smoothed


def _runs(high: Flags) -> Iterator[tuple[int, int]]:
    """First and last index of each run of true values."""
    for value, group in groupby(range(len(high)), key=lambda i: bool(high[i])):
        indices = list(group)
        if value:
            yield indices[0], indices[-1]
