"""What rows say of each other: speed-ups, slow phases of the host, standings in the finals."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scripts.core import paths
from scripts.report.answers import MAY_BE_BEST, TOLD_APART
from scripts.report.finalists import Finalist, Finals, read_finals
from scripts.report.reading import DEVICE, Trial
from scripts.report.rows import KEY
from scripts.stats.comparison import paired_ratio
from scripts.stats.intervals import LOCATIONS, Interval, log_location, t_interval
from scripts.stats.phases import Moment, slow

BASELINE = ("pytorch", "fp32", "default")

Key = tuple[Any, ...]
Values = dict[str, Any]
Trials = Mapping[Key, Sequence[Trial]]


def is_baseline(values: Mapping[str, Any]) -> bool:
    """Whether a candidate is what speed-ups are told against."""
    return (values["runtime"], values["precision"], values["variant"]) == BASELINE


def workload(values: Mapping[str, Any]) -> tuple[Any, ...]:
    """What two rows share that are told against each other."""
    kind = str(values["device"]).partition(":")[0]
    return (kind, *(values[name] for name in ("host", "model", "weights", "batch", "image_size", "mode", "threads")))


def _logs(trials: Sequence[Trial], location: str) -> dict[tuple[str, int], float]:
    return {trial.round: trial.log_location(location) for trial in trials}


def speedups(rows: Mapping[Key, Values], trials: Trials, location: str) -> dict[Key, Values]:
    """`speedup` of each row against eager PyTorch in fp32 with the same workload, threads and kind of device; on a GPU
    also `device_speedup`, of the time on the GPU alone.

    Paired over the rounds of one session. Rows that were measured apart have a point and no interval: what the host
    did between the sessions cannot be told from what the candidates differ by.
    """
    baseline = {
        workload(row): key for key, row in rows.items() if is_baseline(row) and row["status"] == "ok" and trials[key]
    }
    found: dict[Key, Values] = {}
    for key, row in rows.items():
        reference = baseline.get(workload(row))
        if reference is not None and trials[key]:
            found[key] = _speedup(_logs(trials[reference], location), _logs(trials[key], location))
            there, here = _device_logs(trials[reference]), _device_logs(trials[key])
            if there and here:
                on_device = _speedup(there, here)
                found[key] |= {f"device_{name}": value for name, value in on_device.items()}
    return found


def _device_logs(trials: Sequence[Trial]) -> dict[tuple[str, int], float]:
    """By round, the logarithm of the typical request by the GPU's own clock, of trials that have one."""
    return {
        trial.round: log_location(trial.raw[DEVICE], LOCATIONS["median"]) for trial in trials if DEVICE in trial.raw
    }


def ratio(old: Sequence[Trial], new: Sequence[Trial], location: str) -> Interval:
    """How many times as fast `new` is as `old`, paired over the rounds that they share; a point alone where they were
    measured apart. Both have trials."""
    return _ratio(_logs(old, location), _logs(new, location))


def _ratio(old: dict[Any, float], new: dict[Any, float]) -> Interval:
    if not old.keys() & new.keys():
        return Interval(float(np.exp(np.mean(list(old.values())) - np.mean(list(new.values())))), None, None)
    return paired_ratio(old, new)


def _speedup(reference: dict[Any, float], ours: dict[Any, float]) -> Values:
    found = _ratio(reference, ours)
    return {"speedup": found.point, "speedup_lo": found.lo, "speedup_hi": found.hi}


def host_phases(trials: Trials) -> dict[Key, Values]:
    """`host_phase` of each row: in how many of its trials its host was slow, by all candidates' trials together."""
    groups: dict[tuple[str, str], list[tuple[Key, Trial]]] = {}
    for key, each in trials.items():
        for trial in each:
            groups.setdefault((key[0], trial.round[0]), []).append((key, trial))
    marked: dict[Key, int] = {key: 0 for key, each in trials.items() if each}
    for group in groups.values():
        moments = [
            Moment(key, float(trial.record.get("started") or 0), trial.log_location("median")) for key, trial in group
        ]
        for (key, _), was_slow in zip(group, slow(moments), strict=True):
            marked[key] += was_slow
    return {key: {"host_phase": _phase(count, len(trials[key]))} for key, count in marked.items()}


def _phase(count: int, total: int) -> str:
    return f"slow in {count} of {total} trials" if count else "usual"


def all_finals(roots: Mapping[str, Path]) -> list[Finals]:
    """The finals of all hosts. roots: each host's folder of records."""
    records = [Path(paths.finals_record(str(root), host)) for host, root in sorted(roots.items())]
    return [each for record in records for each in read_finals(record)]


def standings(finals: Sequence[Finals], location: str) -> dict[Key, Values]:
    """What the finals say of each row that took part to win: its time a request, its speed-up, whether it may be the
    best."""
    found: dict[Key, Values] = {}
    for each in finals:
        told = each.standings(location)
        may_be_best = {standing.name: standing.may_be_best for standing in told.standings} if told else {}
        baseline = next((f for f in each.finalists if is_baseline(dict(zip(KEY, f.key, strict=True)))), None)
        for finalist in each.finalists:
            if not finalist.trials or finalist.guest:
                continue
            point, lo, hi = t_interval([trial.log_location(location) for trial in finalist.trials])
            named = location if finalist.trials[0].mode == "latency" else "mean"
            rank = MAY_BE_BEST if may_be_best.get(finalist.name) else TOLD_APART
            found[finalist.key] = {
                "finals_ms": point, "finals_lo_ms": lo, "finals_hi_ms": hi, "finals_location": named,
                "rank_set": rank if finalist.name in may_be_best else None,
            } | _finals_speedup(baseline, finalist, location)  # fmt: skip
    return found


def _finals_speedup(baseline: Finalist | None, finalist: Finalist, location: str) -> Values:
    """How many times as fast as the baseline, from the rounds of the finals that both measured."""
    if baseline is None or len({trial.round for trial in baseline.trials}) < 2:
        return {}
    found = _speedup(_logs(baseline.trials, location), _logs(finalist.trials, location))
    return {f"finals_{name}": value for name, value in found.items()}
