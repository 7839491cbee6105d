"""Compile again, alone, what was compiled beside other jobs, so that its wall time is its own: `make ledger`.

    python -m scripts.measure.ledger --plan artifacts/plan.json --log FILE --out artifacts/hosts/HOST/ledger/ledger.json

The artifact stays; what it cost is replaced, here and in the store. Runs in Snakemake's own Python.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from scripts.core import kept, records
from scripts.core.guard import become_guard, say
from scripts.core.records import USABLE, Build
from scripts.core.verb import write_json
from scripts.measure.again import artifacts, compile_again, scratch, title

Values = dict[str, Any]


def remeasure(row: Values, config: Values, log: Path) -> Build | None:
    """What compiling `row` costs alone; None where it cannot be told, which is said."""
    with scratch(log.parent) as folder:
        end, cost = compile_again(row, config, Path(folder) / "files", log)
    if end.status not in USABLE:
        say(f"  {end.status}: {end.reason} (log: {log})")
        return None
    if cost.concurrent:
        say(f"  other processes took {cost.others_cpu_s:.1f} s of CPU time meanwhile: not taken")
        return None
    return cost


def replace(folder: Path, cost: Build) -> None:
    """Let `cost` stand for the artifact in `folder`, and for its entry in the store."""
    records.save(cost, folder / "build.json")
    store = kept.store()
    if store is not None and cost.key:
        artifact = records.load(folder / "artifact.json")
        values = {"artifact": artifact, "build": records.load(folder / "build.json")}
        store.keep(cost.ingredients, folder / "files", values, replace=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plan", required=True, type=Path)
    parser.add_argument("--log", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    args = parser.parse_args()
    become_guard()
    plan = json.loads(args.plan.read_text())
    found = artifacts(plan["rows"])
    shared = {folder: row for folder, row in found.items() if records.load(Path(folder) / "build.json")["concurrent"]}
    say(f"{len(found)} compiled artifacts; {len(shared)} of them were compiled beside other jobs")
    done: list[Values] = []
    for number, (folder, row) in enumerate(shared.items(), 1):
        say(f"ledger: {title(row)} ({number} of {len(shared)})")
        cost = remeasure(row, plan["config"], args.log)
        if cost is not None:
            replace(Path(folder), cost)
            done.append({"folder": folder, "wall_s": cost.wall_s, "cpu_s": cost.cpu_s})
            say(f"  {cost.wall_s:.1f} s")
    write_json(args.out, {"schema": 1, "kind": "ledger", "host": plan["host"], "measured": done})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
