"""Builds that differ are told apart from trials that vary; what the host does in a round is neither."""

import numpy as np
import pytest

from scripts.stats.builds import spread

RANDOM = np.random.default_rng(5)


def logs(between: float, within: float, rounds: float, shape: tuple[int, int] = (5, 8)) -> np.ndarray:
    """Log times of builds by rounds, with these standard deviations."""
    builds, count = shape
    build = RANDOM.normal(0, between, (builds, 1))
    host = RANDOM.normal(0, rounds, (1, count))
    return build + host + RANDOM.normal(0, within, shape)


def test_the_spread_of_builds_is_found_beside_a_host_that_changes() -> None:
    found = [spread(logs(0.03, 0.01, 0.2)) for _ in range(300)]
    assert np.mean([each.p_value < 0.05 for each in found]) > 0.95
    assert np.sqrt(np.mean([each.between**2 for each in found])) == pytest.approx(0.03, rel=0.12)
    assert np.sqrt(np.mean([each.within**2 for each in found])) == pytest.approx(0.01, rel=0.05)


def test_equal_builds_are_seldom_called_different() -> None:
    found = [spread(logs(0.0, 0.02, 0.2)) for _ in range(1000)]
    assert 0.03 < np.mean([each.p_value < 0.05 for each in found]) < 0.07


def test_the_widest_gap_is_a_ratio() -> None:
    assert spread(np.log([[1.0, 2.0], [1.1, 2.2]])).widest == pytest.approx(0.1)
