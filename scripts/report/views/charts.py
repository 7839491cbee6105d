"""A network's figures: which bars they have, and what is written below them."""

import math
import re
from dataclasses import dataclass

import pandas as pd

from scripts.report import figures
from scripts.report.answers import CANDIDATE, Question
from scripts.report.evidence import Evidence
from scripts.report.figures import Bar
from scripts.report.views.answer import leaders
from scripts.report.wording import candidate, known


@dataclass(frozen=True)
class Chart:
    """One figure. `name` is unique in the report and names its file; `svg` is the file's content."""

    name: str
    title: str
    note: str
    svg: str

    @property
    def inline(self) -> str:
        """The figure as part of the page."""
        return figures.inline(self.svg, self.name, self.title)


def charts(question: Question, evidence: Evidence) -> list[Chart]:
    """All figures of one network that its records can fill."""
    prefix = re.sub(r"[^a-z0-9_-]+", "-", f"{question.model}-{question.weights}".lower())
    if question.image_size:
        prefix += f"-{question.image_size}"
    made = [
        *_latency(question, evidence, prefix),
        *_footprint(question, prefix),
        *_making(question, prefix),
        *_cold(question, prefix),
    ]
    return [chart for chart in made if chart.svg]


def _latency(question: Question, evidence: Evidence, prefix: str) -> list[Chart]:
    rows, made = question.rows, []
    measured = rows[rows["median_ms"].notna() & (rows["mode"] == "latency")].sort_values("median_ms", kind="stable")
    for batch, group in measured.groupby("batch"):
        first = leaders(question.eligible[question.eligible["batch"] == batch], evidence)
        note = "Median of a request with its 95 % interval."
        note += " Bold: the fastest, and those that cannot be told from it." if first else ""
        bars = [_dot(cells, first) for _, cells in group.iterrows()]
        name, title = f"{prefix}-latency-b{batch}", f"Latency at batch {batch}"
        made.append(Chart(name, title, note + _marks(group), figures.latency(bars)))
    return made


def _marks(rows: pd.DataFrame) -> str:
    return (
        " * did not run as asked, or failed its gate: it cannot win."
        if any(_barred(cells) for _, cells in rows.iterrows())
        else ""
    )


def _barred(cells: pd.Series) -> bool:
    return cells["status"] != "ok" or (known(cells["gate"]) and cells["gate"] == "fail")


def _label(cells: pd.Series) -> str:
    return candidate(cells) + (" *" if _barred(cells) else "")


def _dot(cells: pd.Series, first: set[str]) -> Bar:
    middle = float(cells["median_ms"])
    lo, hi = (float(cells[name]) if known(cells[name]) else middle for name in ("median_lo_ms", "median_hi_ms"))
    name = candidate(cells)
    return Bar(_label(cells), cells["runtime"], (middle, lo, hi), bold=name in first and not _barred(cells))


def _one_each(question: Question, needed: list[str]) -> pd.DataFrame:
    """One row per candidate, that of its smallest batch, among those that have at least one of the `needed` figures."""
    rows = question.rows[question.rows[needed].notna().any(axis=1)]
    return rows.sort_values("batch", kind="stable").drop_duplicates(list(CANDIDATE)).sort_index()


def _values(cells: pd.Series, names: list[str], scale: float = 1.0) -> tuple[float, ...]:
    return tuple(float(cells[name]) * scale if known(cells[name]) else math.nan for name in names)


def _footprint(question: Question, prefix: str) -> list[Chart]:
    rows = _one_each(question, ["peak_rss_mb"])
    if rows.empty:
        return []
    bars = [
        Bar(
            _label(cells),
            cells["runtime"],
            (*_values(cells, ["artifact_bytes"], 1e-6), *_values(cells, ["peak_rss_mb"])),
        )
        for _, cells in rows.sort_values("peak_rss_mb", kind="stable").iterrows()
    ]
    batch = int(rows["batch"].min())
    note = f"What is deployed, on disk; peak resident memory at batch {batch}, without the bare interpreter's."
    return [Chart(f"{prefix}-size-memory", "Size and memory", note, figures.panels(bars, ["size, MB", "memory, MB"]))]


def _making(question: Question, prefix: str) -> list[Chart]:
    parts = ["convert_s", "compile_s"]
    rows = _one_each(question, parts)
    rows = rows.assign(_total=rows[parts].fillna(0).sum(axis=1))
    rows = rows[rows["_total"] > 0].sort_values("_total", kind="stable")
    if rows.empty:
        return []
    bars = [Bar(candidate(cells), cells["runtime"], _values(cells, parts)) for _, cells in rows.iterrows()]
    note = (
        "Wall time from the checkpoint to what is deployed, once per artifact. Where other jobs ran beside it, it is an"
        " upper bound. PyTorch loads the checkpoint itself."
    )
    svg = figures.stacked(bars, ["convert", "compile"], "seconds")
    return [Chart(f"{prefix}-making", "What making it costs", note, svg)]


def _cold(question: Question, prefix: str) -> list[Chart]:
    parts = ["import_s", "load_s", "first_call_s"]
    rows = _one_each(question, parts)
    if rows.empty:
        return []
    rows = rows.assign(_total=rows[parts].sum(axis=1)).sort_values("_total", kind="stable")
    bars = [Bar(_label(cells), cells["runtime"], _values(cells, parts)) for _, cells in rows.iterrows()]
    note = f"From a bare interpreter to the first answer at batch {int(rows['batch'].min())}: median over trials."
    svg = figures.stacked(bars, ["import", "load", "first call"], "seconds")
    return [Chart(f"{prefix}-cold-start", "Cold start", note, svg)]
