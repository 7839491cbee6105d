"""The proofs' figures: what equal candidates, a planted slow-down and a slower host look like to them."""

import numpy as np

from scripts.stats.best import best
from scripts.trust.judge import differences, noise_in_round_pct, noise_pct, power, sampler

ROUNDS, LENGTH, DRAWS = 60, 10, 200


def logs(seed: int, mean: float = 0.0, noise: float = 0.012) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, noise, ROUNDS)


def test_the_noise_is_that_between_processes() -> None:
    assert 1.0 < noise_pct(logs(1), logs(2)) < 1.4


def test_what_drifts_from_round_to_round_is_no_noise_within_one() -> None:
    drift = np.linspace(0, 0.2, ROUNDS)
    a, b = logs(1) + drift, logs(2) + drift
    assert noise_pct(a, b) > 5 and 1.0 < noise_in_round_pct(a, b) < 1.4


def test_equal_candidates_are_seldom_told_apart_and_a_biased_one_is() -> None:
    rng = np.random.default_rng(3)
    assert differences(logs(1), logs(2), LENGTH, DRAWS, rng) <= 30
    # What a comparison without swapped labels would call a difference is none with them.
    assert differences(logs(1), logs(2, mean=0.05), LENGTH, DRAWS, rng) <= 30
    assert power(logs(1), logs(2, mean=0.05), LENGTH, DRAWS, rng) > 0.95


def test_power_needs_the_right_one_to_win() -> None:
    assert power(logs(1, mean=0.10), logs(2), LENGTH, DRAWS, np.random.default_rng(4)) == 0


def test_watching_that_costs_two_percent_is_seen() -> None:
    found = sampler(logs(1, mean=0.02), logs(2))
    assert found["lo"] > 1.01


def test_a_host_that_slowed_between_two_sessions_names_no_winner() -> None:
    """One candidate was measured again on a host that had become 10 % slower; it shares no round with the other."""
    before = {("monday", n): value for n, value in enumerate(logs(1)[:5].tolist())}
    after = {("tuesday", n): value for n, value in enumerate(logs(2, mean=0.0953)[:5].tolist())}
    told = best({"unchanged": before, "edited": after})
    assert told.winner is None and set(told.leaders) == {"unchanged", "edited"}
    # In the finals both are measured on the slower host.
    again = {name: {("finals", n): v for n, v in enumerate(logs(s, mean=0.0953)[:10].tolist())} for name, s in
             (("unchanged", 5), ("edited", 6))}  # fmt: skip
    assert best(again).winner is None
