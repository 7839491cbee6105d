"""Energy: joules above the idle machine's from the packages' counters, or the reason why not."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from scripts.measure import counters, energy
from scripts.measure.energy import Idle
from scripts.nvidia import nvml

pytestmark = pytest.mark.alone

BOOT = "proc/sys/kernel/random/boot_id"
QUIET = Idle(watts=10.0, busy_share=0.01)


def domain(root: Path, name: str, kind: str, microjoules: int, most: int = 262_143_328_850) -> Path:
    folder = root / energy.DOMAINS / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "name").write_text(kind + "\n")
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    (folder / "max_energy_range_uj").write_text(f"{most}\n")
    return folder / "energy_uj"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host of two sockets, with the counters that must not be added: a part of one, and the whole platform."""
    domain(tmp_path, "intel-rapl:0", "package-0", 1_000_000)
    domain(tmp_path, "intel-rapl:1", "package-1", 2_000_000)
    domain(tmp_path, "intel-rapl:0:0", "core", 5)
    domain(tmp_path, "intel-rapl:2", "psys", 7)
    return tmp_path


def window(before: dict[str, int], after: dict[str, int], seconds: float = 2.0) -> dict[str, dict[str, Any]]:
    return {"before": {"clock_s": 50.0, "energy_uj": before}, "after": {"clock_s": 50.0 + seconds, "energy_uj": after}}


def test_packages_are_added_and_idle_is_subtracted(root: Path) -> None:
    before = energy.read(root)
    assert before == {"intel-rapl:0": 1_000_000, "intel-rapl:1": 2_000_000}
    after = {"intel-rapl:0": 41_000_000, "intel-rapl:1": 12_000_000}
    settled = energy.settle(window(before, after), QUIET, "cpu", "latency", root)
    assert settled == {"joules": 30.0, "idle_w": 10.0, "window_s": 2.0, "reason": None}


def test_a_counter_that_started_again(root: Path) -> None:
    domain(root, "intel-rapl:0", "package-0", 0, most=100_000_000)
    assert energy.spent_j({"intel-rapl:0": 90_000_000}, {"intel-rapl:0": 5_000_000}, root) == 15.0


def test_no_counters(tmp_path: Path) -> None:
    start = time.monotonic()
    assert energy.idle(tmp_path / "idle.json", "s", tmp_path) is None
    assert time.monotonic() - start < 0.5 and not (tmp_path / "idle.json").exists()
    settled = energy.settle(window({}, {}), None, "cpu", "latency", tmp_path)
    assert settled == {"joules": None, "idle_w": None, "window_s": 2.0, "reason": "not readable here: no RAPL counters"}


def test_counters_that_only_root_may_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux gives `energy_uj` to root alone since 5.10: the reason says what to do."""
    allowed = energy.tree.read
    monkeypatch.setattr(energy.tree, "read", lambda path: None if path.endswith("energy_uj") else allowed(path))
    reason = energy.settle(window({}, {}), None, "cpu", "latency", root)["reason"]
    assert "only root" in reason and "sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj" in reason


@pytest.mark.parametrize(
    ("used_j", "seconds", "idle", "device", "mode", "words"),
    [
        (50, 0.2, QUIET, "cpu", "latency", "0.20 s"),
        (50, 2.0, Idle(10.0, 0.45), "cpu", "latency", "45 % busy"),
        (15, 2.0, QUIET, "cpu", "latency", "no more than the idle machine"),
        (50, 3.0, QUIET, "cuda:0", "latency", "GPU"),
        (50, 2.0, QUIET, "cpu", "serving", "many rates"),
    ],
)
def test_no_figure_without_a_reason(
    root: Path, used_j: int, seconds: float, idle: Idle, device: str, mode: str, words: str
) -> None:
    found = window({"intel-rapl:0": 0}, {"intel-rapl:0": used_j * 10**6}, seconds)
    settled = energy.settle(found, idle, device, mode, root)
    assert settled["joules"] is None and words in settled["reason"]


def test_idle_power_is_read_once_a_session_and_boot(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second at 30 W and no other work."""
    monkeypatch.setattr(energy, "IDLE_WINDOW_S", 0.5)
    counter, kept = root / energy.DOMAINS / "intel-rapl:0" / "energy_uj", root / "idle_power.json"
    (root / BOOT).parent.mkdir(parents=True)
    (root / BOOT).write_text("first\n")
    sleeps: list[float] = []

    def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        real(seconds)
        counter.write_text(str(int(counter.read_text()) + int(30e6 * seconds)))

    real = time.sleep
    monkeypatch.setattr(energy.time, "sleep", sleep)
    found = energy.idle(kept, "monday", root)
    assert found is not None and found.watts == pytest.approx(30, rel=0.1) and found.busy_share is None
    assert energy.idle(kept, "monday", root) == found and len(sleeps) == 1
    energy.idle(kept, "tuesday", root)
    (root / BOOT).write_text("second\n")
    energy.idle(kept, "tuesday", root)
    assert len(sleeps) == 3
    assert json.loads(kept.read_text())["boot_id"] == "second"


def test_a_busy_second_is_read_once_more(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([Idle(60.0, 0.9), Idle(20.0, 0.0)])
    monkeypatch.setattr(energy, "_measure_idle", lambda _root, _device: next(answers))
    assert energy.idle(root / "idle_power.json", "s", root) == Idle(20.0, 0.0)


def test_this_host_reads_or_says_why() -> None:
    assert bool(energy.read()) == (energy.obstacle("cpu", "latency") is None)
    assert all(folder.parent == counters.ROOT / energy.DOMAINS for folder in energy.packages())


class Driver:
    """NVML as far as it is asked: a GPU whose energy counter stands at `millijoules`."""

    def __init__(self, millijoules: int | None) -> None:
        self.millijoules = millijoules

    def nvmlDeviceGetHandleByIndex_v2(self, number: int, handle: Any) -> int:  # noqa: N802 - the library's name
        return 0 if number == 0 else 6

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: Any, value: Any) -> int:  # noqa: N802
        if self.millijoules is None:
            return 3
        value._obj.value = self.millijoules
        return 0


@pytest.mark.parametrize(("millijoules", "expected"), [(5_000, {"nvml:0": 5_000_000}), (None, {})])
def test_a_gpus_energy_is_its_own_counters(
    root: Path, monkeypatch: pytest.MonkeyPatch, millijoules: int | None, expected: dict[str, int]
) -> None:
    """Of a candidate on a GPU, the CPU's counters are not asked."""
    nvml._handle.cache_clear()
    monkeypatch.setattr(nvml, "_library", lambda: Driver(millijoules))
    assert energy.read(root, "cuda:0") == expected
    nvml._handle.cache_clear()


class Several:
    """NVIDIA's library on a machine with four GPUs."""

    def nvmlDeviceGetHandleByIndex_v2(self, number: int, handle: Any) -> int:  # noqa: N802 - the library's name
        handle._obj.value = 100 + number
        return 0 if number < 4 else 2

    def nvmlDeviceGetHandleByUUID(self, name: bytes, handle: Any) -> int:  # noqa: N802
        handle._obj.value = 900
        return 0 if name == b"GPU-known" else 6


@pytest.mark.parametrize(
    ("shown", "device", "handle"),
    [
        (None, "cuda:1", 101), ("2", "cuda:0", 102), ("3,1", "cuda:1", 101), ("GPU-known", "cuda:0", 900),
        ("GPU-other", "cuda:0", None), ("6", "cuda:0", 100),
    ],
)  # fmt: skip
def test_the_counter_is_that_of_the_gpu_that_cuda_shows(
    monkeypatch: pytest.MonkeyPatch, shown: str | None, device: str, handle: int | None
) -> None:
    """CUDA counts what CUDA_VISIBLE_DEVICES names, NVML all, or what a cluster leaves of them."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if shown:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    nvml._handle.cache_clear()
    monkeypatch.setattr(nvml, "_library", lambda: Several())
    found = nvml._handle(device)
    nvml._handle.cache_clear()
    assert (found and found.value) == handle


def test_joules_and_watts_of_a_gpu(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy.nvml, "energy_uj", lambda device: {"nvml:0": 1})
    counted = window({"nvml:0": 1_000_000}, {"nvml:0": 701_000_000})
    settled = energy.settle(counted, Idle(100.0, 0.0), "cuda:0", "latency", root)
    assert (settled["joules"], settled["power_w"]) == (500.0, 350.0)
    short = window({"nvml:0": 1_000_000}, {"nvml:0": 701_000_000}, seconds=1.0)
    told = energy.settle(short, QUIET, "cuda:0", "latency", root)
    assert "energy needs 2 s" in told["reason"] and told["power_w"] is None
