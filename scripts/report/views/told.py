"""The answer in sentences: what the finals decided, how sure that is, and where p10 and median disagree."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from scripts.report.answers import ALONE, TIE, UNDECIDED, WINNER, Contest, Question, per_second
from scripts.report.evidence import OTHER, Evidence, key_of
from scripts.report.finalists import candidate_name
from scripts.report.wording import candidate, count, known, listed, number, percent, span
from scripts.stats.intervals import Interval, t_interval

MANY = 4
"""More names than this in a sentence are counted instead."""


def nothing_passed(question: Question) -> str:
    """Why a network has no answer."""
    rows = question.rows
    ran = int((rows["median_ms"].notna() | rows["throughput_per_s"].notna()).sum())
    if ran == 0:
        return f"No candidate of {question.model} could be measured on {question.host}; the reasons are listed below."
    return (
        f"No candidate of {question.model} may be recommended: of {count(len(rows), 'row')} {ran} ran, but none"
        " both ran as asked and passed its gate; the reasons are listed below."
    )


def lede(question: Question, evidence: Evidence) -> str:
    """The answer in a few plain sentences."""
    latency, throughput = question.latency, question.throughput
    if latency is None or throughput is None or latency.workload == throughput.workload:
        return _sentence(latency or throughput or question.open[0], question, evidence)
    first, second = latency.ranked.iloc[0], throughput.ranked.iloc[0]
    if latency.outcome == throughput.outcome == WINNER and candidate(first) == candidate(second):
        busy = _amount(second, throughput, question, evidence)
        return f"Deploy {candidate(first)}: {_amount(first, latency, question, evidence)}, and {busy}."
    return f"{_sentence(latency, question, evidence)} {_sentence(throughput, question, evidence)}"


def names_of(rows: pd.DataFrame) -> str:
    """Candidates, listed; counted where they are many."""
    names = [candidate(cells) for _, cells in rows.iterrows()]
    return listed(names) if len(names) <= MANY else f"{names[0]} and {len(names) - 1} others"


def _sentence(contest: Contest, question: Question, evidence: Evidence) -> str:
    """What one workload's finals decided."""
    purpose, first = question.purpose(contest), contest.ranked.iloc[0]
    amount = _amount(first, contest, question, evidence)
    if contest.outcome == WINNER:
        return f"Deploy {candidate(first)} for {purpose}: {amount}."
    if contest.outcome == TIE:
        return (
            f"No single winner for {purpose}: {names_of(contest.leaders)} cannot be told apart, the fastest with"
            f" {amount}. Size, memory or cold start may decide between them."
        )
    if contest.outcome == ALONE:
        return (
            f"{candidate(first)} is the only candidate for {purpose} that ran as asked and passed its gate: {amount}."
        )
    return (
        f"No winner for {purpose}: {why_undecided(contest, evidence)}. The fastest in the screen was"
        f" {candidate(first)}, with {amount}."
    )


def _amount(cells: pd.Series, contest: Contest, question: Question, evidence: Evidence) -> str:
    """`5.21 ms a request at batch 1 (p10; median 5.60 ms)`."""
    ms = cells["finals_ms"] if known(cells["finals_ms"]) else cells["_ms"]
    noun = evidence.noun(cells["model"], cells["weights"])
    if contest.mode != "latency":
        streams = f" in {count(int(cells['streams']), 'stream')}" if known(cells["streams"]) else ""
        return f"{number(per_second(contest.batch, ms))} {noun} per second at batch {contest.batch}{streams}"
    location = evidence.location
    other = other_location(cells, contest, evidence)
    if question.purpose(contest) == "latency":
        beside = f"; {OTHER[location]} {number(other.point)} ms" if other else ""
        return f"{number(ms)} ms a request at batch {contest.batch} ({location}{beside})"
    beside = f"; {number(per_second(contest.batch, other.point))} by the {OTHER[location]}" if other else ""
    return f"{number(per_second(contest.batch, ms))} {noun} per second at batch {contest.batch} ({location}{beside})"


def other_location(cells: pd.Series, contest: Contest, evidence: Evidence) -> Interval | None:
    """A candidate's time at the location that does not decide, from the same trials, ms."""
    finalist = evidence.finalists(contest).get(key_of(cells))
    location = OTHER[evidence.location]
    if finalist is not None and known(cells["finals_ms"]):
        return t_interval([trial.log_location(location) for trial in finalist.trials])
    return evidence.interval(cells, location)


def why_undecided(contest: Contest, evidence: Evidence) -> str:
    """Why there are several candidates and no finals' answer."""
    if evidence.config("finals", "rounds") == 0:
        return "the config asks for no finals (finals.rounds: 0)"
    finals = evidence.finals_of(contest)
    if finals is None:
        return "no finals were held for this workload"
    return "fewer than two of its finalists may win"


def notes(contest: Contest, question: Question, evidence: Evidence) -> Iterator[str]:
    """What belongs beside the figure of a workload: the other location, speed-up, where the two locations disagree."""
    shown = contest.leaders if len(contest.leaders) else contest.ranked.iloc[:1]
    first = shown.iloc[0]
    is_latency = question.purpose(contest) == "latency"
    if contest.mode == "latency":
        other = other_location(first, contest, evidence)
        if other is not None:
            yield _other_words(first, other, is_latency, evidence, named=len(shown) > 1)
    speedup = _speedup(first)
    if speedup:
        yield f"{candidate(first)}: {speedup}." if len(shown) > 1 else f"{speedup[:1].upper()}{speedup[1:]}."
    if contest.mode == "latency":
        yield from disagreement(contest, evidence)


def _other_words(cells: pd.Series, other: Interval, is_latency: bool, evidence: Evidence, named: bool) -> str:
    point, lo, hi = other
    if not is_latency:
        point, lo, hi = per_second(cells["batch"], point), *(v and per_second(cells["batch"], v) for v in (hi, lo))
    unit = "ms" if is_latency else f"{evidence.noun(cells['model'], cells['weights'])}/s"
    whose = f" of {candidate(cells)}" if named else ""
    interval = span(lo, hi)
    return (
        f"This is the {evidence.location}; the {OTHER[evidence.location]}{whose} is {number(point)} {unit}"
        f"{interval and f' ({interval})'}."
    )


def _speedup(cells: pd.Series) -> str:
    """`12 times as fast as eager PyTorch in the finals (11 to 13)`; in the screen where the finals had no baseline.

    Nothing where the two cannot be told apart or were measured apart.
    """
    name, where = ("finals_speedup", "finals") if known(cells["finals_speedup_lo"]) else ("speedup", "screen")
    lo, hi = cells[f"{name}_lo"], cells[f"{name}_hi"]
    if not known(lo) or lo <= 1:
        return ""
    return f"{number(cells[name], 2)} times as fast as eager PyTorch in the {where} ({span(lo, hi)})"


def disagreement(contest: Contest, evidence: Evidence) -> Iterator[str]:
    """Where p10 and median do not name the same first place."""
    location, other = evidence.location, OTHER[evidence.location]
    first, second = (evidence.standings(contest, each) for each in (location, other))
    blame = "The median also measures what else the host did" if other == "median" else "p10 says less of the host"
    if first is None or second is None or contest.outcome not in (WINNER, TIE):
        yield from _screen_disagreement(contest, other)
        return
    names = {candidate_name(cells): candidate(cells) for _, cells in contest.finalists.iterrows()}
    ahead = second.standings[0].name
    if ahead not in first.leaders:
        alone = "and is told apart" if second.winner else "though not told apart by it"
        yield f"p10 and median disagree: by the {other}, {names[ahead]} comes first, {alone}. {blame}."
    elif second.winner and not first.winner:
        yield f"p10 and median disagree: by the {other}, {names[ahead]} comes first alone. {blame}."
    elif first.winner and not second.winner:
        tied = listed([names[name] for name in second.leaders if name != first.winner])
        yield f"p10 and median disagree: by the {other} it cannot be told from {tied}. {blame}."


def _screen_disagreement(contest: Contest, other: str) -> Iterator[str]:
    rows = contest.eligible
    if len(rows) > 1 and rows[f"{other}_ms"].notna().all():
        ahead = rows.sort_values(f"{other}_ms", kind="stable").iloc[0]
        if key_of(ahead) != key_of(rows.iloc[0]):
            yield f"p10 and median disagree: by the {other} of the screen, {candidate(ahead)} comes first."


def sure(contest: Contest, evidence: Evidence) -> str:
    """How sure the answer is, in words."""
    finals = evidence.finals_of(contest)
    best = evidence.standings(contest, evidence.location)
    if contest.outcome == ALONE:
        return "Nothing else may win, so there was nothing to compare with."
    if contest.outcome == UNDECIDED or finals is None or best is None:
        return (
            "These are the screen's figures, each with its own interval. Only finals, which measure the leaders afresh"
            " in the same rounds, would decide between them."
        )
    text = (
        f"{count(len(best.standings), 'candidate')} measured afresh in {count(finals.rounds, 'round')} of fresh"
        f" processes; the intervals of all comparisons hold together with {percent(best.confidence, 2)} confidence."
    )
    if finals.why_fewer:
        text += f" {finals.rounds_asked} rounds were asked for: {finals.why_fewer}."
    if any(known(cells["finals_lo_ms"]) and _is_wide(cells) for _, cells in contest.finalists.iterrows()):
        text += " The rounds differ widely: this host was busy or unsteady."
    return text


def _is_wide(cells: pd.Series) -> bool:
    return float(np.log(cells["finals_hi_ms"] / cells["finals_lo_ms"])) > float(np.log(1.25))
