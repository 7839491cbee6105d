"""Start one trial's worker alone on the machine, and leave its record and raw samples.

    python -m scripts.measure.supervisor --verb scripts.measure.worker --stage measure --record FILE ...

A trial that was measured before, of the same bytes, protocol, software, host and number, is answered from the store.
One trial is measured at a time on a machine: a kernel lock, which the worker inherits, so that it is free
again only when the worker is gone. The worker reads the host's counters around its samples (samplers.py); here they
become what disturbed the trial and the energy it took. Runs in Snakemake's own Python.
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

from scripts.core import host, kept, records, stage
from scripts.core.guard import End, become_guard, say
from scripts.core.records import USABLE, Record
from scripts.core.stage import arguments, obstacle, run_verb
from scripts.core.store import reads
from scripts.measure import conditions, disturbance, energy, loadgen, memory, samplers

MODULES = ["scripts.measure.supervisor", "scripts.measure.worker"]
"""What the samples of a trial depend on, beside the room of its runtime."""
LOCK = Path("/tmp/assay-measure.lock")
SESSION_VARIABLE = "ASSAY_SESSION"
SAMPLERS_VARIABLE = samplers.SAMPLERS_VARIABLE
"""`off`: nothing is read around a trial and its memory is not looked at; the limit of time holds. For proofs."""
IDLE = "idle_power_{}.json"
"""Beside the host's record: the idle machine's or GPU's power, of one boot and session."""
POLL_S = 0.25
"""How often a trial's memory is held against the limit. Each look takes a core for 0.1 ms."""


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
    session = os.environ.get(SESSION_VARIABLE, "alone")
    with machine_lock() as lock, tempfile.TemporaryDirectory(prefix="trial-", dir=raw.parent) as out:
        device = json.loads(args.options)["device"]
        kept_at = args.host_record.with_name(IDLE.format(device.replace(":", "")))
        idle = energy.idle(kept_at, session, device=device) if samplers.on() else None
        end, facts = _watched(args, Path(out), lock)
        if end.status in USABLE:
            os.replace(Path(out) / "raw.npz", raw)
    facts |= _judged(facts.pop("window", {}), json.loads(args.options), facts["conditions"], idle)
    facts |= {"session": session, "wall_s": round(end.wall_s, 3), "fingerprint": host.fingerprint()}
    return {"status": end.status, "reason": end.reason}, facts


def _watched(args: argparse.Namespace, out: Path, lock: int) -> tuple[End, dict[str, Any]]:
    """Run the worker and see what happens around it: conditions, and the memory of its children."""
    looks: list[memory.Look] = []

    def look(began: float, sizes: list[float]) -> None:
        if len(sizes) > 1:  # alone, the worker's own figures are exact
            looks.append((began, time.monotonic(), sum(sizes)))

    before, started, usage = _conditions(), time.time(), conditions.Usage()
    poll_s = POLL_S if samplers.on() else None
    end, facts = run_verb(args, out, _loadgen(args), pass_fds=(lock,), poll_s=poll_s, look=look)
    facts["conditions"] = {"before": before, "after": _conditions(), "trial": usage.facts()}
    facts["started"] = started
    if "memory" in facts:
        facts["memory"] = memory.with_looks(facts["memory"], facts["phases"], looks)
    return end, facts


def _loadgen(args: argparse.Namespace) -> dict[str, str]:
    """Where the worker finds LoadGen, for serving mode; nothing where its environment could not be made."""
    if not args.loadgen:
        return {}
    record = records.load(Path(args.loadgen))
    return {loadgen.VARIABLE: loadgen.folder_of(record["python"])} if record["status"] in USABLE else {}


def _conditions() -> dict[str, Any]:
    return conditions.read() if samplers.on() else {}


def _judged(
    window: dict[str, dict[str, Any]], options: dict[str, Any], around: dict[str, Any], idle: energy.Idle | None
) -> dict[str, Any]:
    """What the counters of the worker's window say: what disturbed the samples, and the energy they took."""
    spent = energy.settle(window, idle, options["device"], options["mode"])
    if not window:
        return {"disturbed": [], "energy": spent}
    run = disturbance.run(window["before"], window["after"])
    reasons = disturbance.reasons(
        window["before"], window["after"], run["wall_s"] or 0.0, run["cpu_s"] or 0.0,
        options["threads"], host.usable_cores(),
    )  # fmt: skip
    gpu = {"gpu": {when: window[when]["gpu"] for when in ("before", "after")}} if "gpu" in window["after"] else {}
    return {"conditions": around | {"run": run} | gpu, "disturbed": reasons, "energy": spent}


def main() -> int:
    parser = argparse.ArgumentParser(parents=[arguments(None)], conflict_handler="resolve", description=__doc__)
    parser.add_argument("--record", required=True, type=Path, help="trial-N.json; the samples go to trial-N.npz")
    parser.add_argument("--host-record", required=True, type=Path)
    parser.add_argument("--trial", required=True, type=int)
    parser.add_argument("--loadgen", help="record of LoadGen's environment, for serving mode; empty for the others")
    parser.add_argument("--position", required=True, type=int, help="place in the round's seeded order")
    args = parser.parse_args()
    raw = args.record.with_suffix(".npz")
    for old in (args.log, args.record, raw):
        old.unlink(missing_ok=True)
    become_guard()
    ending = obstacle(args)
    if ending is not None:
        _save(args, ending, {})
        return 0
    read = reads.of_trial(stage.sources(args), json.loads(args.options)["batch"])
    on = stage.answer_ingredients(
        args, MODULES, read, host.fingerprint(), trial=args.trial, session="screen", loadgen=args.loadgen
    )
    is_here = host.difference(records.load(args.host_record)) is None
    if samplers.on() and is_here and kept.answer(on, args.record, args.log, raw):
        return 0
    ending, facts = measure(args, raw)
    _save(args, ending | {"stage": args.stage}, facts)
    if samplers.on() and raw.exists():
        kept.keep_answer(on, args.record, raw)
    return 0


def _save(args: argparse.Namespace, ending: dict[str, Any], facts: dict[str, Any]) -> None:
    """Write the trial's record."""
    options = json.loads(args.options)
    asked = {key: options[key] for key in ("candidate", "batch", "image_size", "mode", "protocol") if key in options}
    facts = asked | {"trial": args.trial, "round": args.trial, "position": args.position} | facts
    records.save(Record(kind="trial", **ending, **facts), args.record)


if __name__ == "__main__":
    raise SystemExit(main())
