"""Achieved rates and what bounds them, from records with round numbers."""

import dataclasses
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.core import paths
from scripts.core.catalogue import RUNTIMES
from scripts.measure import products
from scripts.report.datasheets import SHEETS
from scripts.report.measured import energy, work_ms
from scripts.report.roofline import roofline, size
from scripts.report.rows import Row, planned, read_plan
from scripts.report.summarise import trials_of
from tests.unit.records_factory import build_tree

WORK = {"flops": 2_000_000_000, "weights": 1_000_000, "activations": 3_000_000}
PEAKS: dict[str, Any] = {
    "gpu": "NVIDIA A100-SXM4-40GB", "bandwidth": 1e12, "peaks": {"fp32": 1e13, "fp16": 1e14, "fp8": None},
}  # fmt: skip


@pytest.fixture
def row(tmp_path: Path) -> Row:
    """A row on a GPU, whose network and host have the numbers above."""
    build_tree(tmp_path)
    found = planned(read_plan(tmp_path / "artifacts" / "plan.json"))[0]
    found = dataclasses.replace(found, root=tmp_path / "artifacts", precision="fp16", batch=10, device="cuda:0")
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
    assert roofline(row, 2.01)["bound"] == "latency", "0.2 ms are less than a tenth"
    slow = json.loads((record := Path(paths.peaks_record(str(row.root), row.host))).read_text()) | {"bandwidth": 1e11}
    record.write_text(json.dumps(slow))
    assert roofline(row, 2.01)["bound"] == "memory"


@pytest.fixture
def on_cpu(row: Row) -> Row:
    """The same row in ExecuTorch on the CPU, where XNNPACK reached 1 TFLOP/s in fp32 and the memory 100 GB/s."""
    for library, told in (("litert", {"peaks": {"fp32": 1e12, "fp16": None}}), (paths.MEMORY, {"bandwidth": 1e11})):
        record = Path(paths.peaks_record(str(row.root), row.host, library))
        record.parent.mkdir()
        record.write_text(json.dumps(told))
    return dataclasses.replace(row, runtime="executorch", device="cpu", precision="fp32")


def test_on_the_cpu_the_peak_is_that_of_the_runtimes_library(on_cpu: Row) -> None:
    """20 GFLOP in 40 ms: 0.5 TFLOP/s. 31 million numbers of four bytes take 1.24 ms."""
    assert roofline(on_cpu, 40.0) == pytest.approx({"tflops": 0.5, "peak_share": 0.5, "bound": "compute"})
    assert roofline(on_cpu, 201.0)["bound"] == "latency"
    assert set(roofline(dataclasses.replace(on_cpu, runtime="openvino"), 40.0)) == {"tflops"}, "not measured here"


def test_a_precision_without_a_product_on_the_cpu_has_no_share(on_cpu: Row) -> None:
    assert set(roofline(dataclasses.replace(on_cpu, precision="fp16"), 40.0)) == {"tflops"}


def test_no_bandwidth_no_bound(on_cpu: Row) -> None:
    Path(paths.peaks_record(str(on_cpu.root), on_cpu.host, paths.MEMORY)).unlink()
    assert set(roofline(on_cpu, 40.0)) == {"tflops", "peak_share"}


def test_the_time_on_the_cpu_is_a_fast_requests_execution(row: Row) -> None:
    """Of the records' requests 2 % are handing over and 1 % taking back."""
    on_cpu = dataclasses.replace(row, device="cpu")
    trials = trials_of(on_cpu)[0]
    fast = np.exp(np.mean([np.log(np.quantile(trial.latency, 0.1)) for trial in trials]))
    assert work_ms(on_cpu, trials) == pytest.approx(0.97 * fast, rel=1e-3)
    assert work_ms(row, trials) is None, "no GPU's clock in these"
    assert work_ms(dataclasses.replace(on_cpu, mode="throughput"), trials) is None


def test_power_on_the_cpu_is_what_was_spent_beyond_idle_and_idle(row: Row) -> None:
    """40 J beyond idle in 2 s are 20 W on top of its 9 W; a GPU's is as recorded; what was not read is not told."""
    trials = trials_of(row)[0]
    told = ({"joules": 40.0, "idle_w": 9.0, "window_s": 2.0}, {"joules": 40.0, "power_w": 300.0}, {"joules": None})
    for spent, power in zip(told, (29.0, 300.0, None), strict=True):
        for trial in trials:
            trial.record.values["energy"] = spent
        assert energy(trials, 1)["power_w"] == power


@pytest.mark.parametrize("name", [name for name, runtime in RUNTIMES.items() if "cpu" in runtime.devices])
def test_every_runtime_on_the_cpu_has_a_library_whose_peaks_are_measured(name: str) -> None:
    assert find_spec(f"scripts.{RUNTIMES[name].library}.peaks")


def fixed(rate: float) -> products.Clock:
    """A clock by which each product runs at `rate` operations per second: `run` gives its side."""
    return lambda run: 2.0 * run() ** 3 / rate


def test_a_peak_is_the_best_side_and_slow_kernels_are_not_waited_for() -> None:
    asked: list[int] = []

    def product(side: int) -> Any:
        asked.append(side)
        return lambda: side

    assert products.peak(product, (1024, 2048), fixed(1e12)) == pytest.approx(1e12)
    assert asked == [1024, 2048]
    assert products.peak(product, (1024, 2048), fixed(1e9)) == pytest.approx(1e9)
    assert asked[2:] == [1024], "the larger one would take 17 s"


def test_what_a_library_cannot_multiply_has_no_peak_but_fp32_must(capsys: pytest.CaptureFixture[str]) -> None:
    def refused(side: int) -> Any:
        raise RuntimeError("no kernel\nfor this")

    found = products.peaks({"fp32": lambda side: lambda: side, "int8": refused}, clock=fixed(1e12))
    assert found == {"fp32": pytest.approx(1e12), "int8": None}
    assert "int8: no such product here: no kernel\n" in capsys.readouterr().out
    with pytest.raises(RuntimeError):
        products.peaks({"fp32": refused})


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
