"""Compile candidates several times from cold and measure every build, so that a lucky one does not pass for fast.

    python -m scripts.measure.rebuild --plan artifacts/plan.json --builds 5 --rounds 5 --out .../rebuild.json ...

Each build is verified and then measured in rounds, in an order shuffled anew in each. No statistic is computed here.
Runs in Snakemake's own Python; the store is neither read nor written.
"""

import argparse
import shutil
from pathlib import Path
from typing import Any

from scripts.core import plan as planned
from scripts.core import records
from scripts.core.guard import become_guard, say
from scripts.core.records import USABLE, Artifact
from scripts.core.stage import PATIENT, obstacle, run_verb
from scripts.core.verb import write_json
from scripts.measure.again import artifacts, compile_again, scratch, title
from scripts.measure.supervisor import measure
from scripts.measure.trials import KINDS, arguments, begin, in_rounds, trial_arguments

Values = dict[str, Any]
VERIFY = "scripts.measure.verify"
SAID = ("outputs_sha256", "sqnr_db", "max_abs_error", "gate")


def build(row: Values, folder: Path, args: argparse.Namespace) -> Values:
    """One build of `row` in the new folder `folder`: what it cost, its bytes, what it answers."""
    end, cost = compile_again(row, args.setting.config, folder / "files", args.log)
    about: Values = {"status": end.status, "reason": end.reason, "wall_s": cost.wall_s, "cpu_s": cost.cpu_s}
    about |= {"concurrent": cost.concurrent, "trials": []}
    if end.status not in USABLE:
        return about
    files = records.hash_files(folder / "files")
    first = records.load(Path(row["paths"]["deployable"]) / "artifact.json")
    made = Artifact(
        status=end.status, stage="compile", sha256=records.identity(files), files=files,
        bytes=sum(file.bytes for file in files.values()), built_for=first.get("built_for") or {},
    )  # fmt: skip
    records.save(made, folder / "artifact.json")
    about |= {"bytes": made.bytes, "artifact_sha256": made.sha256}
    return about | _verified(_at(row, folder), folder, args)


def _at(row: Values, folder: Path) -> Values:
    """The row, deployed from `folder`."""
    return row | {"paths": row["paths"] | {"deployable": str(folder)}}


def _verified(row: Values, folder: Path, args: argparse.Namespace) -> Values:
    """What a build answers on the photos."""
    asked = trial_arguments(row, args.setting)
    asked.verb, asked.stage = VERIFY, "verify"
    end, facts = run_verb(asked, folder / "verified", PATIENT)
    return {"status": end.status, "reason": end.reason, **{name: facts.get(name) for name in SAID}}


def trials(row: Values, folders: list[Path], number: int, args: argparse.Namespace) -> dict[int, Values]:
    """One round: a trial of each build, in shuffled order; its samples lie beside the record."""
    order = sorted(range(len(folders)), key=lambda i: planned.order(args.seed, number, str(folders[i].name)))
    found: dict[int, Values] = {}
    for position, i in enumerate(order):
        asked = trial_arguments(_at(row, folders[i]), args.setting)
        raw = args.out.parent / "raw" / f"{args.name}.{i}.{number}.npz"
        ending = obstacle(asked)
        facts: Values = {}
        if ending is None:
            ending, facts = measure(asked, raw)
        place = {"raw": str(raw.relative_to(args.out.parent)), "round": number, "trial": number, "position": position}
        found[i] = {**ending, **facts, **place, "mode": row["mode"], "batch": row["batch"]}
    return found


def rebuild(row: Values, args: argparse.Namespace) -> Values:
    """All builds of one artifact, measured in rounds."""
    say(f"rebuild: {title(row)}")
    with scratch(args.out.parent) as place:
        folders = [Path(place) / f"build-{number}" for number in range(args.builds)]
        builds = []
        for number, folder in enumerate(folders, 1):
            folder.mkdir()
            builds.append(build(row, folder, args))
            say(f"  build {number} of {args.builds}: {builds[-1]['wall_s']:.1f} s, {builds[-1]['status']}")
        good = [i for i, each in enumerate(builds) if each["status"] in USABLE]
        for number in range(1, args.rounds + 1):
            for i, trial in trials(row, [folders[i] for i in good], number, args).items():
                builds[good[i]]["trials"].append(trial)
            say(f"  round {number} of {args.rounds}")
    names = ("model", "weights", "batch", "image_size", "mode", "threads", *KINDS)
    return {name: row[name] for name in names} | {"builds": builds}


def main() -> int:
    parser = arguments(__doc__)
    in_rounds(parser)
    parser.add_argument("--plan", required=True, type=Path)
    parser.add_argument("--builds", required=True, type=int)
    args = parser.parse_args()
    become_guard()
    plan = begin(args)
    shutil.rmtree(args.out.parent / "raw", ignore_errors=True)
    found = []
    rows = [row for row in artifacts(plan["rows"]).values() if row["mode"] == "latency" and row["paths"]["trials"]]
    for number, row in enumerate(rows):
        args.name = str(number)
        found.append(rebuild(row, args))
    write_json(args.out, {"schema": 1, "kind": "rebuild", "host": plan["host"], "candidates": found})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
