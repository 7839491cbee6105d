"""Several machines side by side: whose row is which, at which batch and size, and no column that tells nothing."""

from scripts.report.columns import frame
from scripts.report.views.machines import machines
from scripts.report.views.trouble import batches_of

ROW = {
    "host": "gpu-node", "model": "lite", "weights": "untrained", "runtime": "pytorch", "precision": "fp32",
    "variant": "default", "device": "cuda:0", "mode": "latency", "status": "ok", "shape": "dyn",
}  # fmt: skip


def at(batch: int, size: int, ms: float, **more: object) -> dict[str, object]:
    return ROW | {"batch": batch, "image_size": size, "median_ms": ms, "p10_ms": ms, "device_ms": ms} | more


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


def test_what_did_not_run_says_its_sizes_where_there_are_several() -> None:
    rows = frame([at(1, 224, 5.0), at(8, 224, 7.0), at(8, 640, 45.0)])
    assert batches_of(rows, several=True).replace("\N{NO-BREAK SPACE}", " ") == "1, 8 at 224 px; 8 at 640 px"
    assert batches_of(rows[:2], several=False) == "1, 8"
