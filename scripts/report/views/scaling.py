"""Which lines show how a network's candidates scale: throughput and memory over batches, and over image sizes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from scripts.core.capabilities import DEFAULT
from scripts.core.catalogue import PRECISIONS
from scripts.report.answers import CANDIDATE, Question
from scripts.report.evidence import Evidence
from scripts.report.lines import Series, lines
from scripts.report.saturation import GAIN
from scripts.report.views.charts import Chart, barred, file_name, marks, prefix_of
from scripts.report.wording import WIDEST, at_any_size, candidate, known, listed, percent, runtime

LEAST_BATCHES, LEAST_SIZES = 3, 2
"""Fewer are told better by the charts of each batch."""
NOTICED = 1.01
"""A size on disk that grows by less than this from batch to batch is the same."""


@dataclass(frozen=True)
class Figured:
    """A column that is drawn. low, high: those of its interval; scale: from the column's unit to the chart's."""

    name: str
    title: str
    unit: str
    column: str
    low: str | None = None
    high: str | None = None
    scale: float = 1.0
    level: float | None = None


MEMORY = Figured("memory", "Memory", "MB of resident memory at its peak", "peak_rss_mb")
GPU_MEMORY = Figured("memory", "GPU memory", "MB of the GPU's memory", "gpu_mem_mb")
SIZE = Figured("size", "Size", "MB on disk", "artifact_bytes", scale=1e-6)
SPEEDUP = Figured(
    "speedup", "Speed-up", "times as fast as eager PyTorch in fp32", "speedup", "speedup_lo", "speedup_hi", level=1.0
)


def _throughput(noun: str) -> Figured:
    ends = ("throughput_lo_per_s", "throughput_hi_per_s")
    return Figured("throughput", "Throughput", f"{noun} per second", "throughput_per_s", *ends)


def scaling(question: Question, asked: Sequence[Question], evidence: Evidence) -> list[Chart]:
    """The charts of a network over its batches; with the first of its image sizes, those over them, too,
    at the smallest and at the largest batch.

    asked: all questions of the host, among which those of the same network are found.
    """
    noun = evidence.noun(question.model, question.weights)
    found = list(_over_batches(question, noun))
    same = [each for each in asked if _network(each) == _network(question)]
    return found + (list(_over_sizes(same, noun)) if same and same[0] is question else [])


def _network(question: Question) -> tuple[Any, ...]:
    """What is one network for the charts over image sizes: also one that was fine-tuned at each of them."""
    return question.model, at_any_size(question.weights), question.threads


def _over_batches(question: Question, noun: str) -> Iterator[Chart]:
    for mode, device, rows in _groups(question.rows):
        if rows["batch"].nunique() < LEAST_BATCHES:
            continue
        prefix = f"{file_name(question)}-batches-{mode}{_of(device)}"
        figured = [_throughput(noun)]
        if mode == "latency":
            figured += [MEMORY if device == "cpu" else GPU_MEMORY, *([SIZE] if _grows(rows) else [])]
        for each in figured:
            yield from _chart(each, rows, "batch", prefix, f" by batch{_place(mode, device, question.rows)}", mode)


def _over_sizes(same: Sequence[Question], noun: str) -> Iterator[Chart]:
    every = pd.concat([question.rows for question in same])
    prefix = prefix_of(same[0].model, at_any_size(same[0].weights))
    for mode, device, rows in _groups(every):
        sizes = rows.groupby("batch")["image_size"].nunique()
        batches = list(sizes[sizes >= LEAST_SIZES].index) if mode == "latency" else []
        for batch in sorted({*batches[:1], *batches[-1:]}):
            group = rows[rows["batch"] == batch]
            name = f"{prefix}-sizes-b{batch}{_of(device)}"
            told = f" by image size, batch {batch}{_place(mode, device, every)}"
            for each in (_throughput(noun), SPEEDUP):
                yield from _chart(each, group, "image_size", name, told, mode)


def _groups(rows: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Mode, device and rows of what measured: a device's lines have their own chart, since its batches are others."""
    rows = rows[rows["throughput_per_s"].notna() & rows["mode"].isin(["latency", "throughput"])]
    for (mode, device), group in rows.groupby(["mode", "device"], sort=False):
        yield str(mode), str(device), group


def _of(device: str) -> str:
    return "" if device == "cpu" else f"-{device.replace(':', '')}"


def _place(mode: str, device: str, rows: pd.DataFrame) -> str:
    """Of a title: which device, where there are several; whether kept full."""
    several = rows["device"].nunique() > 1
    return (f", {device}" if several else "") + (", kept full" if mode == "throughput" else "")


def _grows(rows: pd.DataFrame) -> bool:
    """Whether a larger batch is a larger file for any candidate."""
    sizes = rows.groupby(list(CANDIDATE))["artifact_bytes"]
    return bool((sizes.max() > NOTICED * sizes.min()).any())


def _chart(figured: Figured, rows: pd.DataFrame, x: str, prefix: str, told: str, mode: str) -> Iterator[Chart]:
    """The chart; none where no row has the figure (0 is none) or all are at one x."""
    rows = rows[rows[figured.column].fillna(0) > 0]
    if rows[x].nunique() < 2:
        return
    drawn = series(rows, x, figured)
    says = {"batch": "batch", "image_size": "image size, px"}[x]
    svg = lines(drawn, says, figured.level)
    band = f" Band: 95 % interval, unless it is wider than {WIDEST} to 1." if figured.low else ""
    alone = "One request at a time, from the screen." if mode == "latency" else "Several requests in flight."
    note = f"{figured.unit[:1].upper()}{figured.unit[1:]}, a panel per precision. {alone}{band}{marks(rows)}"
    note += saturated(rows) if (x, figured.column) == ("batch", "throughput_per_s") else ""
    yield Chart(f"{prefix}-{figured.name}", f"{figured.title}{told}", note, svg)


def saturated(rows: pd.DataFrame) -> str:
    """` No larger batch gains 5 % over batch 4: OpenVINO; over batch 8: LiteRT (int8).`"""
    told = rows[rows["saturation_batch"].notna()].drop_duplicates(list(CANDIDATE))
    if not len(told):
        return f" The largest batch still gains {percent(GAIN - 1, 1)} or more."
    found = {
        str(batch): listed([candidate(cells) for _, cells in group.iterrows()])
        for batch, group in told.groupby("saturation_batch")
    }
    first, *more = [f"over batch {batch}: {names}" for batch, names in found.items()]
    return f" No larger batch gains {percent(GAIN - 1, 1)} {'; '.join([first, *more])}."


def series(rows: pd.DataFrame, x: str, figured: Figured) -> list[Series]:
    """A line per candidate, by precision; of several of a runtime's, each is dashed in its own way."""
    found: list[Series] = []
    for precision in PRECISIONS:
        of_precision = rows[rows["precision"] == precision]
        dashes: dict[str, int] = {}
        for _, group in of_precision.groupby(list(CANDIDATE), sort=False):
            group = group.sort_values(x)
            first = group.iloc[0]
            name = runtime(first["runtime"]) + (f", {first['variant']}" if first["variant"] != DEFAULT else "")
            name += " *" if any(barred(cells) for _, cells in group.iterrows()) else ""
            points = tuple(_point(cells, x, figured) for _, cells in group.iterrows())
            dash = dashes.setdefault(first["runtime"], -1) + 1
            dashes[first["runtime"]] = dash
            found.append(Series(name, first["runtime"], precision, points, dash))
    return found


def _point(cells: pd.Series, x: str, figured: Figured) -> tuple[float, float, float, float]:
    y = float(cells[figured.column])
    low, high = (float(cells[name]) if name and known(cells[name]) else y for name in (figured.low, figured.high))
    if high > WIDEST * low:
        low = high = y
    return float(cells[x]), y * figured.scale, low * figured.scale, high * figured.scale
