"""What disturbed a trial, in short plain phrases. Disturbed trials stay in and are marked.

Judged over the time in which the samples were taken: what happens while a toolchain is imported disturbs no sample.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Counters = Mapping[str, Any]

OTHERS_CORES = 0.1
"""Cores that others may use beyond those that the trial leaves free: idle daemons use about 0.02, and the tick-based
/proc/stat is wrong by about one tick in a hundred."""
OTHERS_SHARE = 0.03
"""The same, as a share of the usable cores: on many cores small errors add up."""
BUSY_HOST_SHARE = 0.25
"""Others on cores that the trial leaves free still take cache, memory bandwidth and turbo clock."""
WAITED_SHARE = 0.02
"""Share of its time that a ready thread may wait for a core: less than what is worth telling apart (5 %)."""
STEAL_SHARE = 0.01
"""Share of the cores' time that the hypervisor may give to another machine."""
HELD_BACK_PERIODS = 1
"""One period in which a CPU limit stopped us is up to 100 ms, longer than most samples."""
MAJOR_FAULTS = 10
"""Each waits for the disc, 0.1 to 10 ms; this many can move a 99th percentile."""
CLOCK_SHARE = 0.9
"""A clock below this share of the one before: turbo steps within a run are smaller."""


def difference(before: Counters, after: Counters, name: str) -> float | None:
    """How far a counter went; None where it was not read."""
    first, last = before.get(name), after.get(name)
    return None if first is None or last is None else last - first


def reasons(before: Counters, after: Counters, wall_s: float, cpu_s: float, threads: int, cores: int) -> list[str]:
    """Why the samples between the readings `before` and `after` may not be the candidate's alone; empty if nothing.

    wall_s, cpu_s: the time between the readings, and the CPU time of the trial's own processes in it.
    threads: that the trial keeps busy; cores: that it may use. Counters that were not read disturb nothing.
    """
    if wall_s <= 0:
        return []
    return [
        *_others(difference(before, after, "busy_s"), wall_s, cpu_s, threads, cores),
        *_waited(difference(before, after, "waited_s"), wall_s, threads, cores),
        *_host(before, after, wall_s, cores),
        *_clock(before.get("core_mhz"), after.get("core_mhz")),
    ]


def others_cores(busy_s: float | None, wall_s: float, cpu_s: float) -> float | None:
    """How many cores all other processes used on average."""
    return None if busy_s is None else max(0.0, (busy_s - cpu_s) / wall_s)


def _others(busy_s: float | None, wall_s: float, cpu_s: float, threads: int, cores: int) -> Iterator[str]:
    others = others_cores(busy_s, wall_s, cpu_s)
    if others is None:
        return
    free = cores - min(threads, cores)
    crowded = others > free + max(OTHERS_CORES, OTHERS_SHARE * cores)
    if crowded or others > max(OTHERS_CORES, BUSY_HOST_SHARE * cores):
        yield f"other processes used {others:.1f} of {cores} cores"


def _waited(waited_s: float | None, wall_s: float, threads: int, cores: int) -> Iterator[str]:
    if waited_s is None or threads > cores:  # then its own threads wait for each other
        return
    share = waited_s / (wall_s * max(1, threads))
    if share > WAITED_SHARE:
        yield f"its threads waited for a core {_percent(share)} of the time"


def _host(before: Counters, after: Counters, wall_s: float, cores: int) -> Iterator[str]:
    steal = difference(before, after, "steal_s") or 0.0
    if steal > STEAL_SHARE * wall_s * cores:
        yield f"the hypervisor took the cores {_percent(steal / wall_s / cores)} of the time (steal)"
    if (difference(before, after, "held_back") or 0) >= HELD_BACK_PERIODS:
        held_s = difference(before, after, "held_back_s") or 0.0
        yield f"held back {held_s:.1f} s by the container's CPU limit"
    if (difference(before, after, "throttle_events") or 0) > 0:
        yield "CPU throttled against heat"
    if (faults := difference(before, after, "major_faults") or 0) >= MAJOR_FAULTS:
        yield f"{faults:.0f} major page faults"


def _clock(before: float | None, after: float | None) -> Iterator[str]:
    if before and after and after < CLOCK_SHARE * before:
        yield f"clock fell from {before / 1e3:.1f} to {after / 1e3:.1f} GHz"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def run(before: Counters, after: Counters) -> dict[str, float | None]:
    """What a trial's record keeps of the time of its samples: how far each counter went, and the clock at both ends."""
    names = [name for name in after if isinstance(after[name], int | float) and name not in ("clock_s", "core_mhz")]
    moved = {name: difference(before, after, name) for name in names}
    wall_s = after["clock_s"] - before["clock_s"]
    return {
        "wall_s": round(wall_s, 3),
        **{name: None if value is None else round(value, 4) for name, value in moved.items()},
        "others_cores": others_cores(moved.get("busy_s"), wall_s, moved.get("cpu_s") or 0.0),
        "mhz_before": before.get("core_mhz"),
        "mhz_after": after.get("core_mhz"),
    }
