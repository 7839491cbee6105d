"""The end of a run: `python -m scripts.report.check --csv ... --plan ... --report ... --ok FILE`.

Says the answer in a few lines. If a row of this host failed, crashed, timed out or ran out of memory, lists those
rows with their reasons and logs, and exits with 1; FILE exists only when there are none. Rows that are unsupported or
not run here, and artifacts that failed their gate, are results: they are in the report and do not fail the run. So is a
batch for which memory does not suffice where a smaller one ran.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from scripts.report.answers import ALONE, TIE, UNDECIDED, WINNER, Contest, Question, apart, per_second, questions
from scripts.report.columns import read_results, write_whole
from scripts.report.evidence import LOCATION, key_of
from scripts.report.reading import BAD, read
from scripts.report.rows import Row, conversions, planned, read_plan
from scripts.report.saturation import candidate as of_candidate
from scripts.report.summarise import chain
from scripts.report.wording import FAILED_GATE, STATUS, candidate, count, known, listed, network, number, span

LOGS = {"prepare": "prepare.log", "convert": "convert.log", "compile": "compile.log", "verify": "verify.log"}
REASON_LENGTH = 160


def log_of(row: Row, status: str) -> Path | None:
    """The log of the stage that ended a row so, which lies beside its record; None where it left none."""
    upstream = [read(folder / "artifact.json", "convert") for folder in reversed(list(conversions(row)))]
    trials = [read(path, "measure") for path in row.trials]
    for record in [*upstream, *chain(row), *trials]:
        if record.status == status:
            folder = record.path.parent
            for path in (
                folder / LOGS.get(record.stage, ""),
                folder / "reference.log",
                record.path.with_suffix(".log"),
            ):
                if path.is_file() and path.stat().st_size:
                    return path
    return None


def failed(table: pd.DataFrame, host: str) -> pd.DataFrame:
    """The rows of `host` that make the run fail."""
    here = table[table["host"] == host]
    bad = here[here["status"].isin(BAD)]
    ran = dict(_least_batches(here[here["status"] == "ok"]))
    too_large = [
        cells["status"] == "oom" and ran.get(of_candidate(dict(cells)), cells["batch"]) < cells["batch"]
        for _, cells in bad.iterrows()
    ]
    return bad[[not each for each in too_large]] if too_large else bad


def _least_batches(table: pd.DataFrame) -> Iterator[tuple[tuple[Any, ...], int]]:
    """Each candidate of a table with the smallest of its batches."""
    for _, cells in table.sort_values("batch", ascending=False).iterrows():
        yield of_candidate(dict(cells)), int(cells["batch"])


def complaints(table: pd.DataFrame, plan: dict[str, Any]) -> Iterator[str]:
    """One line per candidate that ended badly (all its workloads together), and one for its log."""
    rows = {row.key: row for row in planned(plan)}
    bad = failed(table, plan["host"])
    names = ["model", "weights", "runtime", "precision", "variant", "device", "status", "reason"]
    for _, group in bad.groupby(names, sort=False, dropna=False):
        cells = group.iloc[0]
        batches = ", ".join(str(batch) for batch in group["batch"].drop_duplicates())
        reason = " ".join(str(cells["reason"]).split())
        short = reason if len(reason) <= REASON_LENGTH else reason[: REASON_LENGTH - 3] + "..."
        yield f"  {network(cells)}, {candidate(cells)}, batch {batches}: {STATUS[cells['status']]}: {short}"
        row = rows.get(key_of(cells))
        log = log_of(row, cells["status"]) if row else None
        if log is not None:
            yield f"    log: {log}"


def answer(question: Question, others: Sequence[Question]) -> str:
    """What the finals decided for latency and for throughput of one network."""
    name = network(question.rows.iloc[0]) + apart(question, others)
    asked = {contest.workload: contest for contest in (question.latency, question.throughput) if contest}
    if not asked:
        return f"{name}: nothing ran as asked and passed its gate"
    told = "; ".join(decided(contest, question.purpose(contest)) for contest in asked.values())
    return f"{name}: {told}"


def decided(contest: Contest, purpose: str) -> str:
    """The winner of one workload, or those that cannot be told apart, or why there is neither."""
    first = contest.ranked.iloc[0]
    if contest.outcome == TIE:
        tied = listed([candidate(cells) for _, cells in contest.leaders.iterrows()])
        return f"{purpose}: no single winner, the finals cannot tell {tied} apart ({_figure(first, contest, purpose)})"
    words = {
        WINNER: "wins the finals",
        ALONE: "is the only candidate that ran as asked and passed its gate",
        UNDECIDED: "led the screen, without finals",
    }
    return f"{purpose}: {candidate(first)} {words[str(contest.outcome)]} ({_figure(first, contest, purpose)})"


def _figure(cells: pd.Series, contest: Contest, purpose: str) -> str:
    """`p10 5.21 ms, 95 % interval 5.10 to 5.30, batch 1`; items per second unless it is about latency."""
    point, lo, hi = (cells[name] for name in ("finals_ms", "finals_lo_ms", "finals_hi_ms"))
    if not known(point):
        names = [f"{contest.location}_{end}ms" for end in ("", "lo_", "hi_")]
        point, lo, hi = (cells["_ms"], *(cells[name] for name in names[1:]))
    batch = contest.batch
    if purpose != "latency":
        point, lo, hi = (per_second(batch, value) if known(value) else None for value in (point, hi, lo))
    interval = span(lo, hi)
    unit = "ms" if purpose == "latency" else "per second"
    location = f"{contest.location} " if contest.mode == "latency" else ""
    return f"{location}{number(point)} {unit}{interval and f', 95 % interval {interval}'}, batch {batch}"


def summary(table: pd.DataFrame, plan: dict[str, Any], report: Path) -> list[str]:
    """The answer and where to read on."""
    location = plan.get("config", {}).get("measure", {}).get("location", LOCATION)
    asked = list(questions(table, plan["host"], location))
    lines = [answer(question, asked) for question in asked]
    here = table[table["host"] == plan["host"]]
    groups = {
        STATUS[status]: here[here["status"] == status] for status in ("not_run", "unsupported", "degraded", "oom")
    }
    groups[FAILED_GATE] = here[(here["status"] == "ok") & (here["gate"] == "fail").fillna(False)]
    for words, rows in groups.items():
        if len(rows):
            names = ", ".join(dict.fromkeys(candidate(cells) for _, cells in rows.iterrows()))
            lines.append(f"{count(len(rows), 'row')} {words}: {names}")
    return [*lines, f"How sure, and why the others are not it: {report}"]


def main(argv: list[str] | None = None) -> int:
    """Print the answer; 1 if something failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--csv", "--plan", "--report", "--ok"):
        parser.add_argument(name, type=Path, required=True)
    args = parser.parse_args(argv)
    table, plan = read_results(args.csv), read_plan(args.plan)
    text = summary(table, plan, args.report)
    print("\n".join(text))
    said = list(complaints(table, plan))
    if not said:
        write_whole(args.ok, lambda path: path.write_text("\n".join(text) + "\n"))
        return 0
    args.ok.unlink(missing_ok=True)
    print(f"{count(len(failed(table, plan['host'])), 'row')} failed:", *said, sep="\n")
    print("To try them again as they are, set `retry_failed: true` in the config.")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
