"""When compiling pays: by arithmetic that a reader can redo."""

from typing import Any

import pytest

from scripts.report.payoff import Line, Stretch, payoffs, stretches

BASE: dict[str, Any] = {
    "host": "here", "model": "m", "weights": "w", "runtime": "pytorch", "precision": "fp32", "variant": "default",
    "device": "cpu", "batch": 1, "image_size": 224, "mode": "latency", "threads": 2, "status": "ok",
    "cold_start_s": 2.0, "cold_start_lo_s": 1.8, "cold_start_hi_s": 2.2, "p10_ms": 40.0, "p10_lo_ms": 38.0,
    "p10_hi_ms": 42.0,
}  # fmt: skip
COMPILED = BASE | {
    "runtime": "openvino", "compile_s": 5.0, "cold_start_s": 1.0, "cold_start_lo_s": 0.9, "cold_start_hi_s": 1.1,
    "p10_ms": 10.0, "p10_lo_ms": 9.5, "p10_hi_ms": 10.5, "speedup": 4.0, "speedup_lo": 3.8, "speedup_hi": 4.2,
}  # fmt: skip


def paid(**changes: Any) -> dict[str, Any]:
    return payoffs({("base",): BASE, ("ours",): COMPILED | changes}, "p10").get(("ours",), {})


def test_break_even_is_the_extra_outlay_over_what_an_inference_saves() -> None:
    """5 s to compile and 1 s to start, where the baseline starts in 2 s; each request saves 30 ms."""
    found = paid()
    assert found["break_even_inferences"] == pytest.approx(4.0 / 0.030)
    assert found["break_even_lo"] == pytest.approx((5 + 0.9 - 2.2) / (0.042 * (1 - 1 / 4.2)))
    assert found["break_even_hi"] == pytest.approx((5 + 1.1 - 1.8) / (0.038 * (1 - 1 / 3.8)))


def test_an_inference_is_an_item_of_the_batch() -> None:
    base = BASE | {"batch": 8}
    found = payoffs({("base",): base, ("ours",): COMPILED | {"batch": 8}}, "p10")[("ours",)]
    assert found["break_even_inferences"] == pytest.approx(8 * 4.0 / 0.030)


def test_cpu_seconds_stand_in_for_a_wall_time_that_is_not_known() -> None:
    found = paid(compile_s=None, compile_cpu_s=8.0)
    assert found["break_even_inferences"] == pytest.approx(7.0 / 0.030)


def test_what_starts_sooner_pays_at_once() -> None:
    assert paid(compile_s=0.5)["break_even_inferences"] == 0.0


def test_what_is_slower_never_pays() -> None:
    assert paid(speedup=0.9, speedup_lo=0.8, speedup_hi=1.0) == {}


def test_what_may_be_slower_has_no_upper_bound() -> None:
    found = paid(speedup=1.1, speedup_lo=0.99, speedup_hi=1.2)
    assert found["break_even_hi"] is None and found["break_even_lo"] < found["break_even_inferences"]


def test_without_an_interval_of_each_figure_there_is_none() -> None:
    """Of one trial, or of rows that were measured apart: bounds equal to the point would claim certainty."""
    for missing in ({"speedup_lo": None, "speedup_hi": None}, {"cold_start_lo_s": None, "cold_start_hi_s": None}):
        found = paid(**missing)
        assert found["break_even_inferences"] > 0
        assert found["break_even_lo"] is None and found["break_even_hi"] is None


def test_the_best_choice_changes_with_the_number() -> None:
    """Crossings by hand: 0 + 10n = 4 + 2n at 0.5, so from the first one on; 4 + 2n = 100 + n at 96."""
    lines = [Line(0.0, 10.0), Line(4.0, 2.0), Line(100.0, 1.0), Line(200.0, 3.0)]
    assert stretches(lines) == [Stretch(1.0, 1), Stretch(96.0, 2)]
    slow_start = [Line(0.0, 1.0), Line(50.0, 0.5)]
    assert stretches(slow_start) == [Stretch(1.0, 0), Stretch(100.0, 1)]


def test_at_every_number_the_stretch_names_the_least() -> None:
    lines = [Line(0.1 * i**3, 1.0 / (1 + i)) for i in range(8)]
    found = stretches(lines)
    for count in (1, 2, 5, 10, 50, 100, 1000, 10**6):
        place = [stretch.place for stretch in found if stretch.start <= count][-1]
        assert lines[place].total(count) == pytest.approx(min(line.total(count) for line in lines))
