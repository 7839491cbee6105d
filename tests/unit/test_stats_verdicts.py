"""Verdicts on rows: what each says, and that noise alone, however dependent, is seldom called a drift or two groups."""

import numpy as np
import pytest

from scripts.stats.groups import between_trials, within_trials
from scripts.stats.intervals import Interval, log_location, t_interval
from scripts.stats.verdicts import Verdict, verdict
from scripts.trust import synthetic
from scripts.trust.synthetic import Process

SEED, ROWS, RESOLUTION = 5, 60, 0.05


def _trials(logs: np.ndarray) -> list[np.ndarray]:
    """Milliseconds around 2.4, from logs [trials, samples]."""
    return list(2.4 * np.exp(logs))


def _of_groups(percent: float) -> str:
    return f"Samples fall into two groups, 2.4 and 3.1 ms, {percent:.0f} % in the slower."


def _judge(logs: np.ndarray, resolution: float = RESOLUTION) -> Verdict:
    trials = _trials(logs)
    return verdict(trials, t_interval([log_location(samples) for samples in trials]), resolution)


def _row(trials: int = 5, between: float = 0.002, within: float = 0.01, samples: int = 300) -> np.ndarray:
    random = np.random.default_rng(SEED)
    return random.normal(0, between, (trials, 1)) + random.normal(0, within, (trials, samples))


def test_a_quiet_row_is_stable() -> None:
    told = _judge(_row())
    assert told.name == "stable"
    assert told.sentence.startswith("The interval over 5 trials is 0.") and "no drift" in told.sentence


def test_a_wide_interval_is_unresolved_and_says_how_wide() -> None:
    told = verdict(_trials(_row()), Interval(2.4, 2.292, 2.508), RESOLUTION)
    assert told.name == "unresolved"
    assert told.sentence == "The interval over 5 trials is 9 % wide, more than 5 %; more trials would narrow it."
    assert verdict(_trials(_row()), Interval(2.4, 2.292, 2.508), 0.10).name == "stable"


def test_one_trial_is_unresolved_and_none_is_an_error() -> None:
    told = _judge(_row(trials=1))
    assert told.name == "unresolved" and "One trial" in told.sentence
    with pytest.raises(ValueError, match="no trials"):
        verdict([], Interval(1.0, None, None), RESOLUTION)


def test_a_drift_across_the_row_is_told_with_its_size_and_direction() -> None:
    rise = np.linspace(0, np.log(1.2), 5)[:, None]
    row = _row(between=0.0002, within=0.002)
    assert _judge(row + rise) == ("drifting", "Trial medians rose by 20 % from the first to the last of 5 trials.")
    assert _judge(row - rise).sentence.startswith("Trial medians fell by 17 %")


def test_a_drift_within_trials_is_told() -> None:
    told = _judge(_row() + np.linspace(0, np.log(1.20), 300))
    assert told.name == "drifting"
    assert told.sentence == "Within trials, the median rose by 13 % from the first third of the samples to the last."


def test_a_drift_smaller_than_the_resolution_does_not_count() -> None:
    drift = np.linspace(0, np.log(1.03), 10)[:, None] + np.linspace(0, np.log(1.03), 300)
    row = _row(trials=10, between=0.0005) + drift
    assert _judge(row).name == "stable"
    assert _judge(row, resolution=0.02).name == "drifting"


def test_two_groups_of_samples_are_told_with_their_centres_and_share() -> None:
    slower = np.random.default_rng(SEED).random((5, 300)) < 0.4
    told = _judge(_row(between=0.0002) + np.log(3.1 / 2.4) * slower)
    assert told.name == "bimodal"
    assert told.sentence == _of_groups(100 * slower.mean())


def test_a_change_for_good_from_one_group_to_the_other_is_told_as_a_drift() -> None:
    change = np.log(3.1 / 2.4) * (np.arange(300) >= 180)
    moved = "ithin trials, the median rose by 29 % from the first third of the samples to the last."
    assert _judge(_row(between=0.0002) + change) == ("drifting", f"W{moved}")
    # With more noise samples come and go around both centres, so that two groups are told, and the drift beside them.
    told = _judge(_row(between=0.0002, within=0.04) + change)
    assert told.name == "bimodal" and "40 % in the slower, and within trials, the median rose by" in told.sentence


def test_two_groups_of_trials_are_told() -> None:
    slower = np.array([0, 1, 0, 0, 1, 0, 0, 1, 0, 0])[:, None]
    told = _judge(_row(trials=10) + np.log(3.1 / 2.4) * slower)
    assert told == ("bimodal", "Trials fall into two groups, 2.4 and 3.1 ms, 3 of 10 in the slower.")


def test_groups_closer_than_ten_percent_or_of_fewer_than_a_tenth_do_not_count() -> None:
    random = np.random.default_rng(SEED)
    close = _row(within=0.005) + np.log(1.08) * (random.random((5, 300)) < 0.4)
    rare = _row() + np.log(1.5) * (random.random((5, 300)) < 0.06)
    assert within_trials(_trials(close)) is None and within_trials(_trials(rare)) is None
    assert between_trials([0, 0.001, 0.08, 0.081, 0.002, 0.001]) is None
    assert between_trials([0, 0.001, 0.2, 0.201, 0.002, 0.001]) is not None


def test_a_shallow_valley_is_no_gap_however_many_samples_show_it() -> None:
    random = np.random.default_rng(SEED)
    noise, slower = random.normal(0, 0.1, (20, 500)), random.random((20, 500)) < 0.5
    assert within_trials(_trials(noise + 0.3 * slower)) is None
    assert within_trials(_trials(noise + 0.5 * slower)) is not None


def test_one_odd_trial_is_no_group() -> None:
    assert between_trials([0, 0.001, 0.002, 0.001, 0.5]) is None
    assert _judge(_row() + np.array([0, 0, 0.3, 0, 0])[:, None]).name == "unresolved"


@pytest.mark.parametrize("shape", ["tail", "uniform", "spikes"])
def test_a_single_peak_of_any_shape_is_not_two_groups(shape: str) -> None:
    random = np.random.default_rng(SEED)
    for _ in range(20):
        row = {
            "tail": lambda: random.exponential(0.3, (5, 300)),
            "uniform": lambda: random.uniform(0, 0.5, (5, 300)),
            "spikes": lambda: random.normal(0, 0.02, (5, 300)) + np.log(8) * (random.random((5, 300)) < 0.05),
        }[shape]()
        assert within_trials(list(np.exp(row))) is None


@pytest.mark.parametrize("autocorrelation", synthetic.AUTOCORRELATIONS)
@pytest.mark.parametrize("distribution", synthetic.DISTRIBUTIONS)
@pytest.mark.parametrize("trials", [5, 10])
def test_dependent_samples_of_a_noisy_host_are_seldom_called_a_drift_or_two_groups(
    trials: int, distribution: str, autocorrelation: float
) -> None:
    """8 % between trials and 20 % within: everything is large enough to count, nothing is there."""
    random, called = np.random.default_rng(SEED), 0
    for rows in 4 * synthetic.stationary(random, Process(trials, distribution, autocorrelation), ROWS):
        called += _judge(rows).name in ("drifting", "bimodal")
    assert called / ROWS <= 0.12  # 5 % and 2.5 standard deviations of 60 rows


def test_few_samples_are_judged_without_inventing() -> None:
    random = np.random.default_rng(SEED)
    names = {_judge(random.normal(0, 0.2, (trials, 8))).name for trials in (2, 3, 5) for _ in range(30)}
    assert "bimodal" not in names


def test_equal_samples_are_stable() -> None:
    assert _judge(np.zeros((5, 50))).name == "stable"
