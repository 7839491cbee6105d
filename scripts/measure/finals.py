"""Measure the leaders of each network and workload afresh, in alternating rounds: only this names a winner.

    python -m scripts.measure.finals --leaders FILE --host-record FILE --out artifacts/hosts/HOST/finals/finals.json ...

Each question (one network under one workload) is measured on its own, so that the finalists' trials of a round lie
close together: what the host does to one it does to the others. The order within a round is shuffled, seeded. The
number of rounds is fixed before; where the budget of time ends first there are fewer, whole rounds only: how
long they took decides, never what they measured.

A question is answered from its record while its finalists, their bytes and environments, the protocol, the code that
measures and the host are unchanged. Runs in Snakemake's own Python; no statistic is computed here.
"""

import argparse
import hashlib
import json
import shutil
import time
from pathlib import Path
from typing import Any

from scripts.core import host, plan, records
from scripts.core.catalogue import on
from scripts.core.codehash import code_hash
from scripts.core.guard import become_guard, say
from scripts.core.records import USABLE
from scripts.core.stage import obstacle
from scripts.core.verb import write_json
from scripts.measure.supervisor import measure
from scripts.measure.trials import KINDS, WORKER, arguments, begin, in_rounds, sources, trial_arguments

LEAST_ROUNDS = 3
"""Fewer resolve nothing, whatever the budget says."""
GUEST_EVERY = 2
"""A guest, the baseline of the speed-ups, takes part in the first of so many rounds: it is slow and decides nothing."""

Values = dict[str, Any]


def ingredients(question: Values, args: argparse.Namespace) -> Values:
    """What the answer to a question depends on, by name."""
    rows = question["finalists"]
    rooms = sorted({f"scripts.{on(row['runtime'], row['device']).room}.session" for row in rows})
    files = sorted({file for row in rows for file in sources(row, args.setting.config)})
    return {
        "options": [trial_arguments(row, args.setting).options for row in rows],
        "bytes": {str(file): _identity(file) for file in files},
        "code": code_hash("scripts.measure.finals", WORKER, *rooms),
        "host": host.fingerprint(),
        "rounds": args.rounds,
        "minutes": args.minutes,
        "seed": args.seed,
    }


def _identity(record: Path) -> Any:
    """What a record says of its bytes: an artifact's sha256, an environment's packages."""
    values = records.load(record)
    return values.get("sha256") or values.get("packages")


def key_of(question: Values, args: argparse.Namespace) -> str:
    """The answer's key: sha256 of its ingredients."""
    text = json.dumps(ingredients(question, args), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def answered(folder: Path) -> Values | None:
    """The answer kept in `folder`, if it is whole and nothing in it failed."""
    try:
        answer: Values = json.loads((folder / "answer.json").read_text())
    except (OSError, ValueError):
        return None
    trials = [trial for finalist in answer["finalists"] for trial in finalist["trials"]]
    whole = all(t["status"] in USABLE and (folder.parent / t["raw"]).exists() for t in trials)
    return answer if whole else None


def one_trial(row: Values, number: int, position: int, folder: Path, args: argparse.Namespace) -> Values:
    """One finalist's trial of one round; its samples lie in `folder`."""
    asked = trial_arguments(row, args.setting)
    ending = obstacle(asked)
    facts: Values = {}
    name = ".".join(str(row[part]) for part in ("runtime", "precision", "variant", "device"))
    raw = folder / f"{name}.{number}.npz"
    if ending is None:
        ending, facts = measure(asked, raw)
    place = {"raw": str(raw.relative_to(folder.parent)), "round": number, "trial": number, "position": position}
    return {**ending, **facts, **place, "mode": row["mode"], "batch": row["batch"]}


def hold(question: Values, folder: Path, share_s: float, args: argparse.Namespace) -> Values:
    """Measure one question's finalists in rounds, for about `share_s` seconds at most."""
    rows = question["finalists"]
    trials: list[list[Values]] = [[] for _ in rows]
    start, done, longest = time.monotonic(), 0, 0.0
    for number in range(1, args.rounds + 1):
        began = time.monotonic()
        if done >= LEAST_ROUNDS and began - start + longest > share_s:
            break
        taking_part = [i for i in _shuffled(rows, number, args) if not rows[i]["guest"] or number % GUEST_EVERY == 1]
        for position, i in enumerate(taking_part):
            if all(trial["status"] in USABLE for trial in trials[i]):  # what failed once is out
                trials[i].append(one_trial(rows[i], number, position, folder, args))
        done, longest = number, max(longest, time.monotonic() - began)
        say(f"{_title(question)}: round {number} of {args.rounds}")
    fewer = None if done == args.rounds else f"{args.minutes:g} minutes for all questions allowed no more"
    named = [
        {name: row[name] for name in (*KINDS, "guest")} | {"trials": measured}
        for row, measured in zip(rows, trials, strict=True)
    ]
    about = {name: question[name] for name in ("model", "weights", "batch", "image_size", "mode", "threads")}
    return about | {"rounds_asked": args.rounds, "rounds": done, "why_fewer": fewer, "finalists": named}


def _shuffled(rows: list[Values], number: int, args: argparse.Namespace) -> list[int]:
    """The order of the finalists in a round."""
    names = ["/".join(str(row[name]) for name in KINDS) for row in rows]
    return sorted(range(len(rows)), key=lambda i: plan.order(args.seed, number, names[i]))


def _title(question: Values) -> str:
    about = f"{question['model']}, batch {question['batch']}, {question['mode']}"
    return f"finals of {about}, {len(question['finalists'])} candidates"


def main() -> int:
    parser = arguments(__doc__)
    in_rounds(parser)
    parser.add_argument("--leaders", required=True, type=Path)
    parser.add_argument("--plan", required=True, type=Path)
    parser.add_argument("--minutes", required=True, type=float, help="budget of all questions together")
    parser.add_argument("--loadgen", default="", help="record of LoadGen's environment, for serving mode")
    args = parser.parse_args()
    become_guard()
    recorded = begin(args, args.loadgen)
    write_json(args.out, {"schema": 1, "kind": "finals", "host": recorded["host"], "questions": answers(args)})
    return 0


def answers(args: argparse.Namespace) -> list[Values]:
    """The answer to every question, from its record or measured now; other records go."""
    questions = json.loads(args.leaders.read_text())["questions"] if args.rounds else []
    folders = {key_of(question, args): question for question in questions}
    here = args.out.parent
    kept = {key: answered(here / key) for key in folders}
    for folder in here.glob("*/answer.json"):
        if folder.parent.name not in folders:
            shutil.rmtree(folder.parent)
    end, todo = time.monotonic() + args.minutes * 60, [key for key in folders if kept[key] is None]
    for left, key in zip(range(len(todo), 0, -1), todo, strict=True):
        shutil.rmtree(here / key, ignore_errors=True)
        share_s = (end - time.monotonic()) / left
        kept[key] = hold(folders[key], here / key, share_s, args)
        write_json(here / key / "answer.json", kept[key])
    return [kept[key] for key in folders if kept[key] is not None]  # type: ignore[misc]


if __name__ == "__main__":
    raise SystemExit(main())
