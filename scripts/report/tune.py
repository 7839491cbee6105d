"""Which scheme to quantise by: `python -m scripts.report.tune --plan ... --csv reports/tune.csv --out .../tune.json`.

Of each network's runtimes and precisions, the fastest scheme that ran as asked and passed its gate is kept, by the
screen's location. The usual way stays where no scheme is faster beyond the noise: one that is tried among many wins by
luck easily, so the interval of its ratio to the usual way, paired over the rounds and the wider the more are tried,
must lie below 1. Every try is a row of the table.
"""

import argparse
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

from scripts.core import tuned
from scripts.core.capabilities import DEFAULT
from scripts.core.verb import write_json
from scripts.report.answers import PASSES
from scripts.report.columns import frame, write_whole
from scripts.report.rows import KEY, Row, planned, read_plan
from scripts.report.summarise import summarise, trials_of
from scripts.stats.comparison import paired_ratio

WRONGLY = 0.025
"""How often, at most, a scheme that is no faster takes the usual way's place, however many are tried (Bonferroni)."""

Values = dict[str, Any]


def kept(rows: Sequence[Row], table: dict[tuple[Any, ...], Values], location: str) -> dict[str, str]:
    """The variant to use, by `network/runtime/precision`; none where nothing passes."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        values = table[row.key]
        if values["status"] == "ok" and values["gate"] in PASSES:
            groups.setdefault(tuned.name(f"{row.model}.{row.weights}", row.runtime, row.precision), []).append(row)
    return {name: _fastest(group, location).variant for name, group in groups.items()}


def _fastest(group: Sequence[Row], location: str) -> Row:
    """The fastest, if it is faster than the usual way beyond the noise; else the usual way, where that passes."""
    logs: dict[Row, dict[Hashable, float]] = {
        row: {trial.round: trial.log_location(location) for trial in trials_of(row)[0]} for row in group
    }
    best = min(group, key=lambda row: sum(logs[row].values()) / len(logs[row]))
    usual = next((row for row in group if row.variant == DEFAULT), None)
    if usual is None or best is usual:
        return best
    if logs[best].keys() & logs[usual].keys():
        ratio = paired_ratio(logs[best], logs[usual], 1 - 2 * WRONGLY / (len(group) - 1))
        if ratio.hi is not None and ratio.hi < 1:
            return best
    return usual


def main(argv: list[str] | None = None) -> int:
    """Write the table of all tries and what is kept; say it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--plan", "--csv", "--out"):
        parser.add_argument(name, type=Path, required=True)
    args = parser.parse_args(argv)
    plan = read_plan(args.plan)
    rows = planned(plan)
    keys = {row.key for row in rows}
    every = summarise(plan, Path(plan["config"]["artifacts"]))
    found = {key: values for values in every if (key := _key(values)) in keys}
    chosen = kept(rows, found, plan["config"]["measure"]["location"])
    tries = frame(list(found.values()))
    write_whole(args.csv, lambda path: tries.to_csv(path, index=False, lineterminator="\n"))
    write_json(args.out, {"schema": 1, "host": plan["host"], "kept": chosen})
    for name in sorted({tuned.name(f"{row.model}.{row.weights}", row.runtime, row.precision) for row in rows}):
        print(f"{name}: {chosen.get(name) or 'no scheme passes its gate'}")
    return 0


def _key(values: Values) -> tuple[Any, ...]:
    return tuple(values[name] for name in KEY)


if __name__ == "__main__":
    raise SystemExit(main())
