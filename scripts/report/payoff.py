"""When compiling has paid: how many inferences until what came before the first answer is earned back.

Before its first answer a candidate costs its compilation and its cold start; each inference then saves what it is
faster by than the baseline, eager PyTorch in fp32, which compiles nothing. Bounds are those of the least favourable
and the most favourable ends of all intervals together: wider than 95 %, never narrower.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scripts.report.relations import is_baseline, workload

Key = tuple[Any, ...]
Values = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """A candidate's total time: `outlay` seconds, then `each` seconds an inference."""

    outlay: float
    each: float

    def total(self, inferences: float) -> float:
        """Seconds from nothing to the last answer."""
        return self.outlay + self.each * inferences


def compile_s(row: Mapping[str, Any]) -> float:
    """Seconds of compiling: wall time where it is known, else CPU time; none where nothing compiles."""
    return next((float(row[name]) for name in ("compile_s", "compile_cpu_s") if row.get(name) is not None), 0.0)


def outlay(row: Mapping[str, Any], end: str = "") -> float | None:
    """Seconds before the first answer: compiling and a cold start; `end`, as `_lo`, of its interval."""
    cold = row.get(f"cold_start{end}_s")
    return None if cold is None else compile_s(row) + float(cold)


def line(row: Mapping[str, Any], location: str) -> Line | None:
    """A row's total time against the number of inferences; None where it was not measured."""
    before, each = outlay(row), row.get(f"{location}_ms")
    return None if before is None or each is None else Line(before, each / 1e3 / row["batch"])


def payoffs(rows: Mapping[Key, Values], location: str) -> dict[Key, Values]:
    """`break_even_inferences` of each row in latency mode, with its bounds.

    Zero where a candidate starts as soon as the baseline; empty where it never earns its outlay back. An upper bound
    is empty where it may never, both are where a figure has no interval.
    """
    latency = {key: row for key, row in rows.items() if row["mode"] == "latency" and row["status"] == "ok"}
    baselines = {workload(row): row for row in latency.values() if is_baseline(row)}
    found: dict[Key, Values] = {}
    for key, row in latency.items():
        baseline = baselines.get(workload(row))
        if baseline is not None and baseline is not row:
            found[key] = _payoff(row, baseline, location)
    return found


def _payoff(row: Values, baseline: Values, location: str) -> Values:
    point = _inferences(row, baseline, location, "", "")
    if point is None:
        return {}
    least = _inferences(row, baseline, location, "_lo", "_hi")
    most = _inferences(row, baseline, location, "_hi", "_lo")
    return {"break_even_inferences": point, "break_even_lo": least, "break_even_hi": most}


def _inferences(row: Values, baseline: Values, location: str, own: str, others: str) -> float | None:
    """Inferences that earn a row's outlay back, taken at one end of its interval and at the other of all else.

    None where a figure has no interval, or each inference costs time.
    """
    before, instead = outlay(row, own), outlay(baseline, others)
    base_ms, faster = baseline.get(f"{location}{others}_ms"), row.get(f"speedup{others}")
    if before is None or instead is None or base_ms is None or faster is None:
        return None
    if before <= instead:
        return 0.0
    saved_s = base_ms / 1e3 * (1 - 1 / faster) / row["batch"]
    return (before - instead) / saved_s if saved_s > 0 else None


@dataclass(frozen=True)
class Stretch:
    """From how many inferences on a candidate is done first, by its place among the lines."""

    start: float
    place: int


def stretches(lines: Sequence[Line]) -> list[Stretch]:
    """Which line is lowest for each number of inferences from 1 on: the lower envelope, from left to right."""
    start = 1.0
    place = min(range(len(lines)), key=lambda i: (lines[i].total(start), lines[i].each))
    found = [Stretch(start, place)]
    while True:
        now = lines[place]
        crossings = [
            ((other.outlay - now.outlay) / (now.each - other.each), other.each, i)
            for i, other in enumerate(lines)
            if other.each < now.each
        ]
        if not crossings:
            return found
        start, _, place = min(crossings)
        found.append(Stretch(max(start, found[-1].start), place))
