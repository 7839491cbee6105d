"""How a study's page writes what a row holds, and what the original said."""

from collections.abc import Callable, Sequence

import pandas as pd

from scripts.report.originals import Values
from scripts.report.study_rows import Line
from scripts.report.wording import (
    FAILED_GATE,
    is_untrained,
    known,
    listed,
    megabytes,
    number,
    percent,
    percents,
    seconds,
    sentence,
    span,
)  # fmt: skip
from scripts.stats.intervals import Interval
from scripts.stats.quantiles import MIN_TRIALS, samples_needed

P99 = 0.99


def with_span(point: str, lo: object, hi: object) -> str:
    """`5.31 (5.21 to 5.43)`; the point alone where there is no interval."""
    bounds = span(lo, hi)
    return f"{point} ({bounds})" if point and bounds else point


def interval(told: Interval | None) -> str:
    """A ratio with its interval; one of rows that were measured apart says so."""
    if told is None:
        return ""
    return with_span(number(told.point), told.lo, told.hi) if told.lo else f"{number(told.point)}, without an interval"


def _spread(name: str, unit: str) -> Callable[[pd.Series], str]:
    def told(cells: pd.Series) -> str:
        ends = [cells[f"{name}_{end}_{unit}"] for end in ("lo", "hi")]
        return with_span(number(cells[f"{name}_{unit}"]), *ends)

    return told


def _plain(name: str) -> Callable[[pd.Series], str]:
    return lambda cells: number(cells[name])


def _trimmed(cells: pd.Series) -> str:
    deviation = number(cells["std_ms"])
    return f"{number(cells['trimmed_mean_ms'])} ({deviation})" if deviation else number(cells["trimmed_mean_ms"])


def _speedup(cells: pd.Series) -> str:
    return with_span(number(cells["speedup"]), cells["speedup_lo"], cells["speedup_hi"])


def _compile(cells: pd.Series) -> str:
    """Wall seconds of what had the machine to itself, else CPU seconds."""
    if known(cells["compile_s"]):
        return seconds(cells["compile_s"])
    return f"{seconds(cells['compile_cpu_s'])} of CPU" if known(cells["compile_cpu_s"]) else "nothing compiles"


def _power(cells: pd.Series) -> str:
    """A GPU's own watts, else what the energy of an item comes to at this rate."""
    joules = cells["energy_j"]
    if known(cells["power_w"]) or not known(joules):
        return number(cells["power_w"])
    return number(joules * cells["throughput_per_s"])


def _tflops(cells: pd.Series) -> str:
    share = percent(cells["peak_share"])
    return f"{number(cells['tflops'])} ({share})" if share else number(cells["tflops"])


def _accuracy(cells: pd.Series) -> str:
    if is_untrained(str(cells["weights"])):
        return ""
    ends = percents(*(cells[f"top1_accuracy_{end}"] for end in ("lo", "hi")))
    bounds = f" ({ends}, {cells['labelled']} photos)" if ends else ""
    return percent(cells["top1_accuracy"]) + bounds


COLUMNS: dict[str, tuple[str, Callable[[pd.Series], str]]] = {
    "median": ("median ms", _spread("median", "ms")),
    "trimmed": ("trimmed mean ms (standard deviation)", _trimmed),
    "p99": ("P99 ms", _plain("p99_ms")),
    "tail": ("P99/P50", _plain("tail_ratio")),
    "rate": ("items/s", _spread("throughput", "per_s")),
    "speedup": ("over eager fp32", _speedup),
    "compile": ("compiling", _compile),
    "memory": ("host memory MB", _plain("peak_rss_mb")),
    "gpu_memory": ("GPU memory MB", _plain("gpu_mem_mb")),
    "power": ("power W", _power),
    "tflops": ("TFLOP/s (of the measured peak)", _tflops),
    "size": ("file", lambda cells: megabytes(cells["artifact_bytes"])),
    "accuracy": ("accuracy on the test photos", _accuracy),
}
"""What a study may ask its table to show: header, and how a row's cell is written."""

SAID = {
    "ms": "{} ms", "std_ms": "standard deviation {} ms", "per_s": "{}/s", "gpu_mem_mb": "GPU memory {} MB",
    "tflops": "{} TFLOP/s", "peak_percent": "{} % of peak", "compile_s": "compiling {} s",
}  # fmt: skip
"""The original's figures, as they are told."""


def said(values: Values) -> str:
    """What the original told of a candidate under a workload, as it told it."""
    return ", ".join(text.format(values[name]) for name, text in SAID.items() if name in values)


def workload(batches: Sequence[int | None], sizes: Sequence[int | None]) -> tuple[str, str]:
    """Batch and image size as text."""
    batch, size = (", ".join(str(each) for each in kinds if each) for kinds in (batches, sizes))
    return batch, size


def note(line: Line) -> str:
    """What is to be said beside a line's figures, or instead of them."""
    if line.reason or line.cells is None:
        return line.reason
    told = [str(line.cells["reason"])] if known(line.cells["reason"]) else []
    if known(line.cells["int8_share"]) and line.asked.precision.startswith("int8"):
        told.append(f"{percent(line.cells['int8_share'])} of its multiplications in integers")
    if known(line.cells["gate"]) and line.cells["gate"] == "fail":
        told.append(f"{FAILED_GATE} ({number(line.cells['sqnr_db'])} dB)")
    return "; ".join(told)


def remarks(found: Sequence[Line], columns: Sequence[str]) -> list[str]:
    """Why cells of the table are empty though their rows measured."""
    measured = [line.cells for line in found if line.cells is not None and not line.reason]
    told = []
    if "p99" in columns and any(not known(cells["p99_ms"]) for cells in measured):
        told.append(
            f"A P99 takes {samples_needed(P99)} requests over {MIN_TRIALS} processes or more; where there are fewer, it"
            " is left empty."
        )
    reasons = list(dict.fromkeys(str(cells["energy_reason"]) for cells in measured if known(cells["energy_reason"])))
    if "power" in columns and reasons:
        told.append(sentence(f"Power, where it is empty: {listed(reasons)}"))
    return told
