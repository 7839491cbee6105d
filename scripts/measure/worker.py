"""One trial: a fresh process that loads one candidate and measures one workload.

Runs in the runtime's own environment with that runtime, NumPy and the protocol, started by the supervisor.
Sources: `deployable` (the files a session opens), `reference` (real inputs), `checkpoint` (tensor names).
Leaves `raw.npz` (int64 nanoseconds `put`, `execute`, `get`, each [samples]) and, as facts, phases, memory, threads,
placement.
"""

import importlib
import sys
from pathlib import Path
from time import perf_counter
from typing import Any, Dict, Tuple

import numpy as np

from scripts.core.door import Session
from scripts.core.verb import Facts, Job, main
from scripts.measure.inputs import batch_of, read_model, stored, with_names
from scripts.measure.memory import peak_mb, reset_peak
from scripts.measure.protocol import Protocol, sample, warm_up


class _Phases:
    """Seconds and peak megabytes of each phase, in order."""

    def __init__(self) -> None:
        self.seconds: Dict[str, float] = {}
        self.memory: Dict[str, Any] = {"baseline_mb": peak_mb(), "per_phase": reset_peak()}
        self._start = perf_counter()

    def end(self, name: str) -> None:
        """Close the running phase under `name` and start the next."""
        self.seconds[name + "_s"] = perf_counter() - self._start
        self.memory[name + "_mb"] = peak_mb()
        reset_peak()
        self._start = perf_counter()


def open_session(artifact: Path, room: str, options: Dict[str, Any], phases: _Phases) -> Session:
    """Import the room (which imports its toolchain) and open the candidate, as two phases."""
    module = importlib.import_module("scripts.%s.session" % room)
    phases.end("import")
    session: Session = module.open(artifact, options)
    phases.end("load")
    return session


def trial(job: Job) -> Facts:
    """Load, warm up, measure; raw samples to `raw.npz`."""
    model = read_model(job.sources["checkpoint"])
    options = with_names(job.options, model)
    inputs = batch_of(stored(job.sources["reference"], "inputs", options["inputs"]), options["batch"])
    phases = _Phases()
    session = open_session(job.sources["deployable"], options["room"], options, phases)
    session.put(inputs)
    session.execute()
    session.get()
    phases.end("first_call")
    protocol = Protocol.of(options["protocol"])
    warmup = warm_up(session, inputs, protocol)
    samples = sample(session, inputs, protocol)
    phases.end("run")
    placement = session.placement()
    facts = _facts(phases, session, options, warmup, len(samples.put))
    np.savez_compressed(str(job.out / "raw.npz"), **samples._asdict())
    session.close()
    if placement.degraded:
        facts.update(status="degraded", reason=placement.degraded)
    facts["placement"] = placement._asdict()
    return facts


def _facts(phases: _Phases, session: Session, options: Dict[str, Any], warmup: Dict[str, float], samples: int) -> Facts:
    return {
        "phases": phases.seconds,
        "memory": phases.memory,
        "threads": {"asked": options["threads"], "read_back": session.threads()},
        "device_memory_bytes": session.device_memory(),
        "warmup": warmup,
        "samples": samples,
        "python": _version(sys.version_info),
    }


def _version(info: Tuple[Any, ...]) -> str:
    return ".".join(str(part) for part in info[:3])


if __name__ == "__main__":
    raise SystemExit(main(trial, __doc__))
