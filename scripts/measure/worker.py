"""One trial: a fresh process that loads one candidate and measures one workload.

Runs in the runtime's own environment with that runtime, NumPy and the protocol, started by the supervisor.
Sources: `deployable` (the files a session opens), `reference` (real inputs), `checkpoint` (tensor names).
Leaves `raw.npz` (int64 nanoseconds; its arrays are those of the mode) and, as facts, phases, memory, threads,
placement, and what the mode found.
"""

import importlib
import sys
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, Callable, Dict, NamedTuple, Tuple

import numpy as np

from scripts.core.door import Session
from scripts.core.verb import Facts, Job, main
from scripts.measure import memory
from scripts.measure.inputs import batch_of, read_model, stored, with_names
from scripts.measure.protocol import Bench, Measured, Protocol, latency
from scripts.measure.serving import leave_a_core, serving
from scripts.measure.throughput import throughput

Options = Dict[str, Any]
Open = Callable[[Options], Session]


class Mode(NamedTuple):
    """What a session is opened with, from what the config asks for, and how it is then measured."""

    options: Callable[[Options], Options]
    measure: Callable[[Bench], Measured]


MODES = {
    "latency": Mode(dict, latency),
    "throughput": Mode(dict, throughput),
    "serving": Mode(leave_a_core, serving),
}


class _Phases:
    """Seconds and peak megabytes of each phase, in order."""

    def __init__(self) -> None:
        self.seconds: Dict[str, float] = {}
        self.memory: Dict[str, Any] = memory.begin()
        self._start = perf_counter()

    def end(self, name: str) -> None:
        """Close the running phase under `name` and start the next."""
        self.seconds[name + "_s"] = perf_counter() - self._start
        self.memory[name + "_mb"] = memory.peak_mb()
        memory.reset_peak()
        self._start = perf_counter()


def open_session(artifact: Path, options: Options, phases: _Phases) -> Tuple[Session, Open]:
    """Import the room (which imports its toolchain) and open the candidate, as two phases; and how to open it again."""
    module = importlib.import_module("scripts.%s.session" % options["room"])
    phases.end("import")
    session: Session = module.open(artifact, options)
    phases.end("load")
    return session, partial(module.open, artifact)


def trial(job: Job) -> Facts:
    """Load, run once, measure in the asked mode; raw samples to `raw.npz`."""
    asked = with_names(job.options, read_model(job.sources["checkpoint"]))
    mode = MODES[asked["mode"]]
    options = mode.options(asked)
    inputs = batch_of(stored(job.sources["reference"], "inputs", options["inputs"]), options["batch"])
    phases = _Phases()
    session, again = open_session(job.sources["deployable"], options, phases)
    session.put(inputs)
    session.execute()
    session.get()
    phases.end("first_call")
    measured = mode.measure(Bench(session, inputs, options, Protocol.of(options["protocol"]), again))
    phases.end("run")
    facts = _facts(phases, measured, asked["threads"])
    np.savez_compressed(str(job.out / "raw.npz"), **measured.raw)
    for opened in reversed(measured.sessions):
        opened.close()
    return facts


def _facts(phases: _Phases, measured: Measured, threads: int) -> Facts:
    """What is told of a trial; what the mode found comes last and may say that the trial is not usable."""
    placement = measured.sessions[0].placement()
    counts = [session.threads() for session in measured.sessions]
    known = [count for count in counts if count is not None]
    facts: Facts = {
        "phases": phases.seconds,
        "memory": phases.memory,
        "threads": {"asked": threads, "read_back": sum(known) if len(known) == len(counts) else None},
        "device_memory_bytes": measured.sessions[0].device_memory(),
        "samples": measured.requests,
        "python": ".".join(str(part) for part in sys.version_info[:3]),
        "placement": placement._asdict(),
    }
    if placement.degraded:
        facts.update(status="degraded", reason=placement.degraded)
    return dict(facts, **measured.facts)


if __name__ == "__main__":
    raise SystemExit(main(trial, __doc__))
