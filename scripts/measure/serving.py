"""Serving mode: the highest rate of requests arriving at random that keeps the 99th percentile under a limit.

Requests come from MLCommons LoadGen's Server scenario (Poisson arrivals, latency counted from the scheduled arrival;
Reddi et al., MLPerf Inference Benchmark, ISCA 2020). LoadGen's own search for the peak doubles and halves without a
limit of time and starts over at any failure; here rates are bisected in a bounded number of its runs. LoadGen's thread
keeps a core: the runtime has one thread less. Standard library and NumPy only, Python 3.8 on.
"""

import gc
import json
import math
import os
import queue
import random
import re
import tempfile
import threading
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from scripts.core.door import Arrays, Session
from scripts.measure import loadgen, samplers
from scripts.measure.protocol import Bench, Measured, Protocol, warm_up
from scripts.measure.throughput import Window, search

PERCENTILE = 0.99
ENOUGH = 459
"""Queries, all within the limit, from which LoadGen is 99 % sure that 99 % of queries are: 0.99 ** 459 < 0.01."""
LONGEST = 2.0
"""A run that has too few queries goes on for up to so many times the trial's seconds."""
RUNS = 12
RESOLUTION = 1.05
"""The search ends when a rate that fails is within this ratio of one that passes."""
FIRST = 0.75
"""The first rate, as a share of what the streams do when kept busy; the next ones are found by bisection."""
NOTHING = np.empty(0, np.int64)
SAMPLE = re.compile(r'"sample_seq":(\d+).*"complete_ns":(\d+)')


class Run(NamedTuple):
    """One run of LoadGen.

    rate:     asked for; arrived: the rate of the arrivals that were drawn, both per second
    met:      the limit held and LoadGen did not end the run early because too many queries waited
    sure:     LoadGen's early-stopping criterion: 99 % sure that the limit holds, not only in these queries
    latency:  int64 ns [queries], from scheduled arrival to answer, in the order of arrival
    """

    rate: float
    arrived: float
    queries: int
    p99_ms: float
    met: bool
    sure: bool
    latency: np.ndarray

    def facts(self) -> Dict[str, Any]:
        """All but the samples."""
        return {name: value for name, value in self._asdict().items() if name != "latency"}


def leave_a_core(options: Dict[str, Any]) -> Dict[str, Any]:
    """The session's options with a core left for LoadGen's thread, where there is more than one.

    Raises Unsupported where LoadGen cannot be had.
    """
    loadgen.module()
    usable = len(os.sched_getaffinity(0))
    return dict(options, threads=max(1, min(options["threads"], usable - 1)))


class Server:
    """Streams that answer LoadGen's queries as they come, each in a thread of its own."""

    def __init__(self, streams: Sequence[Session], inputs: Arrays, protocol: Protocol) -> None:
        self._lib, self._inputs, self._protocol = loadgen.module(), inputs, protocol
        self._queries: Any = queue.SimpleQueue()
        self._ready: Any = queue.SimpleQueue()
        self.error: Optional[BaseException] = None
        self._threads = [threading.Thread(target=self._serve, args=(stream,), daemon=True) for stream in streams]
        self._sut = self._lib.ConstructSUT(self._issue, lambda: None)
        self._library = self._lib.ConstructQSL(1, 1, lambda _: None, lambda _: None)

    def __enter__(self) -> "Server":
        for thread in self._threads:
            thread.start()
            self._ready.get()  # one after the other: see throughput's streams
        return self

    def __exit__(self, *_error: object) -> None:
        for _ in self._threads:
            self._queries.put(None)
        for thread in self._threads:
            thread.join()
        self._lib.DestroySUT(self._sut)
        self._lib.DestroyQSL(self._library)

    def _issue(self, samples: List[Any]) -> None:
        """Called by LoadGen in its own thread at each arrival: only hands over."""
        for sample in samples:
            self._queries.put(sample.id)

    def _serve(self, stream: Session) -> None:
        """Answer until told to stop. After an error queries are answered without work, so that LoadGen's run ends."""

        def answer() -> None:
            stream.put(self._inputs)
            stream.execute()
            stream.get()

        self._attempt(lambda: warm_up(stream, self._inputs, self._protocol))
        self._ready.put(None)
        for query in iter(self._queries.get, None):
            self._attempt(answer)
            self._lib.QuerySamplesComplete([self._lib.QuerySampleResponse(query, 0, 0)])

    def _attempt(self, work: Callable[[], Any]) -> None:
        """Do `work` and keep its error, unless something failed before."""
        if self.error is None:
            try:
                work()
            except BaseException as error:
                self.error = error

    def run(self, settings: Any) -> Tuple[Dict[str, Any], np.ndarray]:
        """One test: LoadGen's own results by name, and the latencies. Raises what a stream failed with."""
        with tempfile.TemporaryDirectory() as folder:
            log = self._lib.LogSettings()
            log.log_output = self._lib.LogOutputSettings()
            log.log_output.outdir = folder
            log.enable_trace = True
            log.log_mode = self._lib.LoggingMode.EndOfTestOnly  # nothing is written while queries run
            gc.collect()
            gc.disable()
            try:
                if self.error is None:
                    self._lib.StartTestWithLogSettings(self._sut, self._library, settings, log)
            finally:
                gc.enable()
            if self.error is not None:
                raise self.error
            return results(Path(folder)), latencies(Path(folder))

    def settings(self, rate: float, limit_ms: float, seconds: float, waiting: int, seed: int) -> Any:
        """The Server scenario at `rate` for `seconds`, ended early when more than `waiting` queries are open."""
        chosen = self._lib.TestSettings()
        chosen.scenario = self._lib.TestScenario.Server
        chosen.mode = self._lib.TestMode.PerformanceOnly
        chosen.server_target_qps = rate
        chosen.server_target_latency_ns = int(limit_ms * 1e6)
        chosen.server_target_latency_percentile = PERCENTILE
        chosen.server_max_async_queries = waiting
        chosen.min_duration_ms = int(seconds * 1e3)
        chosen.min_query_count = 1
        chosen.schedule_rng_seed = seed
        return chosen


def results(folder: Path) -> Dict[str, Any]:
    """What LoadGen's detailed log says, by key."""
    lines = (folder / "mlperf_log_detail.txt").read_text().splitlines()
    said = [json.loads(line.partition(":::MLLOG ")[2]) for line in lines if line.startswith(":::MLLOG ")]
    return {entry["key"]: entry["value"] for entry in said}


def latencies(folder: Path) -> np.ndarray:
    """Nanoseconds from scheduled arrival to answer, int64 [queries], from LoadGen's trace."""
    found = SAMPLE.findall((folder / "mlperf_log_trace.json").read_text())
    pairs = np.array(found, dtype=np.int64).reshape(-1, 2)
    return np.ascontiguousarray(pairs[np.argsort(pairs[:, 0], kind="stable"), 1])


def one_run(server: Server, rate: float, limit_ms: float, seconds: float, seed: int) -> Run:
    """Queries at `rate` per second for `seconds`, or for up to LONGEST times that if they are too few to be sure."""
    span = min(max(seconds, ENOUGH * 1.1 / rate), seconds * LONGEST)
    # More than this many open queries make more than 1 % of all late.
    waiting = math.ceil(rate * limit_ms / 1e3 + rate * span * (1 - PERCENTILE)) + 16
    said, latency = server.run(server.settings(rate, limit_ms, span, waiting, seed))
    return Run(
        rate=rate,
        arrived=said["result_scheduled_samples_per_sec"],
        queries=said["result_query_count"],
        p99_ms=said["result_99.00_percentile_latency_ns"] / 1e6,
        met=said["result_perf_constraints_met"] and said["result_min_duration_met"],
        sure=said["early_stopping_met"],
        latency=latency,
    )


def bisect(run: Callable[[float], Run], capacity: float) -> List[Run]:
    """Runs at rates that close in on the highest that meets the limit.

    A rate that misses it is run once more, with the same arrivals: a stall of the host is no limit of the candidate's.
    capacity: requests per second of the streams when kept busy; rates above it are tried only if all below are met.
    """
    done: List[Run] = []
    rate = capacity * FIRST
    while len(done) + 1 < RUNS:
        done.append(run(rate))
        if not done[-1].met:
            done.append(run(rate))
        met, failed = _bounds(done)
        if failed is None:
            rate *= 1.25
        elif met is None:
            rate = failed / 2
        elif failed <= met * RESOLUTION:
            break
        else:
            rate = (met + failed) / 2
    return done


def _bounds(done: Sequence[Run]) -> Tuple[Optional[float], Optional[float]]:
    """The highest rate that met the limit, and the lowest that never did."""
    met = {run.rate for run in done if run.met}
    failed = {run.rate for run in done} - met
    return max(met) if met else None, min(failed) if failed else None


def _score(limit_ms: float) -> Callable[[Window], Tuple[bool, float]]:
    """Streams by their rate among those whose requests, kept busy, are within the limit; else by their latency."""

    def score(tried: Window) -> Tuple[bool, float]:
        slow = float(np.quantile(tried.latency, PERCENTILE)) / 1e6
        return (True, tried.rate) if slow <= limit_ms else (False, -slow)

    return score


def serving(bench: Bench) -> Measured:
    """The best run's raw int64 ns `latency` [queries], and `serving` with all that was run.

    Where no rate meets the limit, the trial is unsupported and says what came closest.
    """
    limit_ms = bench.protocol.p99_ms
    if limit_ms is None:
        raise ValueError("serving needs a limit: protocol.p99_ms")
    found = search(bench, _score(limit_ms))
    busy = found.tried[len(found.streams)]
    fastest_ms = float(busy.latency.min()) / 1e6
    seed = random.SystemRandom().getrandbits(31)  # arrivals differ between trials: their chance belongs to the spread
    runs: List[Run] = []
    counters = samplers.Window(bench.device)
    with Server(found.streams, bench.inputs, bench.protocol) as server, counters as counted:
        if fastest_ms <= limit_ms:
            runs = bisect(lambda rate: one_run(server, rate, limit_ms, bench.protocol.seconds, seed), busy.rate)
    best = max((run for run in runs if run.met), key=lambda run: run.rate, default=None)
    threads = bench.options["threads"]
    told: Dict[str, Any] = {
        "rate_per_s": best.arrived if best else None,
        "p99_ms_at_rate": best.p99_ms if best else None,
        "sure": best.sure if best else None,
        "limit_ms": limit_ms,
        "threads_left": threads,
        "issuing_core": len(os.sched_getaffinity(0)) > threads,
        "busy_rate_per_s": busy.rate,
        "seed": seed,
        "runs": [run.facts() for run in runs],
    }
    facts = dict(window=counted.facts, serving=told, streams=len(found.streams), streams_left_out=found.left_out)
    if best is None:
        facts.update(status="unsupported", reason=_why_none(runs, fastest_ms, limit_ms))
    return Measured({"latency": best.latency if best else NOTHING}, best.queries if best else 0, facts, found.streams)


def _why_none(runs: Sequence[Run], fastest_ms: float, limit_ms: float) -> str:
    """Why no rate meets the limit."""
    limit = "99 %% of requests cannot be answered within %g ms: " % limit_ms
    if not runs:
        return limit + "the fastest took %.3g ms" % fastest_ms
    least = min(runs, key=lambda run: (run.rate, run.p99_ms))
    return limit + "at %.3g per second the 99th percentile is %.3g ms" % (least.rate, least.p99_ms)
