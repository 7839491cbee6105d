"""Who is beaten in everything, and who is not."""

from typing import Any

from scripts.report.pareto import pareto

SAME = {
    "host": "here", "model": "m", "device": "cpu", "batch": 1, "image_size": 224, "mode": "latency", "threads": 2,
    "status": "ok", "gate": "pass", "weights": "package",
}  # fmt: skip


def row(ms: float, accuracy: float, size: float, **more: Any) -> dict[str, Any]:
    return SAME | {"p10_ms": ms, "top1_accuracy": accuracy, "artifact_bytes": size} | more


def front(*rows: dict[str, Any]) -> list[bool | None]:
    found = pareto({(i,): each for i, each in enumerate(rows)}, "p10")
    return [found.get((i,), {}).get("pareto") for i in range(len(rows))]


def test_who_is_worse_in_everything_is_off_the_front() -> None:
    assert front(row(5, 0.91, 18), row(2, 0.90, 5), row(6, 0.90, 18), row(2, 0.90, 5)) == [True, True, False, True]


def test_one_thing_better_is_enough() -> None:
    assert front(row(5, 0.91, 18), row(9, 0.88, 4)) == [True, True]


def test_who_cannot_win_beats_nobody() -> None:
    assert front(row(5, 0.91, 18), row(1, 0.95, 1, gate="fail"), row(1, 0.95, 1, status="degraded")) == [
        True,
        None,
        None,
    ]


def test_other_batches_and_hosts_are_other_questions() -> None:
    assert front(row(5, 0.91, 18), row(1, 0.95, 1, batch=8), row(1, 0.95, 1, host="there")) == [True, True, True]


def test_pruned_weights_are_held_against_the_whole_network() -> None:
    assert front(row(5, 0.91, 18, weights="package"), row(5, 0.88, 18, weights="package_magnitude50")) == [True, False]


def test_fine_tuned_weights_are_judged_by_other_photos_and_held_against_none_but_their_own() -> None:
    assert front(row(5, 0.91, 18), row(4, 0.95, 18, weights="package_finetuned")) == [True, True]


def test_in_throughput_mode_time_is_from_the_rate() -> None:
    fast = row(0, 0.9, 18, p10_ms=None, throughput_per_s=1000.0)
    slow = row(0, 0.9, 18, p10_ms=None, throughput_per_s=500.0)
    assert front(fast, slow) == [True, False]
