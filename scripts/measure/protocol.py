"""The measuring loop: put, execute, get, each stamped with `perf_counter_ns`.

Warm-up is a fixed, recorded budget, never "until stable". A time budget, not a count, bounds a trial, so that a
slow candidate gives fewer samples instead of hanging the run; `iterations` overrides it. Garbage collection is off
inside the loop. Standard library and NumPy only, Python 3.8 on.
"""

import gc
from array import array
from time import perf_counter_ns
from typing import Any, Callable, Dict, List, NamedTuple, Optional

import numpy as np

from scripts.core.door import Arrays, Session
from scripts.core.verb import Facts
from scripts.measure import samplers


class Protocol(NamedTuple):
    """How a trial is measured. Times in seconds; an `iterations` count, where given, replaces the time budget.

    p99_ms: the limit of serving mode.
    """

    seconds: float
    min_samples: int
    warmup_seconds: float
    warmup_iterations: int
    iterations: Optional[int] = None
    p99_ms: Optional[float] = None

    @classmethod
    def of(cls, values: Dict[str, Any]) -> "Protocol":
        """From a dict that may hold more keys than these."""
        return cls(**{name: values[name] for name in cls._fields if name in values})


class Bench(NamedTuple):
    """What a mode measures with.

    session:  the candidate, opened for one stream, which has run once; options: what it was opened with
    open:     opens the candidate with other options (more streams); raises NotImplementedError where it cannot
    """

    session: Session
    inputs: Arrays
    options: Dict[str, Any]
    protocol: Protocol
    open: Callable[[Dict[str, Any]], Session]

    @property
    def device(self) -> str:
        """Where the candidate runs; the CPU unless its options say otherwise."""
        return str(self.options.get("device", "cpu"))


class Measured(NamedTuple):
    """What a mode leaves: arrays for `raw.npz`, the number of requests in them, its facts, what is still open."""

    raw: Dict[str, Any]
    requests: int
    facts: Facts
    sessions: List[Session]


class Samples(NamedTuple):
    """Nanoseconds per sample: int64 arrays of one length. device: by a GPU's own clock; None where there is none."""

    put: np.ndarray
    execute: np.ndarray
    get: np.ndarray
    device: Optional[np.ndarray] = None


def warm_up(session: Session, inputs: Arrays, protocol: Protocol) -> Dict[str, float]:
    """Run `warmup_iterations` samples, or fewer when `warmup_seconds` are over first (but at least one)."""
    start = perf_counter_ns()
    deadline = start + int(protocol.warmup_seconds * 1e9)
    done = 0
    while done < protocol.warmup_iterations and (done == 0 or perf_counter_ns() < deadline):
        session.put(inputs)
        session.execute()
        session.get()
        done += 1
    return {"iterations": done, "seconds": (perf_counter_ns() - start) / 1e9}


def sample(session: Session, inputs: Arrays, protocol: Protocol) -> Samples:
    """Measure until the time budget is spent and `min_samples` are there, or for `iterations` samples."""
    put, execute, get = session.put, session.execute, session.get
    clock = perf_counter_ns
    stamps = array("q")
    keep = stamps.extend
    on_device, device = session.device_ns, array("q")
    has_clock = on_device() is not None
    wanted = protocol.iterations
    least = wanted if wanted is not None else protocol.min_samples
    gc.collect()
    gc.disable()
    try:
        deadline = clock() if wanted is not None else clock() + int(protocol.seconds * 1e9)
        done, now = 0, 0
        while done < least or now < deadline:
            start = clock()
            put(inputs)
            handed = clock()
            execute()
            ran = clock()
            get()
            now = clock()
            keep((start, handed, ran, now))
            if has_clock:
                device.append(on_device() or 0)
            done += 1
    finally:
        gc.enable()
    table = np.frombuffer(stamps, dtype=np.int64).reshape(-1, 4)
    steps: List[np.ndarray] = [np.ascontiguousarray(column) for column in np.diff(table, axis=1).T]
    put_ns, execute_ns, get_ns = steps
    return Samples(put_ns, execute_ns, get_ns, np.frombuffer(device, dtype=np.int64) if has_clock else None)


def latency(bench: Bench) -> Measured:
    """One request at a time: raw int64 ns `put`, `execute`, `get`, each [samples]."""
    warmup = warm_up(bench.session, bench.inputs, bench.protocol)
    with samplers.Window(bench.device) as window:
        samples = sample(bench.session, bench.inputs, bench.protocol)
    raw = {name: values for name, values in samples._asdict().items() if values is not None}
    return Measured(raw, len(samples.put), {"window": window.facts, "warmup": warmup}, [bench.session])
