"""Intervals, quantiles and comparisons against known values and by simulation."""

import numpy as np
import pytest
from scipy import stats

from scripts.stats.comparison import against_best
from scripts.stats.intervals import log_location, t_half_width, t_interval
from scripts.stats.quantiles import quantile, samples_needed, supported

SEED = 7


def test_interval_is_students_t_on_logs() -> None:
    logs = np.log([5.0, 5.2, 5.1, 5.3, 4.9])
    interval = t_interval(list(logs))
    lo, hi = stats.t.interval(0.95, 4, loc=logs.mean(), scale=stats.sem(logs))
    assert interval.point == pytest.approx(np.exp(logs.mean()))
    assert (interval.lo, interval.hi) == pytest.approx((np.exp(lo), np.exp(hi)))


def test_one_trial_gives_a_point_and_no_interval() -> None:
    assert t_interval([np.log(5.0)]) == (pytest.approx(5.0), None, None)
    assert t_half_width([1.0]) is None


def test_nothing_to_go_by_is_an_error() -> None:
    with pytest.raises(ValueError, match="no trials"):
        t_interval([])
    with pytest.raises(ValueError, match="without samples"):
        log_location(np.array([]))
    with pytest.raises(ValueError, match="positive"):
        log_location(np.array([0.0, 0.0, 1.0]))


def test_location_is_the_median_unless_told_otherwise() -> None:
    samples = np.array([1.0, 2.0, 30.0])
    assert log_location(samples) == pytest.approx(np.log(2))
    assert log_location(samples, np.mean) == pytest.approx(np.log(11))


@pytest.mark.parametrize("autocorrelation", [0.0, 0.8])
def test_interval_covers_what_it_promises(autocorrelation: float) -> None:
    """2 % between trials, 5 % within, samples of one trial dependent or not: 95 % means 93 to 97 % of 2,000 draws."""
    random, covered, draws, trials, samples = np.random.default_rng(SEED), 0, 2000, 5, 60
    for _ in range(draws):
        within = _ar1(random, autocorrelation, (trials, samples)) * 0.05
        logs = random.normal(0, 0.02, (trials, 1)) + within
        interval = t_interval([log_location(np.exp(row)) for row in logs])
        assert interval.lo is not None and interval.hi is not None
        covered += interval.lo <= 1 <= interval.hi
    assert 0.93 <= covered / draws <= 0.97


def _ar1(random: np.random.Generator, rho: float, shape: tuple[int, int]) -> np.ndarray:
    """Standard normal samples, each row with autocorrelation `rho`."""
    noise = random.normal(0, np.sqrt(1 - rho**2), shape)
    noise[:, 0] /= np.sqrt(1 - rho**2)
    for column in range(1, shape[1]):
        noise[:, column] += rho * noise[:, column - 1]
    return noise


@pytest.mark.parametrize(("q", "needed"), [(0.90, 36), (0.99, 368), (0.999, 3688)])
def test_samples_needed_is_the_smallest_that_reaches_beyond_the_quantile(q: float, needed: int) -> None:
    assert samples_needed(q) == needed
    assert q**needed <= 0.025 < q ** (needed - 1)


def test_quantile_needs_samples_and_trials() -> None:
    random = np.random.default_rng(SEED)
    enough = [random.lognormal(size=74) for _ in range(5)]
    ordered = np.sort(np.concatenate(enough))
    assert quantile(0.99, enough) == ordered[366]  # the first with 99 % of 370 at or below it
    assert supported(0.99, [364, 1, 1, 1, 1])
    assert quantile(0.99, [*enough[:4], enough[4][:71]]) is None  # 367 samples
    assert quantile(0.99, [random.lognormal(size=1000) for _ in range(4)]) is None
    with pytest.raises(ValueError, match="between 0 and 1"):
        samples_needed(1.0)


def test_a_slow_trial_counts_as_much_as_a_fast_one_with_more_samples() -> None:
    """One trial in five ran in a slow phase of its host and got few samples: its requests are a fifth, not 2 %."""
    random = np.random.default_rng(SEED)
    trials = [random.lognormal(0, 0.05, 400) for _ in range(4)] + [random.lognormal(np.log(10), 0.05, 40)]
    p90, pooled = quantile(0.90, trials), np.quantile(np.concatenate(trials), 0.90)
    assert p90 == pytest.approx(10, rel=0.1) and pooled < 1.2


def _rounds(
    random: np.random.Generator, means: list[float], rounds: int = 5
) -> dict[str, dict[tuple[str, int], float]]:
    """Log locations with 1 % of noise of their own and a host phase of 20 % that all share within a round."""
    phase = random.normal(0, 0.2, rounds)
    return {
        f"c{i}": {("s", n): float(mean + phase[n] + random.normal(0, 0.01)) for n in range(rounds)}
        for i, mean in enumerate(means)
    }


def test_pairs_within_a_round_cancel_the_hosts_phase() -> None:
    compared = against_best(_rounds(np.random.default_rng(SEED), [0.0, np.log(1.2), np.log(4.0)]))
    assert compared.best == "c0"
    assert [rival.told_apart for rival in compared.rivals] == [True, True]
    near, far = compared.rivals
    assert near.ratio == pytest.approx(1.2, rel=0.03) and far.ratio == pytest.approx(4.0, rel=0.03)
    assert near.lo < 1.2 < near.hi  # type: ignore[operator]


def test_the_best_is_in_the_named_set_as_often_as_promised() -> None:
    """Eight candidates, the best ahead by less than the noise: it is called slower in at most 5 % of 1,000 draws."""
    random, draws = np.random.default_rng(SEED), 1000
    means = [-0.001] + [0.0] * 7
    excluded = 0
    for _ in range(draws):
        compared = against_best(_rounds(random, means))
        excluded += "c0" not in {compared.best, *(rival.name for rival in compared.tied)}
    assert excluded / draws <= 0.05


def test_trials_of_different_sessions_cannot_be_told_apart() -> None:
    compared = against_best(
        {"a": {("s1", n): 0.0 for n in range(5)}, "b": {("s2", n): 1.0 + n / 100 for n in range(5)}}
    )
    (rival,) = compared.tied
    assert (rival.name, rival.lo, rival.pairs) == ("b", None, 0)
    assert rival.ratio == pytest.approx(np.exp(1.02))


def test_only_shared_rounds_count() -> None:
    a = {("s", n): n / 1000 for n in range(5)}
    b = {("s", n): 1 + n / 1000 for n in (0, 1, 2)}
    (rival,) = against_best({"a": a, "b": b}).rivals
    assert rival.pairs == 3 and rival.told_apart


def test_one_candidate_has_no_rivals_and_none_is_an_error() -> None:
    assert against_best({"a": {("s", 1): 0.0}}).rivals == ()
    with pytest.raises(ValueError, match="nothing to compare"):
        against_best({})
    with pytest.raises(ValueError, match="at least one round"):
        against_best({"a": {("s", 1): 0.0}, "b": {}})
