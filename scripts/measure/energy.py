"""Energy of a trial: of the CPU packages by their own counters (RAPL, through Linux's powercap), of a GPU by NVML's.

How it is done: the worker reads each package's `energy_uj` right before its first and right after its last sample, so
that import, load and warm-up are left out; a counter that started again from zero in between is unwrapped by
`max_energy_range_uj`. What the idle machine takes in that time is subtracted. Its power is read once per session, over
a second before the first trial (two if the first was busy), with nothing of ours running, and kept beside the host's
record under the boot's id. Counters tick every millisecond: windows below half a second are not given. They count the
whole package, so other processes' work counts too; such trials are marked as disturbed.
(Khan et al., RAPL in Action, ACM TOMPECS 2018.)

A candidate on a GPU is told by that GPU's counter alone. It ticks every 100 ms at most: windows below 2 s are not
given. (Yang, Adamek, Armour, Part-time Power Measurements: nvidia-smi's Lack of Attention, SC 2024.)
Standard library only, Python 3.8 on: `read` runs in the worker, the rest in the supervisor. `root` is "/" but in tests.
"""

import json
import time
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

from scripts.core import tree
from scripts.core.verb import write_json
from scripts.measure import counters
from scripts.nvidia import nvml
from scripts.nvidia.device import is_gpu

Counters = Dict[str, int]
"""Microjoules by counter, such as `intel-rapl:0`."""

DOMAINS = "sys/class/powercap"
LEAST_WINDOW_S = 0.5
LEAST_GPU_WINDOW_S = 2.0
"""RAPL's counter is up to 1 ms old, NVML's up to 100 ms: 0.4 and 10 % of these windows at worst, both ends together."""
IDLE_WINDOW_S = 1.0
IDLE_MAY_BE_BUSY = 0.1
"""Share of the usable cores that other processes may use while idle power is read. One busy core in ten draws watts."""


class Idle(NamedTuple):
    """Power of the idle machine: watts, and the share of the usable cores that was busy meanwhile."""

    watts: float
    busy_share: Optional[float]


def packages(root: Path = counters.ROOT) -> List[Path]:
    """Folders of the CPU packages. (Others are parts of these, or the whole platform, `psys`.)"""
    folders = sorted((root / DOMAINS).glob("intel-rapl:*"))
    return [folder for folder in folders if (tree.read(str(folder / "name")) or "").startswith("package")]


def read(root: Path = counters.ROOT, device: str = "cpu") -> Counters:
    """The counters of `device` at this moment; empty where they are not there or not allowed."""
    if is_gpu(device):
        return nvml.energy_uj(device)
    texts = {folder.name: tree.read(str(folder / "energy_uj")) for folder in packages(root)}
    return {name: int(text) for name, text in texts.items() if text}


def least_window_s(device: str) -> float:
    """The shortest window whose energy is told, in seconds."""
    return LEAST_GPU_WINDOW_S if is_gpu(device) else LEAST_WINDOW_S


def obstacle(device: str, mode: str, root: Path = counters.ROOT) -> Optional[str]:
    """Why the energy of a candidate on `device`, measured in `mode`, cannot be read here; None if it can."""
    if mode == "serving":
        return "not read in serving mode, which tries many rates"
    if is_gpu(device):
        return None if read(root, device) else "not readable here: this GPU's driver has no energy counter"
    found = packages(root)
    if not found:
        return "not readable here: no RAPL counters"
    if not read(root):
        return "not readable here: only root may read the RAPL counters; `sudo chmod a+r %s` allows it until reboot" % (
            "/%s/intel-rapl:*/energy_uj" % DOMAINS
        )
    return None


def spent_j(before: Counters, after: Counters, root: Path = counters.ROOT) -> Optional[float]:
    """Joules between two readings; None without a counter that is in both."""
    total = None
    for name in set(before) & set(after):
        used = after[name] - before[name]
        if used < 0:  # the counter started again
            used += int(tree.read(str(root / DOMAINS / name / "max_energy_range_uj")) or 0)
        total = (total or 0.0) + used / 1e6
    return total


def idle(kept: Path, session: str, root: Path = counters.ROOT, device: str = "cpu") -> Optional[Idle]:
    """The idle machine's power: as kept in file `kept` for this boot and session, else read now, which takes 1 or 2 s.

    None, and no time, where there are no counters. Call it with the machine to yourself.
    """
    if not read(root, device):
        return None
    boot = (tree.read(str(root / "proc/sys/kernel/random/boot_id")) or "").strip()
    try:
        values = json.loads(kept.read_text())
        if (values["boot_id"], values["session"]) == (boot, session):
            return Idle(values["idle_w"], values["busy_share"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not there yet, or of another make
    found = _measure_idle(root, device)
    if _too_busy(found):  # once more: what started this job may just have been at work
        found = min(found, _measure_idle(root, device))
    write_json(kept, {"boot_id": boot, "session": session, "idle_w": found.watts, "busy_share": found.busy_share})
    return found


def _measure_idle(root: Path, device: str) -> Idle:
    before, energy = counters.host(root), read(root, device)
    time.sleep(LEAST_GPU_WINDOW_S if is_gpu(device) else IDLE_WINDOW_S)
    after, spent = counters.host(root), spent_j(energy, read(root, device), root) or 0.0
    seconds = (after["clock_s"] or 0.0) - (before["clock_s"] or 0.0)
    busy = None
    if after["busy_s"] is not None and before["busy_s"] is not None:
        busy = (after["busy_s"] - before["busy_s"]) / seconds / len(counters.CORES)
    return Idle(spent / seconds, busy)


def _too_busy(idle: Idle) -> bool:
    return idle.busy_share is not None and idle.busy_share > IDLE_MAY_BE_BUSY


def settle(
    window: Dict[str, Dict[str, Any]], idle: Optional[Idle], device: str, mode: str, root: Path = counters.ROOT
) -> Dict[str, Any]:
    """A trial's `energy`: joules above idle (None with the reason), idle watts, seconds of the window.

    `window` is `samplers.Window.facts`.
    """
    if not window:
        return {"joules": None, "idle_w": None, "window_s": None, "reason": "the counters were not read"}
    before, after = window["before"], window["after"]
    seconds = after["clock_s"] - before["clock_s"]
    told = {"idle_w": round(idle.watts, 3) if idle else None, "window_s": round(seconds, 3)}
    spent = spent_j(before["energy_uj"], after["energy_uj"], root)
    if is_gpu(device):
        is_long = seconds >= least_window_s(device)
        told["power_w"] = round(spent / seconds, 1) if spent is not None and is_long else None
    reason = obstacle(device, mode, root) or _unsure(spent, seconds, idle, least_window_s(device))
    if reason is not None or spent is None or idle is None:
        return {"joules": None, **told, "reason": reason}
    return {"joules": round(spent - idle.watts * seconds, 4), **told, "reason": None}


def _unsure(spent: Optional[float], seconds: float, idle: Optional[Idle], least: float) -> Optional[str]:
    """Why readable counters still give no figure."""
    if spent is None or idle is None:
        return "not readable here: the counters stopped answering"
    if seconds < least:
        return "samples for %.2f s, and energy needs %g s" % (seconds, least)
    if _too_busy(idle):
        return "the machine was not idle when its idle power was read: %.0f %% busy" % (100 * (idle.busy_share or 0))
    if spent <= idle.watts * seconds:
        return "no more than the idle machine takes"
    return None
