"""Which lines and dots are drawn of how candidates scale and what power they take, from rows with round numbers."""

import re
from typing import Any

import pytest

from scripts.report.answers import questions
from scripts.report.columns import frame
from scripts.report.lines import spread
from scripts.report.views import scaling
from scripts.report.views.power import power
from scripts.report.views.scaling import Figured, series

ROW: dict[str, Any] = {
    "host": "here", "model": "net", "weights": "untrained", "runtime": "openvino", "precision": "fp32",
    "variant": "default", "device": "cpu", "shape": "dyn", "image_size": 224, "mode": "latency", "threads": 2,
    "status": "ok", "gate": "pass",
}  # fmt: skip
RATE = Figured("throughput", "", "", "throughput_per_s", "throughput_lo_per_s", "throughput_hi_per_s")


class Evidence:
    """All that the charts ask of the records."""

    def noun(self, model: str, weights: str) -> str:
        return "images"


def row(batch: int, rate: float | None, **more: Any) -> dict[str, Any]:
    bounds = {f"throughput_{end}_per_s": rate and rate * by for end, by in (("lo", 0.9), ("hi", 1.1))}
    return ROW | {"batch": batch, "throughput_per_s": rate, "peak_rss_mb": 100.0 + batch} | bounds | more


def names(rows: list[dict[str, Any]]) -> list[str]:
    """Names of the charts of the host's first network and size, and of the others."""
    asked = list(questions(frame(rows), "here"))
    return [chart.name for question in asked for chart in scaling.scaling(question, asked, Evidence())]  # type: ignore[arg-type]


def test_three_batches_are_lines_and_two_are_not() -> None:
    rows = [row(batch, 100.0 * batch) for batch in (1, 4, 8)]
    assert names(rows[:2]) == []
    throughput, memory = names(rows)
    assert (throughput, memory) == (
        "net-untrained-224-batches-latency-throughput", "net-untrained-224-batches-latency-memory",
    )  # fmt: skip


def test_the_batch_over_which_a_larger_one_hardly_pays_is_named() -> None:
    rows = [row(b, 100.0, saturation_batch=4) for b in (1, 4, 8)]
    rows += [row(b, 100.0, runtime="litert", saturation_batch=None) for b in (1, 4, 8)]
    assert scaling.saturated(frame(rows)) == " No larger batch gains 5 % over batch 4: OpenVINO."
    assert scaling.saturated(frame(rows[3:])) == " The largest batch still gains 5 % or more."
    throughput, memory = (
        chart.note for chart in scaling.scaling(next(iter(questions(frame(rows), "here"))), [], Evidence())  # type: ignore[arg-type]
    )  # fmt: skip
    assert "over batch 4" in throughput and "batch 4" not in memory


def test_a_batch_that_did_not_run_is_no_point() -> None:
    rows = [row(1, 100.0), row(4, 300.0), row(8, None, status="oom")]
    assert names(rows) == []
    (only,) = series(frame(rows).dropna(subset=["throughput_per_s"]), "batch", RATE)
    assert only.points == ((1.0, 100.0, 90.0, pytest.approx(110.0)), (4.0, 300.0, 270.0, pytest.approx(330.0)))


def test_size_on_disk_is_drawn_only_where_a_larger_batch_makes_it_larger() -> None:
    rows = [row(batch, 100.0, artifact_bytes=1_000_000) for batch in (1, 4, 8)]
    assert not [name for name in names(rows) if name.endswith("size")]
    assert [name for name in names([*rows[:2], rows[2] | {"artifact_bytes": 1_100_000}]) if name.endswith("size")]


def test_two_image_sizes_are_lines_once_for_the_network_at_its_least_and_largest_batch() -> None:
    rows = [
        row(batch, 1e5 / size, image_size=size, speedup=2.0) for size in (160, 224) for batch in (1, 2, 4)
    ]  # fmt: skip
    over_sizes = [name for name in names(rows) if "-sizes-" in name]
    assert over_sizes == [f"net-untrained-sizes-b{b}-{what}" for b in (1, 4) for what in ("throughput", "speedup")]
    assert not [name for name in names(rows[:3]) if "-sizes-" in name]


def test_a_network_that_was_fine_tuned_at_each_size_is_one_line_over_them() -> None:
    rows = [
        row(1, 1e5 / size, image_size=size, weights=f"untrained_finetuned{size}", speedup=2.0) for size in (160, 224)
    ]  # fmt: skip
    assert names(rows) == [f"net-untrained_finetuned-sizes-b1-{what}" for what in ("throughput", "speedup")]
    assert names([rows[0], rows[1] | {"weights": "untrained"}]) == [], "another network"


def test_a_device_and_a_mode_have_charts_of_their_own() -> None:
    rows = [row(batch, 100.0) for batch in (1, 4, 8)]
    rows += [row(batch, 9e3, device="cuda:0", runtime="pytorch", gpu_mem_mb=500.0) for batch in (1, 4, 8)]
    rows += [row(batch, 150.0, mode="throughput", peak_rss_mb=None) for batch in (1, 4, 8)]
    found = names(rows)
    assert len(found) == len(set(found)) == 5
    assert sum("cuda0" in name for name in found) == 2 and sum("-throughput-throughput" in name for name in found) == 1


def test_lines_are_named_by_what_tells_them_apart_within_a_precision() -> None:
    more = [row(1, 90.0, variant="accuracy_control", precision="int8"), row(1, 80.0, precision="int8", gate="fail")]
    found = series(frame([row(1, 100.0), *more]), "batch", RATE)
    assert [(each.panel, each.label, each.dash) for each in found] == [
        ("fp32", "OpenVINO", 0), ("int8", "OpenVINO, accuracy_control", 0), ("int8", "OpenVINO *", 1),
    ]  # fmt: skip


def test_an_interval_that_says_nothing_is_no_band() -> None:
    (only,) = series(frame([row(1, 100.0, throughput_lo_per_s=0.01, throughput_hi_per_s=1e6)]), "batch", RATE)
    assert only.points == ((1.0, 100.0, 100.0, 100.0),)


@pytest.mark.parametrize("wanted", [[0.0, 1.0, 2.0, 50.0], [48.0, 49.0, 49.5, 50.0], [20.0, 20.0, 21.0, 40.0]])
def test_names_do_not_touch_and_stay_beside_the_panel(wanted: list[float]) -> None:
    found = spread(wanted, 10.0, 0.0, 50.0)
    assert all(after - before >= 10.0 - 1e-9 for before, after in zip(found, found[1:], strict=False))
    assert found[0] >= 0.0 and found[-1] <= 50.0


def powered(rows: list[dict[str, Any]]) -> list[Any]:
    return list(power(frame(rows), "images"))


def test_power_is_drawn_of_all_hosts_and_what_has_none_is_named_with_its_reason() -> None:
    reason = "not readable here: no RAPL counters"
    rows = [
        row(1, 100.0, host="gpu", device="cuda:0", power_w=300.0),
        row(1, 50.0, host="gpu", device="cuda:0", power_w=350.0, precision="fp16"),
        row(1, 70.0, host="gpu", device="cuda:0", precision="int8", energy_reason="samples for 1 s"),
        row(1, 10.0, energy_reason=reason),
        row(1, 40.0, host="other", device="cuda:0", power_w=100.0),
    ]
    (chart,) = powered(rows)
    assert chart.name == "net-untrained-224-power-b1"
    titles = re.findall(r"<text[^>]*>([^<]*)</text>", chart.svg)
    assert {"gpu", "other"} <= set(titles) and "here" not in titles
    assert titles.count("OpenVINO") == 3, "in the legend, and by its dot on each host: it gives more for less"
    assert "OpenVINO (fp16)" not in titles, "another gives more for less"
    assert f"Without power on here: any candidate ({reason})." in chart.note
    assert "Without power on gpu: OpenVINO (int8, cuda:0) (samples for 1 s)." in chart.note


def test_reasons_that_differ_in_their_seconds_alone_are_one_sentence() -> None:
    rows = [row(1, 100.0, power_w=300.0), row(1, 90.0, power_w=200.0, precision="fp16")]
    rows += [
        row(1, 70.0, precision=precision, energy_reason=f"samples for {seconds} s, and energy needs 2 s")
        for precision, seconds in (("int8", "1.18"), ("bf16", "1.02"), ("tf32", "1.18"))
    ]
    (chart,) = powered(rows)
    assert chart.note.count("Without power") == 1
    assert chart.note.endswith(" (samples for 1.02 to 1.18 s, and energy needs 2 s).")


def test_power_has_a_chart_for_each_batch_and_size_and_none_for_a_single_dot() -> None:
    pairs = [(1, 224), (8, 224), (8, 160)]
    rows = [row(b, 100.0, image_size=s, power_w=9.0, precision=p) for b, s in pairs for p in ("fp32", "int8")]
    assert {chart.name.rpartition("untrained-")[2] for chart in powered(rows)} == {
        "224-power-b1", "224-power-b8", "160-power-b8",
    }  # fmt: skip
    assert powered(rows[:1]) == [] and powered([row(1, 100.0), row(2, 100.0)]) == []
