"""Synthetic trials, of which the truth is known.

A trial is `SAMPLES` latencies around 1 ms, as logarithms: a level of its own (2 % between trials), and noise within
the trial (5 %) that is normal or Student's t with 5 degrees of freedom and follows an autoregression of order 1.
Into such rows a drift or a second group can be planted.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize, signal, stats

from scripts.stats.intervals import Array

BETWEEN, WITHIN = 0.02, 0.05
SAMPLES = 300
DISTRIBUTIONS = ("lognormal", "t5")
AUTOCORRELATIONS = (0.0, 0.8)

DRIFT = {5: 1.25, 10: 1.12}
"""Last over first, by trials: with fewer trials only a larger drift stands out of 2 % between them."""
APART, IN_SLOWER = 1.30, 0.30
"""The slower of two groups over the faster, and its share."""

FREEDOM = 5
GRID = np.linspace(-8, 8, 8001)
NODES = 64


class Process(NamedTuple):
    """What makes the rows of one cell."""

    trials: int
    distribution: str
    autocorrelation: float


def stationary(random: np.random.Generator, process: Process, rows: int = 1) -> Array:
    """Log samples [rows, trials, SAMPLES] around 0."""
    shape = (rows, process.trials, SAMPLES)
    normal = _autoregression(random, _latent(process.distribution, process.autocorrelation), shape)
    made: Array = random.normal(0, BETWEEN, (*shape[:2], 1)) + WITHIN * _mapped(process.distribution, normal)
    return made


def true_quantile(q: float, distribution: str) -> float:
    """The q-quantile of the log samples of a trial whose level is 0."""
    return WITHIN * float(_mapped(distribution, stats.norm.ppf(q)))


def drift_across(random: np.random.Generator, process: Process) -> Array:
    """One row [trials, SAMPLES] whose trials rise, each the same ratio over the last."""
    levels = np.linspace(0, np.log(DRIFT[process.trials]), process.trials)
    row: Array = stationary(random, process)[0] + levels[:, None]
    return row


def drift_within(random: np.random.Generator, process: Process) -> Array:
    """One row [trials, SAMPLES] of which every trial rises."""
    row: Array = stationary(random, process)[0] + np.linspace(0, np.log(DRIFT[process.trials]), SAMPLES)
    return row


def groups_of_samples(random: np.random.Generator, process: Process) -> Array:
    """One row [trials, SAMPLES] of two groups; which one a sample is in follows an autoregression of its own."""
    state = _autoregression(random, process.autocorrelation, (process.trials, SAMPLES))
    row: Array = stationary(random, process)[0] + np.log(APART) * (state > stats.norm.ppf(1 - IN_SLOWER))
    return row


def groups_of_trials(random: np.random.Generator, process: Process) -> Array:
    """One row [trials, SAMPLES] with the slower group's share of whole trials in it, at random places."""
    slower = random.permutation(process.trials) < np.ceil(IN_SLOWER * process.trials)
    row: Array = stationary(random, process)[0] + np.log(APART) * slower[:, None]
    return row


def _autoregression(random: np.random.Generator, rho: float, shape: tuple[int, ...]) -> Array:
    """Standard normal numbers, with autocorrelation rho**lag along the last axis."""
    steps = random.normal(0, np.sqrt(1 - rho**2), shape)
    steps[..., 0] /= np.sqrt(1 - rho**2)
    return np.asarray(signal.lfilter([1.0], [1.0, -rho], steps, axis=-1), dtype=np.float64)


def _mapped(distribution: str, normal: Any) -> Array:
    """Standard normal numbers as logarithms of `distribution` with unit variance: of log-normal, they are that."""
    return np.asarray(normal if distribution == "lognormal" else np.interp(normal, GRID, _t_quantiles()))


@cache
def _t_quantiles() -> Array:
    """Student's t at the quantiles of the grid, from its tails, where its quantile function keeps its digits."""
    values = np.sign(GRID) * stats.t.isf(stats.norm.sf(np.abs(GRID)), FREEDOM)
    return np.asarray(values * np.sqrt((FREEDOM - 2) / FREEDOM), dtype=np.float64)


@cache
def _latent(distribution: str, autocorrelation: float) -> float:
    """The autocorrelation of normal numbers that is `autocorrelation` once they are mapped."""
    if autocorrelation == 0 or distribution == "lognormal":
        return autocorrelation
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    x, y = np.meshgrid(nodes, nodes)
    shares = np.outer(weights, weights) / weights.sum() ** 2

    def excess(rho: float) -> float:
        later = rho * x + np.sqrt(1 - rho**2) * y
        return float(np.sum(shares * _mapped(distribution, x) * _mapped(distribution, later))) - autocorrelation

    return float(optimize.brentq(excess, 0.0, 0.999))
