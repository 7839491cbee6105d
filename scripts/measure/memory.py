"""Peaks of resident memory per phase, over the process and its children. Standard library only, Python 3.8 on.

Two sources, for one alone is not right:
- The kernel's own high-water mark VmHWM of the process and of each child that lives, made new for each phase by
  writing 5 to /proc/PID/clear_refs (proc(5)). Exact for one process; with children it is the sum of their peaks, which
  may lie at different moments: at most that much.
- What the supervisor sees from outside, four times a second, of a process that has children: this catches children
  that ended before their phase did. (getrusage's largest ended child is of no use: through fork and exec a child
  inherits the resident memory of its parent, so that any helper looks as large as the process itself.)

Not seen: a child that ended before anyone looked, within a quarter of a second. Pages that processes share count in
each.
Megabytes are 10**6 bytes.
"""

import os
import time
from typing import Any, Dict, List, Optional, Tuple

from scripts.core import tree

MB = 1e6
PHASES = ("import", "load", "first_call", "run")
"""In order of time; `NAME_s` seconds among a trial's `phases`, `NAME_mb` in its `memory`."""
CLOCK = "clock_s"


def _members() -> List[int]:
    return [os.getpid(), *tree.descendants(os.getpid())]


def reset_peak() -> bool:
    """Start a new phase. False where the kernel does not allow it: then peaks are since the process began."""
    done = True
    for pid in _members():
        try:
            with open("/proc/%d/clear_refs" % pid, "w") as stream:
                stream.write("5")
        except OSError:
            done = done and pid != os.getpid()
    return done


def _high_water_mb(pid: int) -> Optional[float]:
    for line in (tree.read("/proc/%d/status" % pid) or "").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / MB
    return None


def peak_mb() -> Optional[float]:
    """Peak resident memory since the last `reset_peak`: this process's, and that of each child that lives, summed."""
    own = _high_water_mb(os.getpid())
    return None if own is None else own + sum(_high_water_mb(pid) or 0.0 for pid in tree.descendants(os.getpid()))


def begin() -> Dict[str, Any]:
    """Start the first phase: the resident memory before it, whether peaks are by phase, and the clock.

    `clock_s` is CLOCK_MONOTONIC, which all processes of a machine share: so the supervisor knows the phases' times.
    """
    baseline = sum(tree.resident_mb(pid) for pid in _members())
    return {"baseline_mb": baseline, "per_phase": reset_peak(), CLOCK: time.monotonic()}


Look = Tuple[float, float, float]
"""When it began and ended (CLOCK_MONOTONIC, s), and the memory of a process and its children together (MB)."""
MARGIN_S = 0.02
"""Phases follow each other with the reading of memory in between, so that their times are known to about this."""


def with_looks(memory: Dict[str, Any], seconds: Dict[str, float], looks: List[Look]) -> Dict[str, Any]:
    """`memory` with each phase's peak at least what was seen from outside during it."""
    start, whole = memory.get(CLOCK), dict(memory)
    for phase in PHASES:
        if start is None or phase + "_s" not in seconds:
            break  # the process ended in this phase
        end = start + seconds[phase + "_s"]
        seen = [megabytes for began, ended, megabytes in looks if start + MARGIN_S <= began and ended < end]
        known = whole.get(phase + "_mb")
        if seen and known is not None:
            whole[phase + "_mb"] = max(known, max(seen))
        start = end
    return whole
