"""Multiple comparisons with the best: the promised confidence, and text and picture that agree."""

from collections.abc import Hashable, Sequence

import numpy as np
import pytest

from scripts.stats.best import Best, best

SEED, DRAWS = 11, 1000
NOISE = 0.012


def _rounds(logs: np.ndarray) -> dict[str, dict[Hashable, float]]:
    """logs: [candidates, rounds]; candidates are named by their number."""
    return {f"{i}": dict(enumerate(row)) for i, row in enumerate(logs)}


def _draw(
    random: np.random.Generator, truth: Sequence[float], noise: float | Sequence[float] = NOISE, rounds: int = 10
) -> Best:
    """Finals of candidates with true log locations `truth`, under a host whose phases of 20 % all share in a round."""
    scale = np.broadcast_to(noise, len(truth))[:, None]
    own = random.normal(0, 1, (len(truth), rounds)) * scale
    return best(_rounds(np.asarray(truth)[:, None] + own + random.normal(0, 0.2, rounds)))


@pytest.mark.parametrize(
    ("truth", "noise", "rounds"),
    [
        ([0.0, 1e-4], NOISE, 10),  # all but equal
        ([0.0, *[1e-4] * 9], NOISE, 10),
        ([0.0, *[1e-4] * 4], NOISE, 3),
        ([0.0, *[0.05] * 9], NOISE, 10),  # one clearly ahead: the least favourable case for intervals
        ([0.0, 0.01, 0.02, 0.05, 0.1, 0.3], [0.03, 0.01, 0.005, 0.1, 0.01, 0.05], 10),  # noise of their own
    ],
)
def test_the_best_is_a_leader_and_all_intervals_hold_together(
    truth: list[float], noise: float | list[float], rounds: int
) -> None:
    random, kept = np.random.default_rng(SEED), 0
    for _ in range(DRAWS):
        told = _draw(random, truth, noise, rounds)
        held = all(each.lo <= np.exp(truth[int(each.name)]) <= each.hi for each in told.standings)  # type: ignore[operator]
        kept += held and "0" in told.leaders
    assert kept / DRAWS >= 0.935  # 95 % less two standard deviations of 1,000 draws


def test_ten_identical_candidates_rarely_have_a_winner() -> None:
    random = np.random.default_rng(SEED)
    assert np.mean([_draw(random, [0.0] * 10).winner is not None for _ in range(DRAWS)]) <= 0.05


def test_five_percent_are_told_apart() -> None:
    random = np.random.default_rng(SEED)
    assert np.mean([_draw(random, [0.0, np.log(1.05)]).winner == "0" for _ in range(DRAWS)]) >= 0.99


@pytest.mark.parametrize("truth", [[0.0, 0.02, 0.03, 0.05], [0.0] * 4, [0.0, 0.3, 0.3, 0.3]])
def test_text_and_picture_agree(truth: list[float]) -> None:
    """A winner exactly when all others' intervals lie above 1; points lie in their intervals; leaders start at 1."""
    random, winners = np.random.default_rng(SEED), 0
    for _ in range(300):
        told = _draw(random, truth, [0.03, 0.005, 0.02, 0.002])
        first, *others = told.standings
        assert (told.winner is not None) == all(each.lo > 1 for each in others)  # type: ignore[operator]
        assert first.ratio == first.lo == 1 and first.may_be_best
        assert all(each.lo <= each.ratio <= each.hi for each in told.standings)  # type: ignore[operator]
        assert all(each.lo == 1 for each in told.standings if each.may_be_best)
        winners += told.winner is not None
    assert winners == 300 if min(truth[1:]) == 0.3 else winners < 300


def test_whoever_is_outside_is_slower_than_one_of_the_leaders() -> None:
    """Told apart only from one that is itself ruled out would be a text that no interval shows."""
    random, outside = np.random.default_rng(SEED), 0
    for _ in range(300):
        logs = np.array([[0.0], [0.02], [0.03], [0.06]]) + random.normal(0, 1, (4, 10)) * [
            [0.02],
            [0.03],
            [0.001],
            [0.05],
        ]
        candidates = _rounds(logs)
        told = best(candidates)
        for each in told.standings:
            if not each.may_be_best:
                outside += 1
                # The same critical value in a comparison of two: alpha / 3 for alpha in one of four.
                pairs = [best({n: candidates[n] for n in (each.name, leader)}, 1 - 0.05 / 3) for leader in told.leaders]
                assert any(pair.winner not in (None, each.name) for pair in pairs)
    assert outside > 300


def test_only_rounds_that_all_share_count() -> None:
    logs = _rounds(np.array([[0.0, 0.01, 0.02, 0.01, 0.0], [0.11, 0.10, 0.13, 0.11, 0.1]]))
    third: dict[Hashable, float] = {0: 0.2, 1: 0.21, 2: 0.22}
    assert best(logs).rounds == 5
    told = best({**logs, "2": third})
    assert told.rounds == 3 and {each.pairs for each in told.standings} == {3}


def test_fewer_than_three_shared_rounds_resolve_nothing() -> None:
    told = best({"a": {1: 0.0, 2: 0.001}, "b": {1: 1.0, 2: 1.001}})
    assert told.winner is None and told.leaders == ("a", "b")
    assert [(each.lo, each.hi, each.pairs) for each in told.standings] == [(None, None, 2)] * 2
    assert told.standings[1].ratio == pytest.approx(np.e)
    apart = best({"a": {("s1", 1): 0.0}, "b": {("s2", 1): 1.0}})
    assert apart.leaders == ("a", "b") and apart.standings[1].pairs == 0


def test_one_candidate_is_the_best_and_none_is_an_error() -> None:
    (alone,) = best({"a": {1: 0.3}}).standings
    assert alone == ("a", 1.0, 1.0, 1.0, True, 1) and best({"a": {1: 0.3}}).winner == "a"
    with pytest.raises(ValueError, match="nothing to compare"):
        best({})
    with pytest.raises(ValueError, match="at least one round"):
        best({"a": {1: 0.0}, "b": {}})


def test_the_same_numbers_twice_are_not_told_apart() -> None:
    logs = np.random.default_rng(SEED).normal(0, NOISE, 10)
    assert best(_rounds(np.stack([logs, logs]))).leaders == ("0", "1")
