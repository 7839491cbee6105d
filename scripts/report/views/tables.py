"""The tables: every row of a network on this host, by mode."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd

from scripts.report.answers import Contest, Question, per_second
from scripts.report.evidence import Evidence, key_of
from scripts.report.palette import colour
from scripts.report.views import columns as col
from scripts.report.views.cells import EMPTY, Cell, Column, accuracy, energy, figure
from scripts.report.views.charts import barred
from scripts.report.wording import FAILED_GATE, STATUS, candidate, known, listed, merged, number, span
from scripts.stats.verdicts import Verdict


@dataclass(frozen=True)
class Line:
    """One row of a table. `reason` takes the place of `cells` in a row that has no figures.

    apart: it was measured in another session than most rows of its workload, so it cannot be compared with them.
    """

    name: str
    colour: str
    batch: int
    status: str  # of the row; `gate` where it ran and failed its gate
    label: str
    reason: str
    apart: bool
    is_best: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """Rows of one kind. `says`: what they are, below the title."""

    title: str
    says: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]


def main_columns(evidence: Evidence) -> tuple[Column, ...]:
    """The columns that everybody looks at, in latency mode."""

    def timed(name: str, says: str) -> Column:
        kind = "strong" if name == evidence.location else ""
        return Column({"p10": "p10", "median": "Median"}[name], "ms", says, figure(f"{name}_ms", kind=kind))

    def verdict(cells: pd.Series) -> Cell:
        found = evidence.verdict(cells)
        return Cell(found.name, found.name, f"verdict-{found.name}", title=found.sentence) if found else EMPTY

    return (
        timed("p10", f"{col.FAST}. Says most of the candidate"),
        timed("median", "A typical request on this host, and what else the host did"),
        Column("Verdict", "", "What kind of data these are; in a sentence each below", verdict, words=True),
        Column("Speed-up", "x", "Against eager PyTorch in fp32 with the same workload", figure("speedup", digits=2)),
        col.GATE,
        col.ACCURACY,
        col.SIZE,
        col.PEAK,
        Column("Cold start", "s", "Import, load and first call", figure("cold_start_s", digits=2)),
    )


def main_table(question: Question, evidence: Evidence) -> Table | None:
    """All rows in latency mode, those that measured first, and of a batch first those that can win, fastest first; None
    where there are none."""
    columns = main_columns(evidence)
    if not any(accuracy(cells).text for _, cells in question.rows.iterrows()):
        columns = tuple(column for column in columns if column is not col.ACCURACY)
    return _table("", "", columns, question, evidence, "latency")


def details(question: Question, evidence: Evidence) -> list[Table]:
    """What else is known of the rows in latency mode that measured, in parts."""
    why, columns = energy_reason(question.rows)
    phases = (*col.PHASES, *columns)
    named = (
        (
            "Slow requests",
            "Empty where the samples cannot support it. Intervals of quantiles are approximate.",
            col.TAILS,
        ),
        ("Memory, start and energy by phase", f"Memory is without the bare interpreter's.{why}", phases),
        ("Outputs, and what making it costs", "Making is wall time, once per artifact.", col.OUTPUTS),
        ("How each row was measured", "", col.HOW),
    )
    found = [_table(title, says, columns, question, evidence, "latency", True) for title, says, columns in named]
    return [table for table in [on_gpu(question, evidence), on_cpu(question, evidence), *found] if table]


def on_gpu(question: Question, evidence: Evidence) -> Table | None:
    """What the GPU itself says of the rows that ran on one; None where none did."""
    says = "Without the copies. The copies and the time on the GPU are within the request's time above."
    table = _table("On the GPU", says, col.ON_GPU, question, evidence, "latency", True)
    lines = tuple(line for line in table.lines if line.cells[0] is not EMPTY) if table else ()  # the GPU's own time
    return replace(table, lines=lines) if table and lines else None


def on_cpu(question: Question, evidence: Evidence) -> Table | None:
    """What the rows on the CPU reach of its peaks; None where no peak was measured."""
    rows = question.rows[is_on_cpu(question.rows)]
    says = (
        "Held against the best that the runtime's own library reached here in a large matrix product of the row's"
        " precision, in the same run and with as many threads. Empty where it has no such product."
    )
    table = _table("On the CPU", says, col.ON_CPU, replace(question, rows=rows), evidence, "latency", True)
    return table if table and table.lines and rows["peak_share"].notna().any() else None


def is_on_cpu(rows: pd.DataFrame) -> pd.Series:
    """Which rows ran on the CPU."""
    return rows["device"] == "cpu"


def energy_reason(rows: pd.DataFrame) -> tuple[str, tuple[Column, ...]]:
    """The column of energy where any row could be read; else no column, and why in a sentence."""
    reasons = list(dict.fromkeys(merged(rows["energy_reason"].dropna()).values()))
    if rows["energy_j"].notna().any() or len(reasons) > 1:
        return "", (
            Column("Energy", "J an item", "Of the CPU package or the GPU, idle subtracted", energy, words=True),
        )
    return f" Energy is not known: {reasons[0]}." if reasons else "", ()


def loaded(question: Question, evidence: Evidence) -> list[Table]:
    """The rows in throughput and in serving mode, apart from latency: a request under load is another thing."""
    noun = evidence.noun(question.model, question.weights)

    def rate(cells: pd.Series) -> Cell:
        found = evidence.interval(cells, evidence.location)
        if found is None:
            return EMPTY
        point, lo, hi = (v and per_second(cells["batch"], v) for v in (found.point, found.hi, found.lo))
        return Cell(number(point), point, "strong", span(lo, hi))

    def told(*keys: str) -> Callable[[pd.Series], Cell]:
        def cell(cells: pd.Series) -> Cell:
            trials = evidence.trials[key_of(cells)]
            value = trials[0].record.get(*keys) if trials else None
            if isinstance(value, dict):
                return Cell(", ".join(f"{count}: {number(rate)}" for count, rate in value.items()))
            return Cell(str(value), value) if known(value) else EMPTY

        return cell

    limit = evidence.config("serving", "p99_ms") or 0.0
    disturbed = Column("Disturbed", "trials", "Something else used the host meanwhile", figure("disturbed_trials"))
    tried = Column("Tried", f"streams: {noun}/s", "Short windows of one trial", told("streams_tried"), words=True)
    threads = Column("Threads", "", "Left beside the core that issues requests", told("serving", "threads_left"))
    heads = (
        (
            "throughput", f"Kept full: {noun} per second", tried,
            "Several requests in flight, counted over a window of time.",
        ),
        (
            "serving", f"Serving: highest rate with p99 within {limit:g} ms", threads,
            "Requests arrive at random (Poisson): the highest rate at which 99 % of them stay within the limit.",
        ),
    )  # fmt: skip
    tables = []
    for mode, title, special, says in heads:
        columns = (
            Column(f"{noun.capitalize()}/s", "", says, rate),
            col.STREAMS,
            special,
            col.GATE,
            col.PEAK,
            disturbed,
        )
        tables.append(_table(title, says, columns, question, evidence, mode))
    return [table for table in tables if table]


def _table(
    title: str, says: str, columns: tuple[Column, ...], question: Question, evidence: Evidence, mode: str,
    only_measured: bool = False,
) -> Table | None:  # fmt: skip
    contests = [contest for contest in question.contests if contest.mode == mode]
    lines = [line for contest in contests for line in _lines(contest, columns, evidence)]
    lines = [line for line in lines if line.cells] + [line for line in lines if not line.cells and not only_measured]
    return Table(title, says, columns, tuple(lines)) if lines else None


def _lines(contest: Contest, columns: tuple[Column, ...], evidence: Evidence) -> list[Line]:
    rows, leaders, usual = contest.rows, set(contest.leaders.index), usual_session(contest.rows)
    order = rows[f"{evidence.location}_ms"] if contest.mode == "latency" else -rows["throughput_per_s"]
    cannot_win = [barred(cells) for _, cells in rows.iterrows()]
    rows = rows.assign(_order=order, _barred=cannot_win).sort_values(["_barred", "_order"], kind="stable")
    return [line(cells, columns, index in leaders, usual) for index, cells in rows.iterrows()]


def usual_session(rows: pd.DataFrame) -> str | None:
    """The session that most rows were measured in; None where none was."""
    counts = Counter(session for text in rows["session"].dropna() for session in str(text).split())
    return counts.most_common(1)[0][0] if counts else None


def line(cells: pd.Series, columns: tuple[Column, ...], is_best: bool, usual: str | None) -> Line:
    """One row of a table. usual: the session that its neighbours were measured in."""
    measured = known(cells["median_ms"]) or known(cells["throughput_per_s"])
    status = "gate" if cells["status"] == "ok" and known(cells["gate"]) and cells["gate"] == "fail" else cells["status"]
    return Line(
        name=candidate(cells), colour=colour(cells["runtime"]), batch=int(cells["batch"]), status=status,
        label=STATUS.get(status, FAILED_GATE), reason=str(cells["reason"]) if known(cells["reason"]) else "",
        apart=bool(known(cells["session"]) and usual not in str(cells["session"]).split()), is_best=is_best,
        cells=tuple(column.cell(cells) for column in columns) if measured else (),
    )  # fmt: skip


def verdicts(question: Question, evidence: Evidence) -> list[tuple[str, int, Verdict]]:
    """Candidate, batch and verdict of each row that has one, those that are not stable first."""
    rows = [cells for _, cells in question.rows.iterrows()]
    found = [(candidate(cells), int(cells["batch"]), evidence.verdict(cells)) for cells in rows]
    named = [(name, batch, verdict) for name, batch, verdict in found if verdict]
    return sorted(named, key=lambda each: each[2].name == "stable")


def apart(table: Table | None) -> str:
    """The rows of a table that were measured apart, listed; empty where there are none."""
    rows = [f"{line.name}, batch {line.batch}" for line in table.lines if line.apart] if table else []
    return listed(rows)
