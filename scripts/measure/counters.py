"""Counters of the host and of this process, for the difference between two moments.

Everything that the kernel does not show is None, never an error. Standard library only, Python 3.8 on: the worker
reads them right before and right after its samples. `root` is "/" but in tests.
"""

import os
import resource
import time
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

from scripts.core import tree

Values = Dict[str, Optional[float]]

ROOT = Path("/")
CORES = sorted(os.sched_getaffinity(0))
"""The cores that this process may use, asked at import: a runtime may bind its threads later."""
_TICK = float(os.sysconf("SC_CLK_TCK"))
_STEAL = 7


def host(root: Path = ROOT) -> Values:
    """What the host did since it started, on the cores that this process may use.

    busy_s, steal_s: CPU seconds spent by all processes, and wanted but taken by the hypervisor (/proc/stat)
    throttle_events: times that cores or their package were slowed against heat
    held_back_s, held_back: seconds and periods that a cgroup's CPU limit stopped us (cpu.stat, v2 and v1)
    cpu_pressure_s: time in which some process waited for a core (/proc/pressure/cpu)
    clock_s: the moment itself, CLOCK_MONOTONIC
    """
    times = _cpu_times(root)
    periods, held = _held_back(root)
    return {
        "clock_s": time.monotonic(),
        "busy_s": round(sum(sum(row[:3]) + sum(row[5:7]) for row in times), 2) if times else None,
        "steal_s": round(sum(row[_STEAL] for row in times), 2) if times else None,
        "throttle_events": _throttle_events(root),
        "held_back": periods,
        "held_back_s": held,
        "cpu_pressure_s": _pressure(root),
    }


def own() -> Values:
    """What this process and its children did since they started.

    cpu_s: CPU seconds; waited_s: seconds in which a thread was ready and had no core (schedstat's run delay, of
    threads that live); major_faults: pages read from disc; involuntary_switches: times a thread lost its core;
    core_mhz: the clock of the core this process is on.
    """
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    alive = [fields for fields in map(tree.stat, tree.descendants(os.getpid())) if fields]
    # utime, stime, cutime, cstime; majflt, cmajflt of proc_pid_stat(5), counted from the third field
    cpu = sum(sum(int(ticks) for ticks in fields[11:15]) for fields in alive) / _TICK
    faults = sum(int(fields[9]) + int(fields[10]) for fields in alive)
    return {
        "cpu_s": round(sum(each.ru_utime + each.ru_stime for each in used) + cpu, 4),
        "waited_s": _waited(),
        "major_faults": sum(each.ru_majflt for each in used) + faults,
        "involuntary_switches": sum(each.ru_nivcsw for each in used),
        "core_mhz": core_mhz(),
    }


def _cpu_times(root: Path) -> List[List[float]]:
    """user, nice, system, idle, iowait, irq, softirq, steal of each core of ours, seconds (proc_stat(5))."""
    ours = {"cpu%d" % core for core in CORES}
    rows = [line.split() for line in (tree.read(str(root / "proc/stat")) or "").splitlines()]
    return [[int(ticks) / _TICK for ticks in row[1:9]] for row in rows if row and row[0] in ours and len(row) > 8]


def _throttle_events(root: Path) -> Optional[float]:
    names = ("core_throttle_count", "package_throttle_count")
    folders = [root / ("sys/devices/system/cpu/cpu%d/thermal_throttle" % core) for core in CORES]
    counts = [tree.read(str(folder / name)) for folder in folders for name in names]
    known = [int(text) for text in counts if text]
    return sum(known) if known else None


def _cgroup_files(root: Path) -> Iterator[Path]:
    """cpu.stat of our cgroup and of those above it, of cgroup v2 and v1. A container sees its own as the top one."""
    for line in (tree.read(str(root / "proc/self/cgroup")) or "").splitlines():
        _, names, path = line.split(":", 2)
        if names and "cpu" not in names.split(","):
            continue
        for base in (names, "cpu") if names else ("", "unified"):
            folder = root / "sys/fs/cgroup" / base
            below = folder / path.lstrip("/")
            yield from (level / "cpu.stat" for level in (below, *below.parents) if folder in (level, *level.parents))


def _held_back(root: Path) -> Tuple[Optional[float], Optional[float]]:
    """Periods and seconds in which a cgroup's limit stopped us: the largest over its levels."""
    periods: List[float] = []
    seconds: List[float] = []
    for file in _cgroup_files(root):
        values = dict(line.split() for line in (tree.read(str(file)) or "").splitlines())
        if "nr_throttled" in values:
            periods.append(int(values["nr_throttled"]))
            v1 = int(values.get("throttled_time", 0)) / 1e9
            seconds.append(int(values["throttled_usec"]) / 1e6 if "throttled_usec" in values else v1)
    return max(periods, default=None), max(seconds, default=None)


def _pressure(root: Path) -> Optional[float]:
    for line in (tree.read(str(root / "proc/pressure/cpu")) or "").splitlines():
        if line.startswith("some "):
            return int(line.rpartition("total=")[2]) / 1e6
    return None


def _waited() -> Optional[float]:
    """Seconds of this process's threads on a run queue: the second field of schedstat, nanoseconds."""
    me = os.getpid()
    fields = [(tree.read("/proc/%d/task/%s/schedstat" % (me, thread)) or "").split() for thread in tree.threads(me)]
    known = [int(row[1]) for row in fields if len(row) > 1]
    return round(sum(known) / 1e9, 6) if known else None


def core_mhz(root: Path = ROOT) -> Optional[float]:
    """The clock of the core that this process ran on last, MHz."""
    fields = tree.stat(os.getpid())
    core = int(fields[36]) if len(fields) > 36 else CORES[0]
    said = tree.read(str(root / ("sys/devices/system/cpu/cpu%d/cpufreq/scaling_cur_freq" % core)))
    if said and said.strip().isdigit():
        return int(said) / 1e3
    blocks = (tree.read(str(root / "proc/cpuinfo")) or "").split("\n\n")
    for block in blocks:
        values = dict(line.replace("\t", "").split(":", 1) for line in block.splitlines() if ":" in line)
        if values.get("processor", "").strip() == str(core) and "cpu MHz" in values:
            return float(values["cpu MHz"])
    return None
