"""The state of the host around a trial: what might have disturbed it. Unreadable values are None."""

import os
import resource
from collections.abc import Mapping, Sequence
from typing import Any

import psutil

from scripts.core import tree
from scripts.measure import counters

CPU_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "cpu-thermal", "acpitz")
"""Drivers' names for the sensor in the CPU, best first."""


def read() -> dict[str, Any]:
    """How the host is at this moment, and what it did since it started.

    cpu_mhz, governor: the clock (mean of all cores) and what sets it; temperature_c: the hottest of the CPU's sensors
    load_1m: load average; available_mb: free memory (MB); and the counters of `counters.host`, whose differences count.
    """
    return {
        "cpu_mhz": _frequency(),
        "governor": _governor(),
        "temperature_c": hottest(_sensors()),
        "load_1m": os.getloadavg()[0],
        "available_mb": round(psutil.virtual_memory().available / 1e6),
        **{name: value for name, value in counters.host().items() if name != "clock_s"},
    }


def _frequency() -> float | None:
    try:
        frequency = psutil.cpu_freq()
    except (OSError, NotImplementedError):
        return None
    return round(float(frequency.current), 1) if frequency else None


def _governor() -> str | None:
    text = tree.read(f"/sys/devices/system/cpu/cpu{counters.CORES[0]}/cpufreq/scaling_governor")
    return text.strip() if text else None


def _sensors() -> Mapping[str, Sequence[Any]]:
    try:
        sensors: Mapping[str, Sequence[Any]] = psutil.sensors_temperatures()
    except (AttributeError, OSError):  # psutil leaves the function out where there is no such thing
        return {}
    return sensors


def hottest(sensors: Mapping[str, Sequence[Any]]) -> float | None:
    """The highest temperature of the CPU's own sensor, degrees Celsius, as psutil names them."""
    for name in CPU_SENSORS:
        known = [entry.current for entry in sensors.get(name, ()) if entry.current is not None]
        if known:
            return round(float(max(known)), 1)
    return None


class Usage:
    """What the trial's processes, all ended by then, used from `Usage()` to `facts()`. Import and load count too."""

    def __init__(self) -> None:
        self._before = resource.getrusage(resource.RUSAGE_CHILDREN)

    def facts(self) -> dict[str, float]:
        """CPU seconds, pages read from disc, and how often a thread lost its core."""
        before, after = self._before, resource.getrusage(resource.RUSAGE_CHILDREN)
        return {
            "cpu_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 3),
            "major_faults": after.ru_majflt - before.ru_majflt,
            "involuntary_switches": after.ru_nivcsw - before.ru_nivcsw,
        }
