"""Trials for the proofs on this host: one artifact, entered as several candidates, in shuffled rounds.

    python -m scripts.trust.live --row JSON --host-record FILE --rounds 64 --out FILE ...

`a` and `b` are the same candidate twice; `slower_5` and `slower_10` are it with 5 and 10 % planted; `unwatched` is it
without the samplers that watch a trial. All of them go through the supervisor and the worker that measure everybody.
With one thread: this is about the method, not about how threads share this host. Runs in Snakemake's own Python.
"""

import json
import os
from pathlib import Path
from typing import Any

from scripts.core import plan
from scripts.core.catalogue import on
from scripts.core.guard import become_guard, say
from scripts.core.records import USABLE
from scripts.core.stage import obstacle
from scripts.core.verb import write_json
from scripts.measure.supervisor import SAMPLERS_VARIABLE, measure
from scripts.measure.trials import Setting, trial_arguments
from scripts.trust.arguments import arguments, setting

PLANTED = {"slower_5": 0.05, "slower_10": 0.10}
ENTRIES = ("a", "b", *PLANTED, "unwatched")

Values = dict[str, Any]


def entry_options(entry: str, row: Values) -> Values:
    """The options that make an entry what it is."""
    room = on(row["runtime"], row["device"]).room
    return {"room": "trust.planted", "planted": {"room": room, "slower": PLANTED[entry]}} if entry in PLANTED else {}


def one_trial(entry: str, number: int, row: Values, setting: Setting, folder: Path) -> Values:
    """One entry's trial of one round; its samples lie in `folder`."""
    asked = trial_arguments(row, setting, **entry_options(entry, row))
    ending, facts = obstacle(asked), dict[str, Any]()
    raw = folder / f"{entry}.{number}.npz"
    os.environ[SAMPLERS_VARIABLE] = "off" if entry == "unwatched" else "on"
    if ending is None:
        ending, facts = measure(asked, raw)
    return {**ending, **facts, "raw": str(raw.relative_to(folder.parent)), "round": number, "mode": "latency"}


def rounds(row: Values, count: int, seed: int, setting: Setting, folder: Path) -> dict[str, list[Values]]:
    """`count` rounds of all entries, shuffled within each. Raises SystemExit where a trial fails: proofs need all."""
    trials: dict[str, list[Values]] = {entry: [] for entry in ENTRIES}
    for number in range(1, count + 1):
        for entry in sorted(ENTRIES, key=lambda name, n=number: plan.order(seed, n, name)):  # type: ignore[misc]
            trial = one_trial(entry, number, row, setting, folder)
            if trial["status"] not in USABLE:
                raise SystemExit(f"a trial of {row['runtime']} failed, so nothing is proved: {trial['reason']}")
            trials[entry].append(trial)
        say(f"proofs on this host: round {number} of {count}")
    return trials


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--row", required=True, type=json.loads, help="the row of the plan to measure, JSON")
    args = parser.parse_args()
    become_guard()
    seed, folder = args.config["measure"]["seed"], args.out.parent / "live"
    trials = rounds(args.row, args.rounds, seed, setting(args, args.seconds), folder)
    write_json(args.out, {"schema": 1, "row": args.row, "rounds": args.rounds, "entries": trials})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
