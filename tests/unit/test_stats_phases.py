"""Slow phases of a host, from the trials of all candidates together."""

import numpy as np
import pytest

from scripts.stats.phases import Moment, slow

SEED = 3


def _session(
    random: np.random.Generator,
    noise: float,
    phase: range = range(0),
    lift: float = 1.3,
    shape: tuple[int, int] = (8, 5),
) -> tuple[list[Moment], np.ndarray]:
    """Trials of candidates 2 ms to 1 s apart, in rounds of random order, and which of them ran in the phase."""
    candidates, rounds = shape
    usual = random.uniform(np.log(2), np.log(1000), candidates)
    order = np.concatenate([random.permutation(candidates) for _ in range(rounds)])
    truth = np.isin(np.arange(len(order)), phase)
    logs = usual[order] + random.normal(0, noise, len(order)) + np.log(lift) * truth
    return [
        Moment(f"c{c}", 1e9 + 10 * i, float(log)) for i, (c, log) in enumerate(zip(order, logs, strict=True))
    ], truth


@pytest.mark.parametrize("noise", [0.01, 0.03, 0.05])
@pytest.mark.parametrize("shape", [(8, 5), (20, 2), (2, 10), (13, 3)])
def test_noise_alone_is_no_phase(noise: float, shape: tuple[int, int]) -> None:
    random = np.random.default_rng(SEED)
    marked = [slow(_session(random, noise, shape=shape)[0]) for _ in range(100)]
    assert np.mean(np.concatenate(marked)) <= 0.01


@pytest.mark.parametrize("phase", [range(0, 8), range(13, 21), range(16, 24), range(32, 40)])
@pytest.mark.parametrize(("noise", "wrong"), [(0.01, 0.0), (0.03, 0.1), (0.05, 0.4)])
def test_a_phase_of_30_percent_is_found_nearly_exactly(phase: range, noise: float, wrong: float) -> None:
    """wrong: trials of 40 that are marked wrongly, on average."""
    random, errors = np.random.default_rng(SEED), 0
    for _ in range(50):
        moments, truth = _session(random, noise, phase)
        errors += int(np.sum(np.array(slow(moments)) != truth))
    assert errors / 50 <= wrong


def test_a_phase_of_more_than_half_of_the_trials_is_found() -> None:
    moments, truth = _session(np.random.default_rng(SEED), 0.01, range(8, 31))
    assert slow(moments) == truth.tolist()


def test_the_order_given_does_not_matter() -> None:
    random = np.random.default_rng(SEED)
    moments, truth = _session(random, 0.01, range(13, 21))
    order = random.permutation(len(moments))
    assert slow([moments[i] for i in order]) == truth[order].tolist()


def test_a_slow_stretch_of_one_candidate_alone_is_not_the_hosts() -> None:
    noise = np.random.default_rng(SEED).normal(0, 0.01, 24)
    moments = [Moment("a", i, noise[i] + (0.3 if 4 <= i < 9 else 0.0)) for i in range(18)]
    assert not any(slow([*moments, *(Moment("b", i, 1 + noise[i]) for i in range(18, 24))]))


def test_single_odd_trials_are_not_a_phase() -> None:
    moments, _ = _session(np.random.default_rng(SEED), 0.01)
    odd = [moment._replace(log_location=moment.log_location + 1.0 * (i % 9 == 4)) for i, moment in enumerate(moments)]
    assert not any(slow(odd))


def test_candidates_with_one_or_two_trials_break_nothing_and_share_the_phase() -> None:
    moments, truth = _session(np.random.default_rng(SEED), 0.01, range(16, 24))
    inside, outside = Moment("once", moments[19].started + 1, 9.0), Moment("later", moments[30].started + 1, 9.0)
    twice = [Moment("twice", moments[18].started + 1, 0.5 + np.log(1.3)), Moment("twice", moments[35].started + 1, 0.5)]
    found = slow([*moments, inside, outside, *twice])
    assert found[:40] == truth.tolist() and found[40:] == [True, False, True, False]


def test_too_few_trials_tell_nothing() -> None:
    assert slow([]) == []
    assert slow([Moment("a", 1.0, 0.0)]) == [False]
    assert slow([Moment(name, i, float(i)) for i, name in enumerate("abcdef")]) == [False] * 6
    assert slow([Moment("a", 1.0, 0.0), Moment("a", 2.0, 1.0)]) == [False, False]
