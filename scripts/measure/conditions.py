"""The state of the host around a trial: what might have disturbed it. Unreadable values are None."""

from pathlib import Path
from typing import Any

import psutil


def _first_line(path: str) -> str | None:
    try:
        return Path(path).read_text().split("\n", 1)[0]
    except OSError:
        return None


def read() -> dict[str, Any]:
    """CPU frequency (MHz), load average, CPU times (s), available memory (MB) at this moment."""
    times = psutil.cpu_times()
    frequency = psutil.cpu_freq()
    governor = _first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    return {
        "cpu_mhz": round(frequency.current, 1) if frequency else None,
        "governor": governor,
        "load_1m": psutil.getloadavg()[0],
        "steal_s": getattr(times, "steal", None),
        "busy_s": round(times.user + times.system, 2),
        "available_mb": round(psutil.virtual_memory().available / 1e6),
    }
