"""Who takes part in the finals: `python -m scripts.report.leaders --plan ... --count 4 --out FILE`.

For each network and workload of this host, the candidates that ran as asked, passed their gate and were fastest in the
screen. A wide screen costs time, a wrong choice costs the winner: all within `WITHIN` of the fastest take part, and
the next one in any case, so that whoever is named has beaten somebody, `--count` at most. Eager PyTorch in fp32 is
measured beside them as a guest, in some of the rounds: speed-ups are told from the finals too. `--refined` names a
record of more trials (made like the finals), which count as the screen's own.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from scripts.core.verb import write_json
from scripts.report.answers import PASSES
from scripts.report.finalists import QUESTION, read_finals, trials_by_key
from scripts.report.reading import Trial
from scripts.report.relations import is_baseline
from scripts.report.rows import Row, planned, read_plan
from scripts.report.summarise import chain, trials_of, verdict

WITHIN = 1.25
LEAST = 2


def may_win(row: Row) -> bool:
    """Whether every stage of a row went as asked, its gate included."""
    stages = chain(row)
    good, bad = trials_of(row)
    return bool(good) and verdict(stages, good, bad)[0] == "ok" and stages[-1].text("gate") in PASSES


def screened(row: Row, more: Sequence[Trial], location: str) -> float:
    """Mean log location over the trials of the screen, and over those that refined it."""
    return float(np.mean([trial.log_location(location) for trial in [*trials_of(row)[0], *more]]))


def leaders(standing: dict[Row, float], count: int) -> list[Row]:
    """The rows that take part, fastest first; none where nobody could be beaten.

    standing: log location by row.
    """
    ranked = sorted(standing, key=lambda row: (standing[row], row.key))
    if len(ranked) < LEAST:
        return []
    near = [row for row in ranked if standing[row] - standing[ranked[0]] <= np.log(WITHIN)]
    return ranked[: min(count, max(LEAST, len(near)))]


def choose(plan: dict[str, Any], count: int, more: dict[tuple[Any, ...], list[Trial]]) -> list[dict[str, Any]]:
    """The questions that finals can answer, each with its finalists as rows of the plan.

    The baseline of the speed-ups is a guest where it measured and is no finalist itself.
    """
    location = plan["config"]["measure"]["location"]
    as_planned = {row.key: values for row, values in zip(planned(plan), plan["rows"], strict=True)}
    groups: dict[tuple[Any, ...], dict[Row, float]] = {}
    for row in planned(plan):
        if may_win(row):
            question = tuple(getattr(row, name) for name in QUESTION)
            groups.setdefault(question, {})[row] = screened(row, more.get(row.key, []), location)
    found = []
    for question, standing in groups.items():
        rows = leaders(standing, count)
        guests = [row for row in standing if is_baseline(asdict(row)) and row not in rows] if rows else []
        taking_part = [as_planned[row.key] | {"guest": row in guests} for row in [*rows, *guests]]
        if taking_part:
            found.append(dict(zip(QUESTION, question, strict=True)) | {"finalists": taking_part})
    return found


def main(argv: list[str] | None = None) -> int:
    """Write the questions and their finalists."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--count", type=int, required=True, help="finalists of a question, at most")
    parser.add_argument("--refined", type=Path, help="record of more trials of the screen")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    plan = read_plan(args.plan)
    more = trials_by_key(read_finals(args.refined)) if args.refined else {}
    write_json(args.out, {"schema": 1, "questions": choose(plan, args.count, more)})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
