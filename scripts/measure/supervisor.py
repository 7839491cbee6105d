"""Start one trial's worker alone on the machine, and leave its record and raw samples.

    python -m scripts.measure.supervisor --verb scripts.measure.worker --stage measure --record FILE ...

One trial is measured at a time on a machine: a kernel lock, which the worker inherits, so that it is free
again only when the worker is gone. Runs in Snakemake's own Python.
"""

import argparse
import fcntl
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scripts.core import host, records
from scripts.core.guard import become_guard, say
from scripts.core.records import USABLE, Record
from scripts.core.stage import arguments, obstacle, run_verb
from scripts.measure import conditions

LOCK = Path("/tmp/assay-measure.lock")
SESSION_VARIABLE = "ASSAY_SESSION"


@contextmanager
def machine_lock(path: Path = LOCK) -> Iterator[int]:
    """Hold the machine-wide lock; yields the descriptor to hand on to the worker."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting: another measurement runs on this machine")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def measure(args: argparse.Namespace, raw: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run the worker; how it ended, and what the trial's record holds."""
    recorded = records.load(args.host_record)
    if (other := host.difference(recorded)) is not None:
        return {"status": "failed", "reason": other}, {}
    raw.parent.mkdir(parents=True, exist_ok=True)
    with machine_lock() as lock, tempfile.TemporaryDirectory(prefix="trial-", dir=raw.parent) as out:
        before, started = conditions.read(), time.time()
        end, facts = run_verb(args, Path(out), pass_fds=(lock,))
        after = conditions.read()
        if end.status in USABLE:
            os.replace(Path(out) / "raw.npz", raw)
    facts |= {"conditions": {"before": before, "after": after}, "started": started, "wall_s": round(end.wall_s, 3)}
    facts |= {"session": os.environ.get(SESSION_VARIABLE, "alone"), "fingerprint": host.fingerprint()}
    return {"status": end.status, "reason": end.reason}, facts


def main() -> int:
    parser = argparse.ArgumentParser(parents=[arguments(None)], conflict_handler="resolve", description=__doc__)
    parser.add_argument("--record", required=True, type=Path, help="trial-N.json; the samples go to trial-N.npz")
    parser.add_argument("--host-record", required=True, type=Path)
    parser.add_argument("--trial", required=True, type=int)
    parser.add_argument("--position", required=True, type=int, help="place in the round's seeded order")
    args = parser.parse_args()
    raw = args.record.with_suffix(".npz")
    for old in (args.log, args.record, raw):
        old.unlink(missing_ok=True)
    become_guard()
    ending = obstacle(args)
    facts: dict[str, Any] = {}
    if ending is None:
        ending, facts = measure(args, raw)
        ending["stage"] = args.stage
    options = json.loads(args.options)
    asked = {key: options[key] for key in ("candidate", "batch", "image_size", "mode", "protocol") if key in options}
    facts = asked | {"trial": args.trial, "round": args.trial, "position": args.position} | facts
    records.save(Record(kind="trial", **ending, **facts), args.record)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
