"""The answer: what the finals decided for each network, with the same intervals in words, table and picture."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from scripts.report import figures
from scripts.report.answers import ALONE, UNDECIDED, Contest, Question, per_second
from scripts.report.evidence import Evidence, key_of
from scripts.report.figures import Bar
from scripts.report.finalists import candidate_name
from scripts.report.palette import colour
from scripts.report.views.charts import Chart, file_name
from scripts.report.views.facts import Facts, facts
from scripts.report.views.told import lede, notes, nothing_passed, sure
from scripts.report.wording import candidate, known, listed, number, slower_between, slower_by, span
from scripts.stats.best import Best, Standing


@dataclass(frozen=True)
class Contender:
    """A candidate in a tile: its figure, and how it stands to the best, in words."""

    name: str
    colour: str
    figure: str
    interval: str
    difference: str
    between: str
    may_be_best: bool


@dataclass(frozen=True)
class Tile:
    """The answer for one workload.

    headline: who won, or those that cannot be told apart; figure: of the winner, or the range of the tied.
    contenders: those that were compared, fastest first; rest: how many others may win but were slower in the screen.
    """

    title: str
    outcome: str
    headline: str
    colour: str
    figure: str
    unit: str
    interval: str
    notes: tuple[str, ...]
    contenders: tuple[Contender, ...]
    rest: tuple[Contender, ...]
    sure: str
    chart: Chart | None


@dataclass(frozen=True)
class Answer:
    """A network's card: one sentence, its tiles (main ones, then the other workloads), facts about the leaders."""

    question: Question
    lede: str
    tiles: tuple[Tile, ...]
    more: tuple[Tile, ...]
    facts: Facts | None

    @property
    def charts(self) -> list[Chart]:
        """The pictures of all tiles."""
        return [tile.chart for tile in (*self.tiles, *self.more) if tile.chart]


def answer(question: Question, evidence: Evidence) -> Answer:
    """What the report says first of one network."""
    if not question.open:
        return Answer(question, nothing_passed(question), (), (), None)
    main = {each.workload: each for each in (question.latency, question.throughput) if each}
    others = [each for each in question.open if each.workload not in main]
    tiles = [tuple(tile(each, question, evidence) for each in group) for group in (main.values(), others)]
    first = next(iter(main.values()), question.open[0])
    leading = first.leaders if len(first.leaders) else first.ranked.iloc[:1]
    return Answer(question, lede(question, evidence), tiles[0], tiles[1], facts(leading, evidence))


def tile(contest: Contest, question: Question, evidence: Evidence) -> Tile:
    """The answer for one workload."""
    noun, rate = evidence.noun(question.model, question.weights), question.purpose(contest) != "latency"
    standings = standings_of(contest, evidence.standings(contest, evidence.location))
    ranked, leaders, outcome = contest.ranked, contest.leaders, str(contest.outcome)
    shown = leaders if len(leaders) else ranked.iloc[:1]
    compared = ranked[[key_of(cells) in standings for _, cells in ranked.iterrows()]] if standings else ranked
    others = [] if outcome == ALONE else [cells for _, cells in compared.iterrows()]
    contenders = [_contender(cells, standings.get(key_of(cells)), rate, evidence) for cells in others]
    rest = [_contender(cells, None, rate, evidence) for _, cells in ranked.iloc[len(compared) :].iterrows()]
    figured = [_figure(cells, rate, evidence) for _, cells in shown.iterrows()]
    ends = [figured[-1][0], figured[0][0]] if rate else [figured[0][0], figured[-1][0]]
    return Tile(
        title=_title(contest, question, noun), outcome=outcome,
        headline=listed([candidate(cells) for _, cells in shown.iterrows()]),
        colour=colour(shown.iloc[0]["runtime"]),
        figure=" to ".join(dict.fromkeys(ends)), unit=f"{noun}/s" if rate else "ms",
        interval=figured[0][1] if len(shown) == 1 else "",
        notes=tuple(notes(contest, question, evidence)), contenders=tuple(contenders), rest=tuple(rest),
        sure=sure(contest, evidence), chart=_chart(contest, question, compared, standings),
    )  # fmt: skip


def standings_of(contest: Contest, best: Best | None) -> dict[tuple[Any, ...], Standing]:
    """How each finalist stands to the best, by the key of its row; {} where the finals decided nothing."""
    if best is None or contest.outcome in (ALONE, UNDECIDED):
        return {}
    by_name = {standing.name: standing for standing in best.standings}
    rows = [cells for _, cells in contest.finalists.iterrows()]
    return {key_of(cells): by_name[candidate_name(cells)] for cells in rows if candidate_name(cells) in by_name}


def _title(contest: Contest, question: Question, noun: str) -> str:
    if contest.mode == "throughput":
        return f"Most {noun} per second, kept full, batch {contest.batch}"
    if contest.mode == "serving":
        return f"Highest rate within the limit, batch {contest.batch}"
    if question.purpose(contest) == "latency":
        return f"Lowest latency, batch {contest.batch}"
    if question.throughput and contest.workload == question.throughput.workload:
        return f"Most {noun} per second, one request at a time: batch {contest.batch}"
    return f"One request at a time, batch {contest.batch}"


def _figure(cells: pd.Series, rate: bool, evidence: Evidence) -> tuple[str, str]:
    """A candidate's figure and its interval: of the finals where it took part, else of the screen."""
    point, lo, hi = (cells[name] for name in ("finals_ms", "finals_lo_ms", "finals_hi_ms"))
    if not known(point):
        point, lo, hi = evidence.interval(cells, evidence.location) or (None, None, None)
    if rate:
        point, lo, hi = (per_second(cells["batch"], value) if known(value) else None for value in (point, hi, lo))
    return number(point), span(lo, hi)


def _contender(cells: pd.Series, standing: Standing | None, rate: bool, evidence: Evidence) -> Contender:
    figure, interval = _figure(cells, rate, evidence)
    difference, between = "", ""
    if standing is not None:
        difference = slower_by(standing.ratio) if standing.ratio > 1 else "fastest"
        between = "too few rounds"
        if standing.lo is not None and standing.hi is not None:
            between = _between(standing)
    return Contender(
        candidate(cells), colour(cells["runtime"]), figure, interval, difference, between,
        standing is not None and standing.may_be_best,
    )  # fmt: skip


def _between(standing: Standing) -> str:
    """The interval of a ratio to the best: `up to +0.9 %`, `+2.4 to +3.1 %`; empty for the best alone.

    Told apart from one leader, but not from another that may be the best as well: `slower, up to +3.1 %`.
    """
    lo, hi = standing.lo, standing.hi
    if lo is None or hi is None or hi <= 1:
        return ""
    if lo > 1:
        return slower_between(lo, hi)
    return f"{'' if standing.may_be_best else 'slower, '}up to {slower_by(hi)}"


def _chart(
    contest: Contest, question: Question, rows: pd.DataFrame, standings: dict[tuple[Any, ...], Standing]
) -> Chart | None:
    """The ratios to the best as in the tile's table; None where nothing was compared with an interval."""
    bars = []
    for _, cells in rows.iterrows():
        standing = standings.get(key_of(cells))
        if standing is None or standing.lo is None or standing.hi is None:
            return None
        values = (standing.ratio, standing.lo, standing.hi)
        bars.append(Bar(candidate(cells), cells["runtime"], values, bold=standing.may_be_best))
    if len(bars) < 2:
        return None
    name = f"{file_name(question)}-finals-{contest.mode}-b{contest.batch}"
    return Chart(
        name, "Against the best",
        "The intervals of the table. Filled: may be the best. Open: slower than one of these, so not the best.",
        figures.ratios(bars),
    )  # fmt: skip
