"""What a reader must know of a network's rows before comparing them: slow phases, disturbances, sessions, verdicts."""

import re
from collections.abc import Iterator

import pandas as pd

from scripts.report.answers import Question
from scripts.report.evidence import Evidence, key_of
from scripts.report.views.tables import Table, apart
from scripts.report.wording import count, known, listed

SLOW = re.compile(r"slow in (\d+) of (\d+) trials")
PHASES = "found from the trials of all candidates together"


def caveats(question: Question, evidence: Evidence, table: Table | None) -> list[str]:
    """Plain sentences, the gravest first; [] where there is nothing to say."""
    rows = [cells for _, cells in question.rows.iterrows()]
    return [*_phases(rows), *_disturbed(rows, evidence), *_answered(rows, evidence), *_apart(table), *_verdicts(rows)]


def _phases(rows: list[pd.Series]) -> Iterator[str]:
    told = [cells["host_phase"] for cells in rows if known(cells["host_phase"])]
    slow = [match for text in told if (match := SLOW.fullmatch(str(text)))]
    trials = sum(int(cells["trials"]) for cells in rows if known(cells["host_phase"]))
    if slow:
        hit = sum(int(match[1]) for match in slow)
        yield (
            f"This host was in a slow phase in {hit} of {trials} trials, {PHASES}. It lasts longer than a trial, so"
            f" {len(slow)} of {count(len(told), 'row')} are slower by the median and mostly by p10, too;"
            " speed-ups, which pair trials of one round, are hit least."
        )


def _disturbed(rows: list[pd.Series], evidence: Evidence) -> Iterator[str]:
    trials = [trial for cells in rows for trial in evidence.trials[key_of(cells)]]
    hit = [reasons for trial in trials if (reasons := trial.record.get("disturbed"))]
    if hit:
        yield f"{len(hit)} of {count(len(trials), 'trial')} were disturbed and stay in, for example: {hit[0][0]}."


def _answered(rows: list[pd.Series], evidence: Evidence) -> Iterator[str]:
    trials = [trial for cells in rows for trial in evidence.trials[key_of(cells)]]
    answered = [trial for trial in trials if trial.record.get("answered")]
    if answered:
        days = sorted({str(trial.record.get("session"))[:8] for trial in answered})
        when = listed([f"{day[:4]}-{day[4:6]}-{day[6:]}" for day in days if day.isdigit()])
        yield (
            f"{len(answered)} of {count(len(trials), 'trial')} were measured before ({when}), of the same bytes on this"
            " host, and are answered from the store; `fresh: true` measures them again."
        )


def _apart(table: Table | None) -> Iterator[str]:
    names = apart(table)
    if names:
        yield (
            f"Measured apart, in another session than the rest: {names}. What the host did between the sessions cannot"
            " be told from what the candidates differ by."
        )


def _verdicts(rows: list[pd.Series]) -> Iterator[str]:
    words = [str(cells["verdict"]) for cells in rows if known(cells["verdict"])]
    odd = {word: words.count(word) for word in dict.fromkeys(words) if word != "stable"}
    if odd:
        each = listed([f"{number} {word}" for word, number in odd.items()])
        yield f"{sum(odd.values())} of {count(len(words), 'row')} are not stable ({each}): the verdicts below say why."
