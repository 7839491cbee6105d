"""The batch from which on a larger one hardly pays, and memory that does not suffice for one."""

from typing import Any

import pytest

from scripts.report.check import failed
from scripts.report.columns import frame
from scripts.report.saturation import enough, saturation

ROW: dict[str, Any] = {
    "host": "here", "model": "m", "weights": "untrained", "runtime": "tensorrt", "precision": "fp16",
    "variant": "default", "device": "cuda:0", "image_size": 224, "mode": "latency", "threads": 2, "status": "ok",
}  # fmt: skip


@pytest.mark.parametrize(
    ("rates", "batch"),
    [
        ([(1, 100.0), (2, 190.0), (4, 199.0), (8, 195.0)], 2),
        ([(1, 100.0), (2, 106.0), (4, 112.0)], None),
        # One batch was disturbed, or is slow: throughput has not stopped growing there.
        ([(16, 3910.0), (32, 6277.0), (64, 6242.0), (128, 7476.0), (256, 9085.0)], None),
        ([(1, 100.0), (2, 104.0), (4, 108.0)], 2),
        ([(1, 100.0)], None),
        ([(1, 100.0), (2, 80.0)], 1),
        ([(1, 100.0), (2, 105.0)], None),
    ],
)
def test_the_first_batch_over_which_no_larger_one_gains_5_percent(
    rates: list[tuple[int, float]], batch: int | None
) -> None:
    assert enough(rates) == batch


def row(batch: int, rate: float | None, **more: Any) -> dict[str, Any]:
    return ROW | {"batch": batch, "throughput_per_s": rate} | more


def test_it_is_told_of_every_row_of_a_candidate_that_measured() -> None:
    rows = [row(8, 199.0), row(1, 100.0), row(4, 198.0), row(16, None, status="oom"), row(1, 9.0, precision="fp32")]
    found = saturation({(i,): each for i, each in enumerate(rows)})
    assert found == {(i,): {"saturation_batch": 4} for i in (0, 1, 2)} | {(4,): {"saturation_batch": None}}


def test_too_little_memory_for_a_batch_is_a_result_where_a_smaller_one_ran() -> None:
    rows = [row(1, 100.0), row(8, None, status="oom"), row(8, None, status="oom", precision="fp32")]
    assert list(failed(frame(rows), "here")["precision"]) == ["fp32"]
    assert len(failed(frame([row(8, 100.0), row(1, None, status="oom")]), "here")) == 1
    assert len(failed(frame([row(1, 100.0), row(8, None, status="crashed")]), "here")) == 1
