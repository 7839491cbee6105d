"""A network's figures: which bars they have, and what is written below them."""

import math
import re
from dataclasses import dataclass

import pandas as pd

from scripts.report import figures
from scripts.report.answers import CANDIDATE, Contest, Question, per_second
from scripts.report.evidence import OTHER, Evidence, key_of
from scripts.report.figures import Bar
from scripts.report.wording import candidate, known, number


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


def file_name(question: Question) -> str:
    """What the names of a network's figures begin with."""
    return prefix_of(question.model, question.weights, question.image_size)


def prefix_of(model: str, weights: str, image_size: int | None = None) -> str:
    """The same by the network's names; without a size for figures over several."""
    prefix = re.sub(r"[^a-z0-9_-]+", "-", f"{model}-{weights}".lower())
    return f"{prefix}-{image_size}" if image_size else prefix


def charts(question: Question, evidence: Evidence) -> list[Chart]:
    """All figures of one network that its records can fill, but for those of the answer."""
    prefix = file_name(question)
    timed = [_times(contest, question, evidence, prefix) for contest in question.contests]
    made = [
        *_trade_off(question, evidence, prefix),
        *timed,
        *_footprint(question, prefix),
        *_making(question, prefix),
        *_cold(question, prefix),
    ]
    return [chart for chart in made if chart]


def _times(contest: Contest, question: Question, evidence: Evidence, prefix: str) -> Chart | None:
    """Every row of a workload that measured: the time of a request, or items per second."""
    is_latency = contest.mode == "latency"
    rows = contest.rows[contest.rows["median_ms" if is_latency else "throughput_per_s"].notna()]
    if rows.empty:
        return None
    first = {key_of(cells) for _, cells in contest.leaders.iterrows()}
    bars = [_point(cells, key_of(cells) in first, is_latency, evidence) for _, cells in rows.iterrows()]
    bars.sort(key=lambda bar: bar.values[0] if is_latency else -bar.values[0])
    name = f"{prefix}-{contest.mode}-b{contest.batch}"
    bold = " Bold: may be the best, by the finals." if first else ""
    if is_latency:
        ring = OTHER[evidence.location]
        note = f"Dot: {evidence.location} in the screen with its 95 % interval. Ring: {ring}.{bold}{marks(rows)}"
        return Chart(name, f"Latency at batch {contest.batch}", note, figures.points(bars, "ms per request"))
    noun = evidence.noun(question.model, question.weights)
    title = "Kept full" if contest.mode == "throughput" else "Rate within the limit"
    note = f"{noun.capitalize()} per second in the screen with the 95 % interval.{bold}{marks(rows)}"
    return Chart(name, f"{title}, batch {contest.batch}", note, figures.points(bars, f"{noun} per second"))


def _trade_off(question: Question, evidence: Evidence, prefix: str) -> list[Chart]:
    """Time against accuracy against size, where the candidates differ in accuracy at all."""
    contest = question.latency
    if contest is None:
        return []
    rows = contest.eligible
    right = "top1_accuracy" if rows["top1_accuracy"].notna().any() else "top1_agreement"
    rows = rows[rows[right].notna() & rows["artifact_bytes"].notna()]
    if rows[right].nunique() < 2:
        return []
    bars = [
        Bar(
            candidate(cells), cells["runtime"],
            (float(cells["_ms"]), 100 * float(cells[right]), float(cells["artifact_bytes"]) / 1e6),
            bold=bool(known(cells["pareto"]) and cells["pareto"]),
        )
        for _, cells in rows.iterrows()
    ]  # fmt: skip
    says = {"top1_accuracy": "accuracy on the labelled photos", "top1_agreement": "agreement with the reference"}[right]
    note = (
        f"{says.capitalize()} against time at batch {contest.batch}, from the screen. Full and named: no other"
        " candidate is as fast, as accurate and as small (the Pareto front over time, accuracy and size)."
        f"{_one_photo(rows) if right == 'top1_accuracy' else ''}"
    )
    svg = figures.scatter(bars, "ms per request", f"{says.split()[0]}, %", "size in MB")
    return [Chart(f"{prefix}-pareto", "Time, accuracy, size", note, svg)]


def _one_photo(rows: pd.DataFrame) -> str:
    """How much one photo weighs: small differences of accuracy are a photo or two."""
    labelled = rows["labelled"].max()
    return f" One of {int(labelled)} photos is {number(100 / labelled, 2)} points." if known(labelled) else ""


def _point(cells: pd.Series, is_first: bool, is_latency: bool, evidence: Evidence) -> Bar:
    figure = evidence.interval(cells, evidence.location)
    assert figure is not None  # the row measured
    point, lo, hi = figure.point, figure.lo or figure.point, figure.hi or figure.point
    second = math.nan
    if is_latency:
        other = evidence.interval(cells, OTHER[evidence.location])
        second = other.point if other else math.nan
    else:
        point, lo, hi = (per_second(cells["batch"], value) for value in (point, hi, lo))
    return Bar(_label(cells), cells["runtime"], (point, lo, hi, second), bold=is_first)


def marks(rows: pd.DataFrame) -> str:
    """What the mark of `barred` rows means, where there are any."""
    return (
        " * did not run as asked, or failed its gate: it cannot win."
        if any(barred(cells) for _, cells in rows.iterrows())
        else ""
    )


def barred(cells: pd.Series) -> bool:
    """Whether a row cannot win."""
    return cells["status"] != "ok" or (known(cells["gate"]) and cells["gate"] == "fail")


def _label(cells: pd.Series) -> str:
    return candidate(cells) + (" *" if barred(cells) else "")


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
    parts = ["convert_s", "_compile_s"]
    rows = _one_each(question, ["convert_s", "compile_s", "compile_cpu_s"])
    rows = rows[rows["artifact_bytes"].notna()]  # what was never made may have cost its conversion to ONNX all the same
    rows = rows.assign(_compile_s=rows["compile_s"].fillna(rows["compile_cpu_s"]))
    rows = rows.assign(_total=rows[parts].fillna(0).sum(axis=1))
    rows = rows[rows["_total"] > 0].sort_values("_total", kind="stable")
    if rows.empty:
        return []
    bars = [Bar(_label(cells), cells["runtime"], _values(cells, parts)) for _, cells in rows.iterrows()]
    note = (
        "From the checkpoint to what is deployed, once per artifact: wall time, but CPU time of what compiled beside"
        " others. What was served from the store shows what its making cost. PyTorch loads the checkpoint itself."
        f"{marks(rows)}"
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
