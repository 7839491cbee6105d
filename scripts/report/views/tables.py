"""The tables: every row of a network on this host, and the same candidates on several machines."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from scripts.report.answers import Question
from scripts.report.palette import colour
from scripts.report.wording import FAILED_GATE, GATE, STATUS, candidate, known, number, percent, span


@dataclass(frozen=True)
class Cell:
    """What a cell shows, and what it sorts by (None: last)."""

    text: str
    sort: float | str | None = None
    kind: str = ""


@dataclass(frozen=True)
class Column:
    """A column: heading, unit, what it means, how to fill it."""

    head: str
    unit: str
    says: str
    cell: Callable[[pd.Series], Cell]


@dataclass(frozen=True)
class Line:
    """One row of a table. `reason` takes the place of `cells` in a row that has no figures."""

    name: str
    colour: str
    batch: int
    status: str  # of the row; `gate` where it ran and failed its gate
    label: str
    reason: str
    cells: tuple[Cell, ...]
    is_best: bool


def _figure(name: str, scale: float = 1.0, digits: int = 3) -> Callable[[pd.Series], Cell]:
    def cell(cells: pd.Series) -> Cell:
        value = cells[name]
        return Cell(number(value * scale, digits), float(value)) if known(value) else Cell("")

    return cell


def _share(name: str, digits: int = 3) -> Callable[[pd.Series], Cell]:
    def cell(cells: pd.Series) -> Cell:
        value = cells[name]
        return Cell(percent(value, digits), float(value)) if known(value) else Cell("")

    return cell


def _median(cells: pd.Series) -> Cell:
    return (
        Cell(number(cells["median_ms"]), float(cells["median_ms"]), "strong") if known(cells["median_ms"]) else Cell("")
    )


def _interval(cells: pd.Series) -> Cell:
    text = span(cells["median_lo_ms"], cells["median_hi_ms"])
    return Cell(text or "one trial", float(cells["median_lo_ms"]) if text else None, "" if text else "quiet")


def _gate(cells: pd.Series) -> Cell:
    value = cells["gate"]
    return Cell(GATE.get(value, value), value, f"gate-{value}") if known(value) else Cell("")


def _cold(cells: pd.Series) -> Cell:
    parts = cells[["import_s", "load_s", "first_call_s"]]
    return Cell(number(parts.sum(), 2), float(parts.sum())) if parts.notna().all() else Cell("")


COLUMNS = (
    Column("Median", "ms", "Time of a typical request: host array in, host array out", _median),
    Column("95 % interval", "ms", "Student's t over trials, one fresh process each", _interval),
    Column("p90", "ms", "One request in ten took longer; empty if the samples cannot say", _figure("p90_ms")),
    Column("p99", "ms", "One request in a hundred took longer; empty if the samples cannot say", _figure("p99_ms")),
    Column("Per second", "", "Batch over median: one request at a time", _figure("throughput_per_s")),
    Column("Speed-up", "x", "Against eager PyTorch in fp32 with the same workload and threads", _figure("speedup")),
    Column("Gate", "", "Whether the outputs are right enough for its precision", _gate),
    Column("Accuracy", "", "Labelled photos whose first class is right", _share("top1_accuracy")),
    Column("Size", "MB", "What is deployed, on disk", _figure("artifact_bytes", 1e-6)),
    Column("Memory", "MB", "Peak resident memory without the bare interpreter's", _figure("peak_rss_mb")),
    Column("Cold start", "s", "Import, load and first call", _cold),
    Column("Convert", "s", "From checkpoint to portable file", _figure("convert_s", digits=2)),
    Column("Compile", "s", "From portable file to this host's artifact", _figure("compile_s", digits=2)),
    Column("Execute", "ms", "The runtime's own part, without handing arrays over", _figure("execute_ms")),
    Column("Copies", "", "Share of the request spent handing arrays over", _share("copy_share", 2)),
    Column("Agreement", "", "Photos whose first class is the reference's", _share("top1_agreement")),
    Column("SQNR", "dB", "Size of the outputs over size of their error", _figure("sqnr_db")),
)


def lines(question: Question) -> list[Line]:
    """All rows of one network on this host: those with figures first, fastest first within a batch."""
    rows = question.rows.assign(_unmeasured=question.rows["median_ms"].isna())
    rows = rows.sort_values(["_unmeasured", "batch", "median_ms"], kind="stable")
    can_win = question.eligible
    best = set(can_win.sort_values("median_ms").drop_duplicates("batch").index)
    return [_line(cells, index in best) for index, cells in rows.iterrows()]


def _line(cells: pd.Series, is_best: bool) -> Line:
    measured = known(cells["median_ms"])
    status = "gate" if cells["status"] == "ok" and known(cells["gate"]) and cells["gate"] == "fail" else cells["status"]
    return Line(
        name=candidate(cells), colour=colour(cells["runtime"]), batch=int(cells["batch"]), status=status,
        label=STATUS.get(status, FAILED_GATE), reason=str(cells["reason"]) if known(cells["reason"]) else "",
        cells=tuple(column.cell(cells) for column in COLUMNS) if measured else (), is_best=is_best,
    )  # fmt: skip


@dataclass(frozen=True)
class Machines:
    """One network's candidates over several hosts: a line per candidate and batch, a cell per host."""

    model: str
    weights: str
    hosts: tuple[str, ...]
    lines: tuple[tuple[str, str, int, tuple[Cell, ...]], ...]


def machines(table: pd.DataFrame, model: str, weights: str) -> Machines:
    """Medians of one network's fp32-and-other candidates by host; a row that did not run says how it ended."""
    rows = table[(table["model"] == model) & (table["weights"] == weights) & (table["mode"] == "latency")]
    hosts = tuple(rows["host"].drop_duplicates())
    names = ["runtime", "precision", "variant", "device", "batch", "image_size"]
    found = []
    for _, group in rows.groupby(names, sort=False, dropna=False):
        by_host: dict[Any, pd.Series] = {cells["host"]: cells for _, cells in group.iterrows()}
        first = group.iloc[0]
        cells = tuple(_on_host(by_host.get(host)) for host in hosts)
        found.append((candidate(first), colour(first["runtime"]), int(first["batch"]), cells))
    return Machines(model, weights, hosts, tuple(found))


def _on_host(cells: pd.Series | None) -> Cell:
    if cells is None:
        return Cell("not asked for", None, "quiet")
    if not known(cells["median_ms"]):
        return Cell(STATUS[cells["status"]], None, "quiet")
    interval = span(cells["median_lo_ms"], cells["median_hi_ms"])
    return Cell(number(cells["median_ms"]) + (f" ({interval})" if interval else ""), float(cells["median_ms"]))
