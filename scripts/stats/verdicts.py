"""What kind of data a row has: stable, drifting, bimodal or unresolved, each in a sentence.

In order of gravity, the first that holds:

bimodal     Samples (or whole trials) fall into two groups at least 10 % apart, with at least a tenth in each and a
            valley between: no single number describes them. See `groups`. A drift beside them is told as well, since
            times may have changed from one group to the other for good.
drifting    Times rise or fall by at least the resolution, across the row from its first trial to its last, or within
            its trials from their first third to their last: another day, or a longer run, would give another number.
unresolved  The interval is missing, or wider than the resolution.
stable      None of these was found.

The unit of a drift is the trial, whose samples are autocorrelated: the slope of log medians on the order of trials, or
one change per trial, each judged by Student's t over trials. Whatever the autocorrelation, the chances of a false alarm
are those of the two levels below together, 4 %, and half a per cent for groups of trials.

A trend over few trials is hard to tell from noise between them. With 2 % between trials, a drift across the row of
20 % is found in 94 to 97 % of rows of 5 trials; one of 10 % in half of those, and in 93 to 98 % of rows of 10 trials.
Two groups 30 % apart with 30 % in the slower are found in all. `scripts.trust.simulate` repeats such proofs.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from scripts.stats.groups import between_trials, within_trials
from scripts.stats.intervals import Array, Interval, log_location, t_half_width

ACROSS, WITHIN = 0.03, 0.01
"""Levels of the two tests for a drift."""
MIN_TRIALS = 3
ENOUGH_TRIALS = 5
"""From here on a trend across the row has a fair chance to be seen."""
MIN_SAMPLES = 12
"""A third of a trial's samples needs four to have a median worth the name."""


class Verdict(NamedTuple):
    """stable, drifting, bimodal or unresolved, and why, in one plain sentence with numbers."""

    name: str
    sentence: str


def verdict(trials: Sequence[Array], interval: Interval, resolution: float) -> Verdict:
    """Judge one row.

    trials: one array [samples] of latencies in ms per trial, in the order of time; at least one, none empty (else
    ValueError). interval: the row's, in ms. resolution: the widest interval that still resolves something, and the
    smallest drift that counts, as a share (0.05).
    """
    if not len(trials):
        raise ValueError("no trials, so there is nothing to judge")
    medians = [log_location(samples) for samples in trials]
    groups, drift = _groups(trials, medians), _across(medians, resolution) or _within(trials, resolution)
    if groups:
        return Verdict("bimodal", _sentence(f"{groups}, and {drift}" if drift else groups))
    if drift:
        return Verdict("drifting", _sentence(drift))
    if wide := _width(len(trials), interval, resolution):
        return Verdict("unresolved", _sentence(wide))
    return Verdict("stable", _sentence(_agreed(len(trials), interval)))


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def _groups(trials: Sequence[Array], medians: Sequence[float]) -> str | None:
    if found := within_trials(trials):
        fast, slow, share = found
        return f"samples fall into two groups, {_ms(fast)} and {_ms(slow)} ms, {_percent(share)} in the slower"
    if found := between_trials(medians):
        fast, slow, share = found
        count = round(share * len(medians))
        return f"trials fall into two groups, {_ms(fast)} and {_ms(slow)} ms, {count} of {len(medians)} in the slower"
    return None


def _across(medians: Sequence[float], resolution: float) -> str | None:
    count = len(medians)
    if count < MIN_TRIALS:
        return None
    fit = stats.linregress(np.arange(count), medians)
    change = float(fit.slope) * (count - 1)
    if not (fit.pvalue < ACROSS and _large(change, resolution)):
        return None
    return f"trial medians {_moved(change)} from the first to the last of {count} trials"


def _within(trials: Sequence[Array], resolution: float) -> str | None:
    if len(trials) < MIN_TRIALS or min(len(samples) for samples in trials) < MIN_SAMPLES:
        return None
    changes = [_change(samples) for samples in trials]
    change = float(np.mean(changes))
    half = t_half_width(changes, 1 - WITHIN)
    if half is None or abs(change) <= half or not _large(change, resolution):
        return None
    return f"within trials, the median {_moved(change)} from the first third of the samples to the last"


def _change(samples: Array) -> float:
    third = len(samples) // 3
    return log_location(samples[-third:]) - log_location(samples[:third])


def _large(change: float, resolution: float) -> bool:
    """Whether a log ratio is as far from none as the resolution, up or down."""
    return abs(change) >= float(np.log1p(resolution))


def _moved(change: float) -> str:
    return f"{'rose' if change > 0 else 'fell'} by {_percent(abs(float(np.expm1(change))))}"


def _ms(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"


def width(interval: Interval) -> float | None:
    """The whole width of an interval as a share of its point; None where it has no bounds."""
    if interval.lo is None or interval.hi is None:
        return None
    return (interval.hi - interval.lo) / interval.point


def _width(count: int, interval: Interval, resolution: float) -> str | None:
    wide = width(interval)
    if wide is None:
        return "one trial shows no spread, so there is no interval; more trials would give one"
    if wide <= resolution:
        return None
    return (
        f"the interval over {count} trials is {_percent(wide)} wide, more than {_percent(resolution)};"
        " more trials would narrow it"
    )


def _agreed(count: int, interval: Interval) -> str:
    wide = width(interval)
    assert wide is not None  # otherwise unresolved
    if count < ENOUGH_TRIALS:
        return f"the interval over {count} trials is {_percent(wide)} wide; so few trials show only a strong drift"
    return f"the interval over {count} trials is {_percent(wide)} wide; no drift and no second group were found"
