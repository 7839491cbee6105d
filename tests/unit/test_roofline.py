"""Achieved rates and what bounds them, from records with round numbers."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from scripts.core import paths
from scripts.report.datasheets import SHEETS
from scripts.report.roofline import roofline, size
from scripts.report.rows import Row, planned, read_plan
from tests.unit.records_factory import build_tree

WORK = {"flops": 2_000_000_000, "weights": 1_000_000, "activations": 3_000_000}
PEAKS: dict[str, Any] = {
    "gpu": "NVIDIA A100-SXM4-40GB", "bandwidth": 1e12, "peaks": {"fp32": 1e13, "fp16": 1e14, "fp8": None},
}  # fmt: skip


@pytest.fixture
def row(tmp_path: Path) -> Row:
    """A row whose network and host have the numbers above."""
    build_tree(tmp_path)
    found = planned(read_plan(tmp_path / "artifacts" / "plan.json"))[0]
    found = dataclasses.replace(found, root=tmp_path / "artifacts", precision="fp16", batch=10)
    checkpoint = found.checkpoint / "artifact.json"
    checkpoint.write_text(json.dumps(json.loads(checkpoint.read_text()) | {"work": WORK}))
    record = Path(paths.peaks_record(str(found.root), found.host))
    record.parent.mkdir()
    record.write_text(json.dumps(PEAKS))
    return found


def test_rates_and_shares(row: Row) -> None:
    """10 items of 2 GFLOP in 0.5 ms: 40 TFLOP/s."""
    told = roofline(row, 0.5)
    assert told["tflops"] == pytest.approx(40) and told["peak_share"] == pytest.approx(0.4)
    assert told["peak_share_spec"] == pytest.approx(40 / 312)


def test_what_takes_the_time_at_least(row: Row) -> None:
    """Arithmetic takes 0.2 ms at 100 TFLOP/s; 31 million numbers of two bytes take 0.062 ms at 1 TB/s."""
    assert roofline(row, 0.5)["bound"] == "compute"
    assert roofline(row, 2.01)["bound"] == "overhead", "0.2 ms are less than a tenth"
    slow = json.loads((record := Path(paths.peaks_record(str(row.root), row.host))).read_text()) | {"bandwidth": 1e11}
    record.write_text(json.dumps(slow))
    assert roofline(row, 2.01)["bound"] == "memory"


def test_nothing_is_told_without_a_clock_a_count_or_a_peak(row: Row) -> None:
    assert roofline(row, None) == {}
    assert roofline(dataclasses.replace(row, precision="int8_dynamic"), 0.5) == {}
    assert set(roofline(dataclasses.replace(row, precision="fp8"), 0.5)) == {"tflops"}
    assert set(roofline(dataclasses.replace(row, host="elsewhere"), 0.5)) == {"tflops"}


def test_the_size_of_the_network_is_told_of_every_row(row: Row) -> None:
    assert size(dataclasses.replace(row, host="elsewhere")) == {"gflop": 2.0, "parameters": 4_652_008}


def test_data_sheets_are_without_sparsity() -> None:
    """The H100's is often quoted with it: 1979 and 3958."""
    assert SHEETS["NVIDIA H100 80GB HBM3"]["fp16"] == pytest.approx(989.5e12)
    assert SHEETS["NVIDIA H100 80GB HBM3"]["int8"] == pytest.approx(1979e12)
