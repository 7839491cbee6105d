"""What the trials of one row say: milliseconds, items per second, seconds of cold start, megabytes, joules."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import trim_mean

from scripts.nvidia.device import is_gpu
from scripts.report.reading import DEVICE, Record, Trial
from scripts.report.rows import Row
from scripts.stats.intervals import LOCATIONS, Array, Interval, log_location, t_interval
from scripts.stats.quantiles import quantile, quantile_interval
from scripts.stats.verdicts import Verdict, verdict

PHASES = ("import_s", "load_s", "first_call_s")
TRIMMED = 0.1
"""Cut off at each end for `trimmed_mean_ms`."""
MEMORY = ("import", "load", "first_call", "run")

Values = dict[str, Any]


def median(values: Sequence[float | None]) -> float | None:
    """The median of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def interval_of(trials: Sequence[Trial], location: str) -> Interval:
    """A row's location over its trials, ms a request."""
    return t_interval([trial.log_location(location) for trial in trials])


def judged(trials: Sequence[Trial], location: str, resolution: float) -> Verdict:
    """What kind of data a row in latency mode has, in the order of time."""
    ordered = sorted(trials, key=lambda trial: float(trial.record.get("started") or 0))
    return verdict([trial.latency for trial in ordered], interval_of(trials, location), resolution)


def _peaks(trial: Record) -> dict[str, float | None]:
    """Peak resident memory by phase without the bare interpreter's, MB."""
    baseline = trial.number("memory", "baseline_mb")
    phases = {phase: trial.number("memory", f"{phase}_mb") for phase in MEMORY}
    return {
        phase: value - baseline if value is not None and baseline is not None else None
        for phase, value in phases.items()
    }


def memory(records: Sequence[Record]) -> Values:
    """Megabytes: the peak over all phases, and of the phases that one asks about."""
    peaks = [_peaks(record) for record in records]
    whole = [max((v for v in peak.values() if v is not None), default=None) for peak in peaks]
    run = [max((v for v in (p["first_call"], p["run"]) if v is not None), default=None) for p in peaks]
    return {
        "peak_rss_mb": median(whole), "peak_rss_import_mb": median([peak["import"] for peak in peaks]),
        "peak_rss_load_mb": median([peak["load"] for peak in peaks]), "peak_rss_run_mb": median(run),
    }  # fmt: skip


def cold_start(records: Sequence[Record]) -> Values:
    """Seconds from the import of the runtime to the end of the first call, with the interval over trials."""
    phases: Values = {name: median([record.number("phases", name) for record in records]) for name in PHASES}
    parts = [[record.number("phases", name) for name in PHASES] for record in records]
    totals = [sum(part) for part in parts if None not in part]  # type: ignore[arg-type]
    if not totals:
        return phases
    whole = t_interval([float(np.log(total)) for total in totals])
    return phases | {"cold_start_s": whole.point, "cold_start_lo_s": whole.lo, "cold_start_hi_s": whole.hi}


def energy(trials: Sequence[Trial], batch: int) -> Values:
    """Joules per item over the trials that could read them, else why not; watts under load, idle included; of a GPU
    also its utilization, %."""
    spent = [(trial.record.number("energy", "joules"), trial.samples * batch) for trial in trials]
    reasons = [trial.record.text("energy", "reason") for trial in trials]
    power = median([_watts(trial.record) for trial in trials])
    util = median([trial.record.number("conditions", "gpu", "after", "util_pct") for trial in trials])
    per_item = median([joules / items if joules is not None else None for joules, items in spent])
    load = {"power_w": power, "gpu_util_pct": util}
    return load | {"energy_j": per_item, "energy_reason": None if per_item else next((r for r in reasons if r), None)}


def _watts(trial: Record) -> float | None:
    """Mean power under load, idle included: a GPU's as recorded, the CPU package's from what it took beyond idle."""
    told = trial.number("energy", "power_w")
    joules, idle, seconds = (trial.number("energy", name) for name in ("joules", "idle_w", "window_s"))
    if told is not None or joules is None or idle is None or not seconds:
        return told
    return idle + joules / seconds


def _rates(batch: int, request: Interval) -> Values:
    """Items per second, with the interval of `request`, ms: a fast request is a high rate."""
    bounds = {"lo": request.hi, "hi": request.lo}
    values = {f"throughput_{end}_per_s": batch * 1e3 / bound if bound else None for end, bound in bounds.items()}
    return {"throughput_per_s": batch * 1e3 / request.point} | values


def _latency(trials: Sequence[Trial], batch: int, location: str, resolution: float) -> Values:
    samples: list[Array] = [trial.latency for trial in trials]
    usual, fast = interval_of(trials, "median"), interval_of(trials, "p10")
    execute = t_interval([log_location(trial.execute, LOCATIONS["median"]) for trial in trials])
    p90, p99 = quantile_interval(0.90, samples), quantile_interval(0.99, samples)
    tail = quantile(0.99, samples)
    return {
        "median_ms": usual.point, "median_lo_ms": usual.lo, "median_hi_ms": usual.hi,
        "p10_ms": fast.point, "p10_lo_ms": fast.lo, "p10_hi_ms": fast.hi,
        "mean_ms": t_interval([log_location(values, np.mean) for values in samples]).point,
        "trimmed_mean_ms": t_interval([log_location(values, _trimmed) for values in samples]).point,
        "std_ms": _deviation(samples),
        "p90_ms": quantile(0.90, samples), "p90_lo_ms": p90 and p90[0], "p90_hi_ms": p90 and p90[1],
        "p99_ms": tail, "p99_lo_ms": p99 and p99[0], "p99_hi_ms": p99 and p99[1],
        "p999_ms": quantile(0.999, samples),
        # p99 over the 50th percentile of the same requests, each trial counting alike.
        "tail_ratio": tail / float(quantile(0.5, samples) or np.nan) if tail else None,
        "verdict": judged(trials, location, resolution).name,
        "execute_ms": execute.point, "device_ms": _on_device(trials),
        # Share of put and get in the typical request. execute <= whole in every sample, so it is never negative.
        "copy_share": 1 - execute.point / usual.point,
        **_rates(batch, usual),
    }  # fmt: skip


def _trimmed(values: Array) -> "np.floating[Any]":
    """The mean without the fastest and the slowest tenth."""
    found: np.floating[Any] = trim_mean(values, TRIMMED)
    return found


def _deviation(samples: Sequence[Array]) -> float | None:
    """The standard deviation within a process: trials weigh alike, whatever their number of samples."""
    variances = [float(np.var(values, ddof=1)) for values in samples if len(values) > 1]
    return float(np.sqrt(np.mean(variances))) if variances else None


def _on_device(trials: Sequence[Trial]) -> float | None:
    """The typical request by the GPU's own clock, ms; None without such a clock."""
    known = [trial.raw[DEVICE] for trial in trials if DEVICE in trial.raw]
    return t_interval([log_location(values, LOCATIONS["median"]) for values in known]).point if known else None


def work_ms(row: Row, trials: Sequence[Trial]) -> float | None:
    """A request's time without copies, ms: a typical request's by the GPU's clock, or `execute` at its fast location on
    the CPU. None where none was measured."""
    if row.mode != "latency" or not trials:
        return None
    if is_gpu(row.device):
        return _on_device(trials)
    return t_interval([log_location(trial.execute, LOCATIONS["p10"]) for trial in trials]).point


def _streams(trials: Sequence[Trial]) -> int | None:
    """The number of streams that most trials found best; the fewest among equals."""
    counts = [int(trial.record.values["streams"]) for trial in trials if trial.record.get("streams")]
    return max(sorted(set(counts)), key=counts.count) if counts else None


def timing(row: Row, trials: Sequence[Trial], location: str, resolution: float) -> Values:
    """The figures of a row. Latency under load is none of them: it is not what one request alone takes."""
    if not trials:
        return {}
    records = [trial.record for trial in trials]
    if row.mode == "latency":
        values = _latency(trials, row.batch, location, resolution)
    else:
        values = _rates(row.batch, interval_of(trials, location)) | {"streams": _streams(trials)}
    on_gpu = median([bytes_ / 1e6 if (bytes_ := each.number("device_memory_bytes")) else None for each in records])
    return values | {"gpu_mem_mb": on_gpu} | memory(records) | cold_start(records) | energy(trials, row.batch) | {
        "samples": sum(trial.samples for trial in trials),
        "placement": next((text for record in records if (text := record.text("placement", "summary"))), None),
        "disturbed_trials": sum(bool(record.get("disturbed")) for record in records),
    }  # fmt: skip
