"""Throughput mode: every core kept busy by several requests in flight, counted over a window of time.

Streams (a session and its clones) are driven by a Python thread each; the runtimes let go of Python's lock while they
execute. How many streams are best is found by trying, in windows of a fifth of the trial's time, and the best is
measured in the full window. Latency under load is kept, and means something else than that of a request alone.
Standard library and NumPy only, Python 3.8 on.
"""

import ctypes
import gc
import queue
import threading
from array import array
from time import perf_counter_ns
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from scripts.core.door import Arrays, Session
from scripts.core.verb import Facts
from scripts.measure import samplers
from scripts.measure.memory import reset_peak
from scripts.measure.protocol import Bench, Measured, Protocol, warm_up

TRY_SHARE = 0.2
"""Share of the trial's time (or iterations) in which one number of streams is tried."""
POLL_S = 0.005
PATIENCE_S = 5.0
"""How long the other streams may finish their requests after one has failed."""


class Window(NamedTuple):
    """What was done while it was open: int64 ns by request, in the order in which they finished.

    finished:  since the window began; latency: of those requests, under load, from put to get
    length:    of the window, ns; facts: warm-up and counters
    """

    finished: np.ndarray
    latency: np.ndarray
    length: int
    facts: Facts

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.finished) * 1e9 / self.length


class _Start(NamedTuple):
    """What streams share before they run: where they tell news, whose turn it is to warm up, when all begin."""

    news: Any
    turn: Any
    begin: threading.Event


class _Lane(threading.Thread):
    """Drives one stream until told to stop. It says (None in `news`) when it is warm, and when it has begun and served
    a request; errors are news too.

    Streams warm up one after the other, while none runs: what libraries look for in their first calls (cuDNN tries its
    kernels in CUDA graphs) fails beside others' work.
    """

    def __init__(self, session: Session, inputs: Arrays, protocol: Protocol, start: _Start) -> None:
        super().__init__(daemon=True)  # a stream that hangs must not keep the process when another has failed
        self._session, self._inputs, self._protocol, self._start = session, inputs, protocol, start
        self._stamps = array("q")
        self._stopped = False
        self.warmup: Dict[str, float] = {}

    def run(self) -> None:
        try:
            with self._start.turn:
                if not self._stopped:
                    self.warmup = warm_up(self._session, self._inputs, self._protocol)
            self._start.news.put(None)
            self._start.begin.wait()
            self._drive()
        except BaseException as error:  # whatever it is, the window ends with it
            self._start.news.put(error)

    def _drive(self) -> None:
        put, execute, get, inputs = self._session.put, self._session.execute, self._session.get, self._inputs
        clock, keep = perf_counter_ns, self._stamps.extend
        put(inputs)
        execute()
        get()
        self._start.news.put(None)
        while not self._stopped:
            start = clock()
            put(inputs)
            execute()
            get()
            keep((start, clock()))

    def stop(self) -> None:
        """Finish the running request and end."""
        self._stopped = True
        self._start.begin.set()

    @property
    def done(self) -> int:
        """Requests since all have begun."""
        return len(self._stamps) // 2

    def table(self) -> np.ndarray:
        """When each request began and finished, int64 ns [requests, 2]. Only once the thread has ended."""
        return np.array(self._stamps, dtype=np.int64).reshape(-1, 2)


def window(
    streams: Sequence[Session], inputs: Sequence[Arrays], protocol: Protocol, device: str = "cpu"
) -> Window:  # fmt: skip
    """Drive all streams, each with its own inputs, and look for `seconds` at what finishes.

    The window opens when all are warm and busy, and streams go on until after it has closed: requests that it cuts
    at either end even out. It stays open until `min_samples` requests have finished; with `iterations`, until so many
    have, whatever the time. Raises what a stream fails with.
    """
    news: Any = queue.SimpleQueue()
    start = _Start(news, threading.Lock(), threading.Event())
    lanes = [_Lane(session, given, protocol, start) for session, given in zip(streams, inputs)]
    gc.collect()
    gc.disable()
    try:
        for lane in lanes:
            lane.start()
        for _ in lanes:
            _hear(news)  # warm
        start.begin.set()
        for _ in lanes:
            _hear(news)  # busy
        with samplers.Window(device) as counted:
            opened = perf_counter_ns()
            _wait(lanes, protocol, news)
            closed = perf_counter_ns()
        _stop(lanes)
        _hear(news, 0)  # the last request of a stream may have failed too
    except BaseException:
        _stop(lanes, PATIENCE_S)
        raise
    finally:
        gc.enable()
    finished, latency = _inside(lanes, opened, closed)
    if protocol.iterations is not None:
        finished, latency = finished[: protocol.iterations], latency[: protocol.iterations]
        closed = opened + int(finished[-1])
    return Window(finished, latency, closed - opened, {"window": counted.facts, "warmup": _warmup(lanes)})


def _hear(news: Any, seconds: Optional[float] = None) -> None:
    """Wait for one stream's news, no longer than `seconds`. Raises it if it is an error."""
    try:
        error = news.get(timeout=seconds)
    except queue.Empty:
        return
    if error is not None:
        raise error


def _wait(lanes: Sequence[_Lane], protocol: Protocol, news: Any) -> None:
    """Return when the window may close; raise what a stream fails with."""
    least = protocol.min_samples if protocol.iterations is None else protocol.iterations
    least += sum(lane.done for lane in lanes)
    if protocol.iterations is None:
        _hear(news, protocol.seconds)
    while sum(lane.done for lane in lanes) < least:
        _hear(news, POLL_S)


def _stop(lanes: Sequence[_Lane], patience: Optional[float] = None) -> None:
    for lane in lanes:
        lane.stop()
    for lane in lanes:
        lane.join(patience)


def _inside(lanes: Sequence[_Lane], opened: int, closed: int) -> Tuple[np.ndarray, np.ndarray]:
    """Of the requests that finished while the window was open: when since it opened, and their latency."""
    table = np.concatenate([lane.table() for lane in lanes])
    table = table[(table[:, 1] > opened) & (table[:, 1] <= closed)]
    table = table[np.argsort(table[:, 1], kind="stable")]
    return table[:, 1] - opened, table[:, 1] - table[:, 0]


def _warmup(lanes: Sequence[_Lane]) -> Dict[str, float]:
    return {
        "iterations": sum(lane.warmup["iterations"] for lane in lanes),
        "seconds": max(lane.warmup["seconds"] for lane in lanes),
    }


def counts(threads: int) -> List[int]:
    """Numbers of streams to try: those that share the threads without a rest, so that no core is left idle."""
    return [count for count in range(1, threads + 1) if threads % count == 0]


def open_streams(bench: Bench, count: int) -> List[Session]:
    """The candidate opened for `count` streams. Raises NotImplementedError, with the reason, where it cannot be."""
    streams = [bench.open(dict(bench.options, streams=count))]
    try:
        while len(streams) < count:
            streams.append(streams[0].clone())
    except BaseException:
        close(streams)  # what they hold would be missing for fewer streams
        raise
    return streams


def close(streams: Sequence[Session]) -> None:
    """Close all, clones first."""
    for stream in reversed(streams):
        stream.close()


class Found(NamedTuple):
    """The streams that were best, open; the window of each number tried; why others could not be."""

    streams: List[Session]
    tried: Dict[int, Window]
    left_out: Dict[int, str]


def search(bench: Bench, score: Callable[[Window], Any]) -> Found:
    """Try each number of streams in a short window of its own; the highest score wins, the fewest streams of equals."""
    brief = _brief(bench.protocol)
    streams = [bench.session]
    tried: Dict[int, Window] = {}
    left_out: Dict[int, str] = {}
    for count in counts(bench.options["threads"]):
        try:
            streams = _changed(bench, streams, count)
            tried[count] = window(streams, [bench.inputs] * count, brief, bench.device)
        except NotImplementedError as error:
            left_out[count] = str(error)
        except Exception as error:  # ONNX Runtime's errors share no other base
            if not tried:
                raise
            left_out[count] = "failed: %s" % " ".join(str(error).split())
    best = max(tried, key=lambda count: score(tried[count]))
    found = Found(_changed(bench, streams, best), tried, left_out)
    _forget_what_was_tried(found.streams[0])
    return found


def _forget_what_was_tried(stream: Session) -> None:
    """Have the allocator return freed memory, and start the peak anew: what was only tried is not the candidate's."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it
    if trim is not None:
        trim(0)
    reset_peak()
    stream.forget_device_peak()


def _changed(bench: Bench, streams: List[Session], count: int) -> List[Session]:
    """The candidate opened for `count` streams in place of `streams`, which stay as they are if it cannot be."""
    if count == len(streams):
        return streams
    changed = open_streams(bench, count)
    close(streams)
    return changed


def _brief(protocol: Protocol) -> Protocol:
    iterations = protocol.iterations
    return protocol._replace(
        seconds=protocol.seconds * TRY_SHARE,
        iterations=None if iterations is None else max(1, round(iterations * TRY_SHARE)),
    )


def throughput(bench: Bench) -> Measured:
    """Requests that finish in a window: raw int64 ns `finished`, `latency` [requests] and `window_ns` [1]."""
    found = search(bench, lambda tried: tried.rate)
    given = [bench.inputs] * len(found.streams)
    full = window(found.streams, given, bench.protocol, bench.device)
    batch = bench.options["batch"]
    facts = dict(
        full.facts,
        streams=len(found.streams),
        streams_tried={count: tried.rate * batch for count, tried in found.tried.items()},
        streams_left_out=found.left_out,
    )
    raw = {"finished": full.finished, "latency": full.latency, "window_ns": np.array([full.length], np.int64)}
    return Measured(raw, len(full.finished), facts, found.streams)
