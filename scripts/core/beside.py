"""What else ran on this machine meanwhile: a wall time says something of a program only where that is little."""

import os
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from scripts.core.guard import End

SHARE = 0.1
"""Of a core: what others may take before a wall time is not a program's own."""
TICKS_S = 0.05
"""The kernel counts by ticks of 10 ms."""
BUSY = (0, 1, 2, 5, 6)
"""Columns of /proc/stat in which a CPU works: user, nice, system, interrupts."""


def busy_s() -> float:
    """Seconds that all CPUs have worked since the machine started."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    return sum(int(fields[column]) for column in BUSY) / os.sysconf("SC_CLK_TCK")


class Beside:
    """Watches the machine around a `with` block."""

    def __enter__(self) -> "Beside":
        self._start, self._busy = time.monotonic(), busy_s()
        return self

    def __exit__(self, _kind: type | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._wall_s, self._worked = time.monotonic() - self._start, busy_s() - self._busy

    def facts(self, end: End) -> dict[str, Any]:
        """CPU seconds that others took while the process that ended as `end` ran, and whether that was much."""
        others = max(0.0, self._worked - end.cpu_s)
        return {"others_cpu_s": round(others, 3), "concurrent": others > SHARE * self._wall_s + TICKS_S}
