"""Proof by simulation: trials of which the truth is known go through the statistics that the report uses.

Where samples fall is the only thing that is made up (`synthetic`; for the finals, real rounds of one artifact):
intervals, verdicts and the choice of a winner are the functions of `scripts.stats`.
"""

from collections.abc import Callable, Hashable
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from scripts.stats.best import best
from scripts.stats.intervals import FAST, LOCATIONS, Array, fast, log_location, t_interval
from scripts.stats.verdicts import verdict
from scripts.trust import synthetic
from scripts.trust.synthetic import AUTOCORRELATIONS, DISTRIBUTIONS, Process

TRIALS = (3, 5, 10)
QUANTILES = {"p10": FAST, "median": 0.5}
RESOLUTION = 0.05
BATCH = 100
"""Rows made at once: enough to be quick, few enough for 3 MB."""

Cell = dict[str, Any]


class Kind(NamedTuple):
    """Rows of one kind: what is planted in them and where, with how many trials, and how one row of logs is made."""

    planted: str
    where: str
    trials: tuple[int, ...]
    row: Callable[[np.random.Generator, Process], Array]


CALLED = {"drifting": ("drifting",), "bimodal": ("bimodal",), "false_alarm": ("drifting", "bimodal")}
"""The verdicts that are counted for each answer of `flags`."""
KINDS = (
    Kind("drifting", "across the row", (5, 10), synthetic.drift_across),
    Kind("drifting", "within trials", (5, 10), synthetic.drift_within),
    Kind("bimodal", "within trials", (5, 10), synthetic.groups_of_samples),
    Kind("bimodal", "between trials", (10,), synthetic.groups_of_trials),  # of 5 trials, two may be apart by chance
    Kind("false_alarm", "nowhere", (5, 10), lambda random, process: synthetic.stationary(random, process)[0]),
)


def coverage(draws: int = 2000, seed: int = 1, location: str = "p10") -> list[Cell]:
    """How often the 95 % interval of a row's location holds the true one.

    The true one is exact: the 10th percentile (or median) of the noise, as levels are 0 on average.
    Returns trials, distribution, autocorrelation and coverage (a share of `draws`) of each of 12 cells.
    """
    random = np.random.default_rng(seed)
    return [
        process._asdict() | {"coverage": _covered(random, process, draws, location)}
        for process in map(Process._make, product(TRIALS, DISTRIBUTIONS, AUTOCORRELATIONS))
    ]


def _covered(random: np.random.Generator, process: Process, draws: int, location: str) -> float:
    truth, held = float(np.exp(synthetic.true_quantile(QUANTILES[location], process.distribution))), 0
    for done in range(0, draws, BATCH):
        for row in np.exp(synthetic.stationary(random, process, min(BATCH, draws - done))):
            interval = t_interval([log_location(samples, LOCATIONS[location]) for samples in row])
            held += interval.lo is not None and interval.hi is not None and interval.lo <= truth <= interval.hi
    return held / draws


def flags(draws: int = 2000, seed: int = 2) -> dict[str, float]:
    """How often planted drifts and groups are called so, and how often stationary trials are called either.

    Shares over the cells of `flag_cells`.
    """
    cells = flag_cells(draws, seed)
    return {name: float(np.mean([cell["called"] for cell in cells if cell["planted"] == name])) for name in CALLED}


def flag_cells(draws: int = 2000, seed: int = 2) -> list[Cell]:
    """The share of rows that are called what is planted in them; of stationary rows, the share of false alarms.

    One cell for each kind of row, number of trials, distribution and autocorrelation. The cells that belong to one
    answer of `flags` share `draws` rows, rounded up to the same number in each.
    """
    random = np.random.default_rng(seed)
    cells = [
        (kind, Process(*process)) for kind in KINDS for process in product(kind.trials, DISTRIBUTIONS, AUTOCORRELATIONS)
    ]
    sharing = {name: sum(kind.planted == name for kind, _ in cells) for name in CALLED}
    return [
        {"planted": kind.planted, "where": kind.where}
        | process._asdict()
        | {"called": _called(random, kind, process, -(-draws // sharing[kind.planted]))}
        for kind, process in cells
    ]


def _called(random: np.random.Generator, kind: Kind, process: Process, rows: int) -> float:
    return float(np.mean([_verdict(kind.row(random, process)) in CALLED[kind.planted] for _ in range(rows)]))


def _verdict(logs: Array) -> str:
    """The verdict on one row; logs: [trials, samples]."""
    trials = list(np.exp(logs))
    return verdict(trials, t_interval([log_location(samples, fast) for samples in trials]), RESOLUTION).name


def family_false_winner_rate(
    rounds: Array, draws: int = 2000, seed: int = 3, candidates: int = 10, finals_rounds: int = 10
) -> float:
    """The share of finals among identical candidates that name a winner.

    rounds: [rounds, trials per round] of real log locations of one artifact, two or more trials per round, else
    ValueError. A draw takes whole rounds, each with what the host did then, and gives every candidate one of that
    round's deviations from its mean, with replacement (widened, as the mean took its share of them).
    """
    count, trials = rounds.shape
    if trials < 2:
        raise ValueError("a round of one trial does not show how trials of the same round differ")
    random, named = np.random.default_rng(seed), 0
    means = rounds.mean(axis=1)
    deviations = (rounds - means[:, None]) * np.sqrt(trials / (trials - 1))
    for _ in range(draws):
        chosen = random.integers(count, size=finals_rounds)
        logs = means[chosen] + deviations[chosen, random.integers(trials, size=(candidates, finals_rounds))]
        entered: dict[str, dict[Hashable, float]] = {f"{i}": dict(enumerate(row)) for i, row in enumerate(logs)}
        named += best(entered).winner is not None
    return named / draws
