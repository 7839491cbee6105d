"""Several machines side by side: whose row is which, at which batch and size, and no column that tells nothing."""

import jinja2

from scripts.report.columns import frame
from scripts.report.report import TEMPLATES
from scripts.report.views.machines import Machines, machines
from scripts.report.views.trouble import batches_of

ROW = {
    "host": "gpu-node", "model": "lite", "weights": "untrained", "runtime": "pytorch", "precision": "fp32",
    "variant": "default", "device": "cuda:0", "mode": "latency", "status": "ok", "shape": "dyn",
}  # fmt: skip


def at(batch: int, size: int, ms: float, **more: object) -> dict[str, object]:
    return ROW | {"batch": batch, "image_size": size, "median_ms": ms, "p10_ms": ms, "device_ms": ms} | more


def rendered(found: Machines) -> str:
    """The section of one network."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), undefined=jinja2.StrictUndefined)
    return environment.get_template("machines.html.j2").render(machines=[found], location="p10")


def test_rows_of_several_sizes_say_theirs_and_stand_in_order() -> None:
    found = machines(
        frame([at(16, 640, 45.0), at(256, 224, 75.0), at(16, 224, 5.0)]), "lite", "untrained", "p10", "images"
    )
    shown = [(line.size, line.batch, line.cells[0].text) for line in found.lines]
    assert shown == [(224, 16, "5.00"), (224, 256, "75.0"), (640, 16, "45.0")]
    (on_gpus,) = found.reached
    assert [(line.size, line.batch) for line in on_gpus.lines] == [(224, 16), (224, 256), (640, 16)]


def test_one_size_needs_no_saying() -> None:
    found = machines(frame([at(1, 224, 5.0), at(8, 224, 7.0)]), "lite", "untrained", "p10", "images")
    assert {line.size for line in found.lines} == {None}


def test_what_was_asked_of_one_machine_alone_is_a_dash_on_the_others_and_the_table_says_so() -> None:
    rows = [at(1, 224, 5.0), at(1, 224, 4.0, host="other"), at(8, 224, 7.0)]
    shown = [machines(frame(some), "lite", "untrained", "p10", "images") for some in (rows, rows[:2])]
    assert [[cell.text for cell in line.cells] for line in shown[0].lines] == [["5.00", "4.00"], ["7.00", "–"]]
    says = ["a dash: not asked for there" in rendered(each) for each in shown]
    assert says == [True, False]


def test_power_and_energy_are_shown_where_a_row_knows_them() -> None:
    """An H100's watts take two seconds: of a shorter run the columns would be empty."""
    silent = machines(frame([at(1, 224, 5.0)]), "lite", "untrained", "p10", "images").reached[0]
    told = machines(
        frame([at(1, 224, 5.0, power_w=557.4, energy_j=0.142)]), "lite", "untrained", "p10", "images"
    ).reached[0]
    assert not {"Power", "Energy"} & {column.head for column in silent.columns}
    cells = dict(
        zip((column.head for column in told.columns), (cell.text for cell in told.lines[0].cells), strict=True)
    )
    assert (cells["Power"], cells["Energy"]) == ("557", "0.142")


def test_several_requests_in_flight_are_shown_for_every_machine_most_first() -> None:
    """What a GPU gives with several streams is what it is bought for."""
    full = {"median_ms": None, "p10_ms": None, "device_ms": None, "mode": "throughput"}
    rates = [(6633.0, 1791.0, 24570.0, 4), (42349.0, 40078.0, 44324.0, 8)]
    rows = [
        at(16, 224, 5.0),
        *(
            at(16, 224, 0.0, **full, throughput_per_s=rate, throughput_lo_per_s=lo, throughput_hi_per_s=hi, streams=n)
            for rate, lo, hi, n in rates
        ),
    ]
    *_, kept_full = machines(frame(rows), "lite", "untrained", "p10", "images").reached
    assert [column.head for column in kept_full.columns] == ["Images/s", "Streams"]
    shown = [
        (line.host, line.batch, *(cell.text for cell in line.cells), line.cells[0].small) for line in kept_full.lines
    ]
    assert shown == [
        ("gpu-node", 16, "42,349", "8", "40,078 to 44,324"), ("gpu-node", 16, "6,633", "4", "1,791 to 24,570"),
    ]  # fmt: skip
    alone = machines(frame(rows[:1]), "lite", "untrained", "p10", "images").reached
    assert not [part for part in alone if "flight" in part.says]


def test_a_network_that_others_measured_with_several_in_flight_alone_has_that_table_alone() -> None:
    full = {"median_ms": None, "p10_ms": None, "device_ms": None, "mode": "throughput", "throughput_per_s": 6633.0}
    row = at(16, 224, 0.0) | full
    found = machines(frame([row]), "lite", "untrained", "p10", "images")
    html = rendered(found)
    assert html.count("<table") == 1 and "6,633" in html


def test_a_baseline_against_itself_has_no_interval() -> None:
    own, other = (
        at(1, 224, ms, device_speedup=ratio, device_speedup_lo=ratio * lo, device_speedup_hi=ratio / lo)
        for ms, ratio, lo in ((5.0, 1.0, 1.0), (2.0, 2.5, 0.99))
    )
    (on_gpus,) = machines(frame([own, other | {"variant": "x"}]), "lite", "untrained", "p10", "images").reached
    column = [column.head for column in on_gpus.columns].index("Speed-up")
    assert [line.cells[column].small for line in on_gpus.lines] == ["2.48 to 2.53", ""]


def test_what_did_not_run_says_its_sizes_where_there_are_several() -> None:
    rows = frame([at(1, 224, 5.0), at(8, 224, 7.0), at(8, 640, 45.0)])
    assert batches_of(rows, several=True).replace("\N{NO-BREAK SPACE}", " ") == "1, 8 at 224 px; 8 at 640 px"
    assert batches_of(rows[:2], several=False) == "1, 8"
