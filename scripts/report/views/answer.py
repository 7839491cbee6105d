"""The answer: for each network the best for latency and for throughput, and which others cannot be told from them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from scripts.report.answers import Question
from scripts.report.evidence import Evidence
from scripts.report.palette import colour
from scripts.report.summarise import BASELINE
from scripts.report.wording import (
    candidate,
    count,
    known,
    listed,
    milliseconds,
    number,
    percent,
    slower_between,
    slower_by,
    span,
)
from scripts.stats.comparison import BestSet, Rival, against_best

UNSTEADY = 1.25
"""An interval whose ends are further apart than this says more about the host than about the candidate."""


@dataclass(frozen=True)
class Other:
    """A candidate beside the winner: how much slower, in words, and whether it can be told from it."""

    name: str
    colour: str
    difference: str
    between: str
    tied: bool


@dataclass(frozen=True)
class Tile:
    """One of a network's two answers."""

    title: str
    winner: str
    colour: str
    detail: str
    figure: str
    unit: str
    interval: str
    speedup: str
    others: tuple[Other, ...]
    sure: str
    cells: pd.Series

    @property
    def tied(self) -> list[str]:
        """Names of those that cannot be told from the winner."""
        return [other.name for other in self.others if other.tied]


@dataclass(frozen=True)
class Answer:
    """A network's card: one sentence, two tiles (none where nothing may win), facts about the winner."""

    question: Question
    lede: str
    tiles: tuple[Tile, ...]
    facts: tuple[tuple[str, str], ...]


def answer(question: Question, evidence: Evidence) -> Answer:
    """What the report says first of one network."""
    fast, busy = question.for_latency, question.for_throughput
    if fast.empty:
        return Answer(question, nothing_passed(question), (), ())
    tiles = (_latency(fast, evidence), _throughput(busy, evidence, _noun(question, evidence)))
    return Answer(question, lede(question, *tiles), tiles, _facts(tiles[0].cells, evidence))


def _noun(question: Question, evidence: Evidence) -> str:
    return "images" if evidence.model(question.model, question.weights).get("task") == "classification" else "items"


def nothing_passed(question: Question) -> str:
    """Why a network has no answer."""
    rows = question.rows
    ran = int(rows["median_ms"].notna().sum())
    if ran == 0:
        return f"No candidate of {question.model} could be measured on {question.host}; the reasons are listed below."
    return (
        f"No candidate of {question.model} may be recommended: of {count(len(rows), 'row')} {ran} ran, but none"
        " both ran as asked and passed its gate; the reasons are listed below."
    )


def lede(question: Question, latency: Tile, throughput: Tile) -> str:
    """The answer in a few plain sentences."""
    fast = f"{latency.figure} {latency.unit} a request{latency.speedup and f' ({latency.speedup})'}"
    busy = f"{throughput.figure} {throughput.unit} at {throughput.detail}"
    if len(latency.tied) == len(latency.others) > 1:
        return (
            f"No winner: {latency.winner} was the fastest measured, with {fast}, but none of the other"
            f" {len(latency.others)} can be told from it. Most per second: {throughput.winner}, {busy}."
        )
    if latency.winner == throughput.winner:
        first = f"Deploy {latency.winner}: {fast}, and {busy}."
    else:
        first = f"Deploy {latency.winner} for latency: {fast}. For throughput, {throughput.winner}: {busy}."
    if not latency.others:
        return f"{first} It is the only candidate that ran as asked and passed its gate."
    if not latency.tied:
        return f"{first} For latency, all others are slower."
    return (
        f"{first} For latency, {listed(latency.tied)} cannot be told from it: size, memory or cold start may decide"
        " between them."
    )


def leaders(rows: pd.DataFrame, evidence: Evidence) -> set[str]:
    """The fastest of `rows` (one batch, all able to win), and those that cannot be told from it."""
    if rows.empty:
        return set()
    compared = _compare(rows, [candidate(cells) for _, cells in rows.iterrows()], evidence, per_item=False)
    return {compared.best, *(rival.name for rival in compared.tied)}


def _compare(rows: pd.DataFrame, names: Sequence[str], evidence: Evidence, per_item: bool) -> BestSet:
    rounds = {name: evidence.rounds(cells, per_item) for name, (_, cells) in zip(names, rows.iterrows(), strict=True)}
    return against_best(rounds)


def _latency(rows: pd.DataFrame, evidence: Evidence) -> Tile:
    names = [candidate(cells) for _, cells in rows.iterrows()]
    cells, compared = rows.iloc[0], _compare(rows, names, evidence, per_item=False)
    return Tile(
        title="Lowest latency",
        winner=names[0], colour=colour(cells["runtime"]), detail=f"batch {cells['batch']}",
        figure=number(cells["median_ms"]), unit="ms",
        interval=span(cells["median_lo_ms"], cells["median_hi_ms"]), speedup=_times(cells, compared, rows),
        others=_others(compared, names, rows), sure=_sure(compared, cells), cells=cells,
    )  # fmt: skip


def _throughput(rows: pd.DataFrame, evidence: Evidence, noun: str) -> Tile:
    names = [candidate(cells) for _, cells in rows.iterrows()]
    shown = [f"{name}, batch {batch}" for name, batch in zip(names, rows["batch"], strict=True)]
    cells, compared = rows.iloc[0], _compare(rows, shown, evidence, per_item=True)
    bounds = [1e3 * cells["batch"] / cells[name] for name in ("median_hi_ms", "median_lo_ms") if known(cells[name])]
    return Tile(
        title=f"Most {noun} per second, one request at a time",
        winner=names[0], colour=colour(cells["runtime"]), detail=f"batch {cells['batch']}",
        figure=number(cells["throughput_per_s"]), unit=f"{noun}/s",
        interval=span(*bounds) if bounds else "", speedup=_times(cells, compared, rows),
        others=_others(compared, shown, rows), sure=_sure(compared, cells), cells=cells,
    )  # fmt: skip


def _times(cells: pd.Series, compared: BestSet, rows: pd.DataFrame) -> str:
    """`3.9 times as fast as eager PyTorch`; nothing for PyTorch itself, or where the two cannot be told apart."""
    speedup = cells["speedup"]
    baseline = rows[(rows["runtime"] == BASELINE[0]) & (rows["precision"] == BASELINE[1])]
    tied = {rival.name.partition(", batch")[0] for rival in compared.tied}
    if (
        not known(speedup)
        or math.isclose(speedup, 1)
        or any(candidate(each) in tied for _, each in baseline.iterrows())
    ):
        return ""
    return f"{number(speedup, 2)} times as fast as eager PyTorch"


def _others(compared: BestSet, names: Sequence[str], rows: pd.DataFrame) -> tuple[Other, ...]:
    runtimes = dict(zip(names, rows["runtime"], strict=True))
    return tuple(_other(rival, runtimes[rival.name]) for rival in compared.rivals)


def _other(rival: Rival, runtime: str) -> Other:
    if rival.lo is None or rival.hi is None:
        between = "measured apart" if rival.pairs == 0 else "one round only"
    else:
        between = slower_between(rival.lo, rival.hi)
    return Other(rival.name, colour(runtime), slower_by(rival.ratio), between, not rival.told_apart)


def _sure(compared: BestSet, cells: pd.Series) -> str:
    """How sure the answer is, in words."""
    trials = int(cells["trials"])
    requests = count(int(cells["samples"]), "request")
    basis = f"The figure is the median over {count(trials, 'fresh process')} ({requests})."
    if known(cells["median_lo_ms"]) and cells["median_hi_ms"] > UNSTEADY * cells["median_lo_ms"]:
        basis += " They differ widely: this host was busy or unsteady. A quiet host or more trials would say more."
    if not compared.rivals:
        return f"{basis} Nothing else may win, so there was nothing to compare with."
    if trials < 2:
        return f"{basis} One trial shows no spread, so nothing can be told apart: measure more trials."
    some = "The interval of the difference holds"
    if len(compared.rivals) > 1:
        some = f"The intervals of all {len(compared.rivals)} differences hold together"
    return (
        f"{basis} Candidates are compared within the same rounds. {some} with {percent(compared.confidence, 2)}"
        " confidence. The leaders were not measured again head to head, so take a narrow first place as provisional."
    )


def _facts(cells: pd.Series, evidence: Evidence) -> tuple[tuple[str, str], ...]:
    """What else matters before the winner is deployed."""
    verified = evidence.verified(cells)
    photos, labelled = verified.number("photos"), verified.number("labelled")
    facts = []
    if known(cells["top1_agreement"]) and photos:
        agreed = round(float(cells["top1_agreement"]) * photos)
        facts.append(("Same class as the reference", f"{agreed:.0f} of {photos:.0f} photos"))
    if known(cells["top1_accuracy"]) and labelled:
        facts.append(("Top-1 accuracy", f"{percent(cells['top1_accuracy'])} of {labelled:.0f} labelled photos"))
    cold = cells[["import_s", "load_s", "first_call_s"]]
    facts += [
        ("Slowest tenth of requests", f"above {milliseconds(cells['p90_ms'])}" if known(cells["p90_ms"]) else ""),
        ("Artifact", f"{number(cells['artifact_bytes'] / 1e6)} MB" if known(cells["artifact_bytes"]) else ""),
        ("Memory", f"{number(cells['peak_rss_mb'])} MB" if known(cells["peak_rss_mb"]) else ""),
        ("Cold start", f"{number(cold.sum(), 2)} s" if cold.notna().all() else ""),
    ]
    return tuple((name, text) for name, text in facts if text)
