"""When compiling has paid: the chart of total time against the number of inferences, and a sentence that reads it."""

from dataclasses import dataclass

import pandas as pd

from scripts.report import figures
from scripts.report.answers import Contest, Question
from scripts.report.evidence import Evidence
from scripts.report.figures import Curve
from scripts.report.payoff import Line, Stretch, line, stretches
from scripts.report.relations import is_baseline
from scripts.report.views.charts import Chart, file_name
from scripts.report.wording import candidate, known, listed, number, seconds, span

MOST = 10**7
"""Inferences that the chart ends at, or ten times the last change if that is further."""


@dataclass(frozen=True)
class Payoff:
    """What is said of a network: a sentence each, and the chart."""

    sentences: list[str]
    chart: Chart


def payoff(question: Question, evidence: Evidence) -> Payoff | None:
    """For the workload that answers for latency; None where nothing that compiles can win it."""
    contest = question.latency
    if contest is None:
        return None
    named = _lines(contest, evidence)
    if len(named) < 2:
        return None
    order = stretches([each for _, each in named])
    noun = evidence.noun(question.model, question.weights)
    rate = float(evidence.config("rate_per_s") or 1)
    said = [_first_done(named, order, noun), *_best(contest, noun, rate)]
    return Payoff(said, _chart(question, contest, named, order, noun))


def _lines(contest: Contest, evidence: Evidence) -> list[tuple[pd.Series, Line]]:
    """Each candidate that can win, with its total time."""
    found = []
    for _, cells in contest.eligible.iterrows():
        values = {str(name): value for name, value in cells.items() if known(value)}
        if (each := line(values, evidence.location)) is not None:
            found.append((cells, each))
    return found


def _first_done(named: list[tuple[pd.Series, Line]], order: list[Stretch], noun: str) -> str:
    """`Counting compilation and start, X is done first up to 310 images, Y up to 4,200, then Z.`"""
    names = [candidate(named[stretch.place][0]) for stretch in order]
    if len(order) == 1:
        return f"Counting compilation and start, {names[0]} is done first for any number of {noun}."
    ends = [number(stretch.start, 2) for stretch in order[1:]]
    parts = [f"{name} up to {end}" for name, end in zip(names, ends, strict=False)]
    return (
        f"Counting compilation and start, who is done first depends on how many {noun} there are:"
        f" {listed(parts)}, {names[-1]} from there on."
    )


def _best(contest: Contest, noun: str, rate: float) -> list[str]:
    """When the first choice has earned its outlay back against eager PyTorch."""
    first = contest.ranked.iloc[0]
    if is_baseline(dict(first)) or not known(first["break_even_inferences"]):
        return []
    needed = float(first["break_even_inferences"])
    name = candidate(first)
    if needed == 0:
        return [f"{name} starts no later than PyTorch eager, compilation included: it pays from the first request on."]
    between = span(first["break_even_lo"], first["break_even_hi"])
    between = f" ({between})" if between and known(first["break_even_hi"]) else ""
    return [
        f"{name} has earned its compilation and start back against PyTorch eager after {number(needed, 2)} {noun}"
        f"{between}: {seconds(needed / rate)} at {number(rate)} per second."
    ]


def _chart(
    question: Question, contest: Contest, named: list[tuple[pd.Series, Line]], order: list[Stretch], noun: str
) -> Chart:
    """Lines of those that are first somewhere and of the baseline; the others pale."""
    first = {stretch.place for stretch in order}
    end = max(MOST, 10 * order[-1].start)
    curves = [
        Curve(candidate(cells), cells["runtime"], each.outlay, each.each, place in first or is_baseline(dict(cells)))
        for place, (cells, each) in enumerate(named)
    ]
    note = (
        f"Seconds from nothing to the last answer at batch {contest.batch}: compilation, a cold start, then every"
        " request. Named: first somewhere, and PyTorch eager. A compilation that ran beside others counts with its CPU"
        " seconds."
    )
    svg = figures.totals(curves, end, noun)
    return Chart(f"{file_name(question)}-payoff", "When compiling pays", note, svg)
