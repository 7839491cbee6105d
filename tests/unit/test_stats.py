"""Intervals, quantiles and comparisons against known values and by simulation."""

import numpy as np
import pytest
from scipy import stats

from scripts.stats.comparison import equivalent, paired_ratio, unpaired_ratio
from scripts.stats.intervals import LOCATIONS, Interval, log_location, share_interval, t_half_width, t_interval
from scripts.stats.quantiles import quantile, quantile_interval, samples_needed, supported

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


def test_the_fast_location_is_the_10th_percentile_and_slow_requests_do_not_move_it() -> None:
    samples = np.linspace(1.0, 2.0, 101)
    disturbed = np.where(samples > 1.5, 10 * samples, samples)
    assert LOCATIONS["p10"](samples) == LOCATIONS["p10"](disturbed) == pytest.approx(1.1)
    assert log_location(samples, LOCATIONS["p10"]) == pytest.approx(np.log(1.1))
    assert LOCATIONS["median"](samples) == pytest.approx(1.5)


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


def _requests(random: np.random.Generator, trials: int, autocorrelation: float, samples: int = 300) -> list[np.ndarray]:
    """Trials of samples around 1: 2 % between trials, 5 % within."""
    within = _ar1(random, autocorrelation, (trials, samples)) * 0.05
    return list(np.exp(random.normal(0, 0.02, (trials, 1)) + within))


@pytest.mark.parametrize("autocorrelation", [0.0, 0.8])
def test_an_interval_of_p90_covers_about_what_it_promises(autocorrelation: float) -> None:
    random, draws = np.random.default_rng(SEED), 200
    truth = np.exp(np.hypot(0.02, 0.05) * stats.norm.ppf(0.90))
    given = [quantile_interval(0.90, _requests(random, 10, autocorrelation)) for _ in range(draws)]
    bounds = np.array([interval for interval in given if interval])
    assert len(bounds) > 0.95 * draws
    assert 0.92 <= np.mean((bounds[:, 0] <= truth) & (truth <= bounds[:, 1])) <= 0.995


def test_an_interval_of_a_quantile_holds_its_point_and_ends_at_samples() -> None:
    trials = _requests(np.random.default_rng(SEED), 10, 0.0)
    interval, point = quantile_interval(0.90, trials), quantile(0.90, trials)
    assert interval is not None and point is not None
    assert interval[0] < point < interval[1] and set(interval) <= set(np.concatenate(trials))


def test_no_interval_of_a_quantile_below_ten_trials_or_beyond_the_largest_sample() -> None:
    random = np.random.default_rng(SEED)
    trials = _requests(random, 10, 0.0)
    assert quantile_interval(0.90, trials[:9]) is None
    assert quantile_interval(0.999, trials) is None  # 3,000 samples: no point either
    few = _requests(random, 10, 0.0, samples=37)
    assert quantile(0.99, few) is not None
    assert quantile_interval(0.99, few) is None  # of 370 samples, four lie above: the bound may lie beyond them all


def test_a_ratio_of_pairs_is_free_of_what_the_host_did_to_the_round() -> None:
    host = {n: 0.3 * (n % 3) for n in range(10)}
    noise = dict(enumerate(np.random.default_rng(SEED).normal(0, 0.01, 10)))
    old, new = host, {n: host[n] + np.log(1.1) + noise[n] for n in range(10)} | {99: 5.0}
    paired, apart = paired_ratio(new, old), unpaired_ratio(list(new.values()), list(old.values()))
    assert paired.lo is not None and paired.hi is not None and 1.08 < paired.lo < 1.1 < paired.hi < 1.12
    assert apart.lo is not None and apart.lo < 1  # the same trials, not paired


def test_a_ratio_without_pairs_is_an_error_and_of_one_pair_a_point() -> None:
    assert paired_ratio({1: 0.5, 2: 0.1}, {1: 0.0}) == (pytest.approx(np.exp(0.5)), None, None)
    with pytest.raises(ValueError, match="no round"):
        paired_ratio({1: 0.5}, {2: 0.0})


def test_an_unpaired_ratio_is_welchs() -> None:
    random = np.random.default_rng(SEED)
    new, old = random.normal(0.1, 0.01, 5), random.normal(0.0, 0.10, 8)
    expected = stats.ttest_ind(new, old, equal_var=False).confidence_interval(0.95)
    assert unpaired_ratio(list(new), list(old))[1:] == pytest.approx((np.exp(expected.low), np.exp(expected.high)))
    assert unpaired_ratio([0.1], [0.0, 0.1]) == (pytest.approx(np.exp(0.05)), None, None)
    assert unpaired_ratio([0.1, 0.1], [0.0, 0.0]) == pytest.approx((np.exp(0.1),) * 3)
    with pytest.raises(ValueError, match="no trials"):
        unpaired_ratio([], [0.0])


def test_two_are_equivalent_only_if_the_whole_interval_lies_inside_the_bounds() -> None:
    assert equivalent(Interval(1.0, 0.99, 1.01), 0.99, 1.01)
    assert not equivalent(Interval(1.0, 0.98, 1.005), 0.99, 1.01)
    assert not equivalent(Interval(1.0, 0.995, 1.02), 0.99, 1.01)
    assert not equivalent(Interval(1.0, None, None), 0.99, 1.01)


@pytest.mark.parametrize(("right", "ends"), [(5, (0.4365, 0.9699)), (6, (0.6097, 1.0))])
def test_the_interval_of_a_share_is_wilsons(right: int, ends: tuple[float, float]) -> None:
    assert share_interval(right, 6) == pytest.approx(ends, abs=1e-4)
