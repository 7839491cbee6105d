"""The host's counters, from the kernel's files: right where they are there, None where they are not."""

import os
import time
from collections import namedtuple
from pathlib import Path

import pytest

from scripts.measure import conditions, counters

pytestmark = pytest.mark.alone


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host of two cores of which the second is ours."""
    monkeypatch.setattr(counters, "CORES", [1])
    return tmp_path


def lay(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_a_kernel_that_shows_nothing(root: Path) -> None:
    values = counters.host(root)
    assert {name for name, value in values.items() if value is not None} == {"clock_s"}
    assert counters.core_mhz(root) is None


def test_cpu_times_are_of_the_usable_cores(root: Path) -> None:
    """user, nice, system, irq and softirq are busy; idle and iowait are not; guest is in user already."""
    lines = ["cpu 0 0 0 0 0 0 0 0 0 0", "cpu0 900 900 900 9 9 9 9 9 9 9", "cpu1 100 20 30 7000 40 5 6 80 9 9", "intr 1"]
    lay(root, "proc/stat", "\n".join(lines))
    values, tick = counters.host(root), os.sysconf("SC_CLK_TCK")
    assert (values["busy_s"], values["steal_s"]) == (161 / tick, 80 / tick)


def test_throttling_against_heat(root: Path) -> None:
    for core, count in ((0, 50), (1, 3)):
        lay(root, f"sys/devices/system/cpu/cpu{core}/thermal_throttle/core_throttle_count", f"{count}\n")
        lay(root, f"sys/devices/system/cpu/cpu{core}/thermal_throttle/package_throttle_count", "4\n")
    assert counters.host(root)["throttle_events"] == 7


@pytest.mark.parametrize(
    ("group", "file", "text"),
    [
        ("0::/job/trial\n", "job/cpu.stat", "usage_usec 5\nnr_periods 9\nnr_throttled 6\nthrottled_usec 2500000\n"),
        ("0::/elsewhere\n", "cpu.stat", "nr_throttled 6\nthrottled_usec 2500000\n"),
        ("3:cpuset:/\n2:cpu,cpuacct:/job\n", "cpu,cpuacct/job/cpu.stat", "nr_throttled 6\nthrottled_time 2500000000\n"),
        ("2:cpu:/docker/abc\n0::/\n", "cpu/cpu.stat", "nr_throttled 6\nthrottled_time 2500000000\n"),
    ],
)
def test_a_cpu_limit_in_cgroup_v2_and_v1_and_inside_a_container(root: Path, group: str, file: str, text: str) -> None:
    lay(root, "proc/self/cgroup", group)
    lay(root, f"sys/fs/cgroup/{file}", text)
    values = counters.host(root)
    assert (values["held_back"], values["held_back_s"]) == (6, 2.5)


def test_pressure(root: Path) -> None:
    lay(root, "proc/pressure/cpu", "some avg10=4.4 avg60=3.9 avg300=2.6 total=5035834\nfull avg10=0.0 total=1\n")
    assert counters.host(root)["cpu_pressure_s"] == 5.035834


def test_the_clock_of_this_core(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters.tree, "stat", lambda _pid: ["0"] * 36 + ["1"])
    lay(root, "proc/cpuinfo", "processor\t: 0\ncpu MHz\t\t: 800.0\n\nprocessor\t: 1\ncpu MHz\t\t: 2596.098\n\n")
    assert counters.core_mhz(root) == 2596.098
    lay(root, "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq", "3100000\n")
    assert counters.core_mhz(root) == 3100.0


def test_this_host() -> None:
    """What this process does shows in its own counters and in the host's."""
    before, busy = counters.own(), counters.host()["busy_s"]
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass
    after = counters.own()
    assert before["cpu_s"] is not None and after["cpu_s"] is not None
    assert 0.28 < after["cpu_s"] - before["cpu_s"] < 0.5
    now = counters.host()["busy_s"]
    assert busy is None or now is None or now - busy > 0.2


def test_conditions_of_this_host_are_read_or_none() -> None:
    state = conditions.read()
    assert state["load_1m"] >= 0 and state["available_mb"] > 0
    assert state["temperature_c"] is None or -20 < state["temperature_c"] < 130


def test_the_temperature_is_the_cpus() -> None:
    entry = namedtuple("entry", "current")
    sensors = {"nvme": [entry(81.0)], "coretemp": [entry(55.0), entry(61.04)], "acpitz": [entry(20.0)]}
    assert conditions.hottest(sensors) == 61.0
    assert conditions.hottest({"nvme": [entry(81.0)]}) is None
