"""How much builds of one candidate differ, beside how much one build's trials do.

Trials lie in rounds, one of each build in a round, so that what the host does in a round it does to all: a two-way
layout, builds by rounds, one trial a cell. Between builds: the variance component of the mean squares; told apart by
the F test of builds over the residual (Scheffe, The Analysis of Variance, 1959, ch. 4; random builds).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats


class Spread(NamedTuple):
    """Of log times, as shares: 0.02 is 2 %. p_value: how likely so large a difference is if builds are alike.

    widest: the slowest build's mean over the fastest's, less one.
    """

    between: float
    within: float
    widest: float
    p_value: float


def spread(logs: NDArray[np.float64]) -> Spread:
    """The spread between builds and within one. logs: log times, shape [builds, rounds], both at least 2."""
    builds, rounds = logs.shape
    by_build, by_round, grand = logs.mean(1), logs.mean(0), logs.mean()
    residual = logs - by_build[:, None] - by_round[None, :] + grand
    within = float((residual**2).sum() / ((builds - 1) * (rounds - 1)))
    between = float(rounds * ((by_build - grand) ** 2).sum() / (builds - 1))
    ratio = between / within if within > 0 else np.inf if between > 0 else 0.0
    return Spread(
        between=float(np.sqrt(max(0.0, (between - within) / rounds))),
        within=float(np.sqrt(within)),
        widest=float(np.exp(by_build.max() - by_build.min()) - 1),
        p_value=float(stats.f.sf(ratio, builds - 1, (builds - 1) * (rounds - 1))),
    )
