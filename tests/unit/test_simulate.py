"""Proofs by simulation, in small: the full figures are those of `make trust`."""

import numpy as np
import pytest
from scipy import stats

from scripts.trust import simulate, synthetic
from scripts.trust.synthetic import Process


@pytest.mark.parametrize("distribution", synthetic.DISTRIBUTIONS)
@pytest.mark.parametrize("autocorrelation", synthetic.AUTOCORRELATIONS)
def test_synthetic_trials_are_what_they_claim_to_be(distribution: str, autocorrelation: float) -> None:
    rows = synthetic.stationary(np.random.default_rng(1), Process(10, distribution, autocorrelation), 400)
    assert rows.shape == (400, 10, synthetic.SAMPLES)
    levels = rows.mean(axis=2)
    assert rows.std() == pytest.approx(np.hypot(synthetic.BETWEEN, synthetic.WITHIN), rel=0.02)
    mean_of_autoregression = synthetic.WITHIN**2 * (1 + autocorrelation) / (1 - autocorrelation) / synthetic.SAMPLES
    assert levels.var() == pytest.approx(synthetic.BETWEEN**2 + mean_of_autoregression, rel=0.1)
    later = np.mean(rows[..., 1:] * rows[..., :-1]) - synthetic.BETWEEN**2
    assert later / synthetic.WITHIN**2 == pytest.approx(autocorrelation, abs=0.006)


def test_the_true_location_is_that_of_very_many_samples() -> None:
    random = np.random.default_rng(2)
    t5 = random.standard_t(5, 4_000_000) * np.sqrt(3 / 5) * synthetic.WITHIN
    assert synthetic.true_quantile(0.10, "t5") == pytest.approx(np.quantile(t5, 0.10), rel=0.003)
    assert synthetic.true_quantile(0.10, "lognormal") == pytest.approx(synthetic.WITHIN * stats.norm.ppf(0.10))
    assert synthetic.true_quantile(0.5, "t5") == pytest.approx(0, abs=1e-9)


def test_intervals_cover_in_every_cell() -> None:
    cells = simulate.coverage(draws=300, seed=4)
    assert [set(cell) for cell in cells] == [{"trials", "distribution", "autocorrelation", "coverage"}] * 12
    assert {(cell["trials"], cell["distribution"], cell["autocorrelation"]) for cell in cells} == {
        (trials, distribution, rho)
        for trials in (3, 5, 10)
        for distribution in ("lognormal", "t5")
        for rho in (0.0, 0.8)
    }
    # 95 % and three standard deviations of 300 draws; over all cells the band itself.
    assert all(0.91 <= cell["coverage"] <= 0.99 for cell in cells)
    assert 0.93 <= np.mean([cell["coverage"] for cell in cells]) <= 0.97


def test_coverage_would_show_an_interval_that_is_too_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = simulate.t_interval
    monkeypatch.setattr(simulate, "t_interval", lambda logs: honest(logs, 0.80))
    assert np.mean([cell["coverage"] for cell in simulate.coverage(draws=100, seed=4)]) < 0.90


def test_plants_are_called_and_stationary_rows_are_not() -> None:
    called = simulate.flags(draws=320, seed=5)
    assert set(called) == {"drifting", "bimodal", "false_alarm"}
    assert called["drifting"] >= 0.95 and called["bimodal"] >= 0.95 and called["false_alarm"] <= 0.05


def _real(random: np.random.Generator, same: float = 0.012) -> np.ndarray:
    """60 rounds of two trials under phases of 20 %."""
    return random.normal(0, 0.2, (60, 1)) + random.normal(0, same, (60, 2))


def test_identical_candidates_have_a_winner_in_at_most_5_percent() -> None:
    rounds = _real(np.random.default_rng(6))
    assert simulate.family_false_winner_rate(rounds, draws=300) <= 0.05
    of_two = simulate.family_false_winner_rate(rounds, draws=1000, candidates=2)
    assert 0.01 <= of_two <= 0.07  # here the level is used up, so a rate of nothing would mean a broken proof


def test_a_round_of_one_trial_proves_nothing() -> None:
    with pytest.raises(ValueError, match="round of one trial"):
        simulate.family_false_winner_rate(np.zeros((60, 1)))
