"""Throughput and serving, but for the runtimes: what is counted, what is chosen, and how a failing stream ends."""

import gc
import threading
import time
from functools import partial
from typing import Any

import numpy as np
import pytest

from scripts.core.door import Arrays, Session
from scripts.core.verb import Unsupported
from scripts.measure import loadgen, serving, throughput
from scripts.measure.protocol import Bench, Protocol
from scripts.measure.serving import RUNS, Run, bisect
from scripts.measure.throughput import counts, search, window

pytestmark = pytest.mark.alone

FAST = Protocol(seconds=0.3, min_samples=1, warmup_seconds=0.1, warmup_iterations=2)


class Sleeper(Session):
    """Takes `seconds` for a request, and leaves Python's lock to others meanwhile."""

    def __init__(self, seconds: float = 0.01) -> None:
        self.seconds, self.closed, self.requests = seconds, False, 0

    def put(self, inputs: Arrays) -> None:
        self.requests += 1

    def execute(self) -> None:
        time.sleep(self.seconds)

    def get(self) -> Arrays:
        return {}

    def close(self) -> None:
        self.closed = True


class Broken(Sleeper):
    """Fails with its 20th request."""

    def execute(self) -> None:
        super().execute()
        if self.requests == 20:
            raise RuntimeError("the runtime gave up")


def test_streams_run_at_the_same_time() -> None:
    one, two = (window([Sleeper() for _ in range(n)], [{}] * n, FAST) for n in (1, 2))
    assert 50 < one.rate < 110
    assert 1.6 < two.rate / one.rate < 2.4


def test_a_window_holds_the_requests_that_finished_in_it() -> None:
    """Streams of 10 and 70 ms: each finishes what its time allows, in any window."""
    seen = window([Sleeper(0.01), Sleeper(0.07)], [{}, {}], FAST)
    assert seen.finished.dtype == seen.latency.dtype == np.int64
    assert (np.diff(seen.finished) >= 0).all() and seen.finished[0] > 0 and seen.finished[-1] <= seen.length
    assert 0.3e9 <= seen.length < 0.6e9
    slow = seen.latency > 60e6
    assert 2 <= slow.sum() <= 8 and (seen.latency[~slow] < 60e6).all() and (seen.latency >= 10e6).all()
    assert 15 <= (~slow).sum() <= 60
    assert seen.facts["warmup"]["iterations"] >= 3
    before, after = (seen.facts["window"][name] for name in ("before", "after"))
    assert seen.length / 1e9 <= after["clock_s"] - before["clock_s"] < seen.length / 1e9 + 0.1


def test_a_slow_candidate_has_its_window_kept_open() -> None:
    seen = window([Sleeper(0.05)] * 1, [{}], FAST._replace(seconds=0.01, min_samples=4))
    assert len(seen.finished) >= 4 and seen.length > 0.15e9


def test_iterations_override_the_time() -> None:
    """Counted from when all are warm: the first stream is long before the second."""
    seen = window([Sleeper(0.001), Sleeper(0.03)], [{}, {}], FAST._replace(iterations=7, seconds=60))
    assert len(seen.finished) == 7 and seen.length == seen.finished[-1]


def test_a_stream_that_fails_ends_the_window_with_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, and although another stream never comes back."""
    monkeypatch.setattr(throughput, "PATIENCE_S", 0.1)

    class Hangs(Sleeper):
        def execute(self) -> None:
            if self.requests > 5:
                threading.Event().wait(30)

    start = time.monotonic()
    with pytest.raises(RuntimeError, match="the runtime gave up"):
        window([Hangs(), Broken()], [{}, {}], FAST._replace(seconds=20))
    assert time.monotonic() - start < 5
    assert gc.isenabled()


def test_a_stream_that_fails_while_it_warms_up_ends_it_too() -> None:
    with pytest.raises(RuntimeError, match="the runtime gave up"):
        window([Sleeper(), Broken(0.001)], [{}, {}], FAST._replace(warmup_iterations=30))


@pytest.mark.parametrize(("threads", "tried"), [(1, [1]), (2, [1, 2]), (7, [1, 7]), (12, [1, 2, 3, 4, 6, 12])])
def test_no_core_is_left_idle_by_the_streams_that_are_tried(threads: int, tried: list[int]) -> None:
    assert counts(threads) == tried


class Room:
    """Sessions whose time depends on the number of streams; some numbers cannot be had."""

    def __init__(self, seconds: dict[int, float]) -> None:
        self.seconds, self.opened = seconds, []

    def open(self, options: dict[str, Any]) -> Session:
        streams = options.get("streams", 1)
        if streams not in self.seconds:
            raise NotImplementedError(f"not with {streams}")
        room = self

        class Cloned(Sleeper):
            def __init__(self) -> None:
                super().__init__(room.seconds[streams])
                room.opened.append(self)

            def clone(self) -> Session:
                return Cloned()

        return Cloned()

    def bench(self, threads: int) -> Bench:
        return Bench(self.open({}), {}, {"threads": threads, "batch": 8}, FAST._replace(seconds=0.5), self.open)


def test_the_number_of_streams_that_does_most_is_measured() -> None:
    room = Room({1: 0.004, 2: 0.005, 4: 0.030})  # requests per second: 250, 400, 133
    measured = throughput.throughput(room.bench(4))
    tried = measured.facts["streams_tried"]
    assert measured.facts["streams"] == 2 == len(measured.sessions)
    assert set(tried) == {1, 2, 4} and 2400 < tried[2] < 3300, "items, not requests, per second"
    assert measured.raw["window_ns"].shape == (1,) and measured.raw["window_ns"][0] >= 0.5e9
    assert len(measured.raw["finished"]) == len(measured.raw["latency"]) == measured.requests > 100
    assert [session.closed for session in room.opened].count(False) == 2
    assert not any(session.closed for session in measured.sessions)


def test_what_a_room_cannot_have_is_told_and_the_rest_goes_on() -> None:
    room = Room({1: 0.004})
    bench = room.bench(4)
    found = search(bench, lambda tried: tried.rate)
    assert found.streams == [bench.session] and not bench.session.closed
    assert set(found.tried) == {1} and found.left_out == {2: "not with 2", 4: "not with 4"}


class OwnError(Exception):
    """An error that is no RuntimeError, as ONNX Runtime's are."""


def test_streams_that_fail_to_open_are_told_and_leave_nothing_behind() -> None:
    """The second stream finds no memory: the first is closed, and fewer streams go on."""
    room = Room({1: 0.004, 2: 0.004})
    opened = room.open

    def short(options: dict[str, Any]) -> Session:
        session = opened(options)

        def clone() -> Session:
            raise OwnError("no memory for another")

        session.clone = clone  # type: ignore[method-assign]
        return session

    bench = room.bench(2)._replace(open=short)
    found = search(bench, lambda tried: tried.rate)
    assert found.streams == [bench.session] and found.left_out == {2: "failed: no memory for another"}
    assert [session.closed for session in room.opened] == [False, True]


def test_a_peak_of_device_memory_is_of_the_streams_that_are_measured() -> None:
    room, forgot = Room({1: 0.02, 2: 0.004}), []
    opened = room.open

    def noting(options: dict[str, Any]) -> Session:
        session = opened(options)
        session.forget_device_peak = lambda: forgot.append(session)  # type: ignore[method-assign]
        return session

    found = search(room.bench(2)._replace(open=noting), lambda tried: tried.rate)
    assert len(found.streams) == 2 and forgot == found.streams[:1]


class NoLoadGen:
    """As much of LoadGen as a server takes that answers no query."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


def test_streams_of_a_server_warm_up_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """What libraries look for in their first calls fails beside others' work on a GPU."""
    running: list[Sleeper] = []
    most = []

    class Seen(Sleeper):
        def execute(self) -> None:
            running.append(self)
            most.append(len(set(running)))
            super().execute()
            running.remove(self)

    monkeypatch.setattr(loadgen, "module", NoLoadGen)
    streams = [Seen() for _ in range(3)]
    with serving.Server(streams, {}, FAST) as started:
        assert started.error is None and all(stream.requests >= 2 for stream in streams)
    assert max(most) == 1


def server(limit: float, missed: set[int] = frozenset()) -> Any:
    """Runs that meet the limit up to the rate `limit`, but for those whose number (from 0) is in `missed`."""
    number = iter(range(100))

    def run(rate: float) -> Run:
        met = next(number) not in missed and rate <= limit
        return Run(rate, rate, 500, 40.0 if met else 60.0, met, met, np.zeros(500, np.int64))

    return run


def best(runs: list[Run]) -> float:
    return max((run.rate for run in runs if run.met), default=0.0)


@pytest.mark.parametrize("limit", [1000.0, 96.0, 75.1, 74.9, 50.0, 13.0])
def test_the_highest_rate_is_found_to_5_percent(limit: float) -> None:
    runs = bisect(server(limit), capacity=100.0)
    assert len(runs) <= RUNS
    assert min(limit, 500.0) / 1.06 < best(runs) <= limit or (limit == 1000.0 and best(runs) > 500.0)


@pytest.mark.parametrize("stall", range(7))
def test_one_stall_of_the_host_does_not_change_what_is_found(stall: int) -> None:
    assert best(bisect(server(80.0, missed={stall}), 100.0)) > 80.0 / 1.06


def test_a_limit_that_nothing_meets_ends_the_search() -> None:
    runs = bisect(server(0.0), 100.0)
    assert len(runs) == RUNS and best(runs) == 0.0
    assert "at 2.34 per second the 99th percentile is 60 ms" in serving._why_none(runs, 1.0, 50.0)


def test_streams_that_are_too_slow_for_the_limit_are_not_chosen() -> None:
    """4 streams do the most per second (80, not 67 or 50), but none of their requests is answered within 40 ms."""
    room = Room({1: 0.02, 2: 0.03, 4: 0.05})
    assert len(search(room.bench(4), serving._score(1000.0)).streams) == 4
    assert len(search(room.bench(4), serving._score(40.0)).streams) == 2
    assert len(search(room.bench(4), serving._score(2.0)).streams) == 1, "none is: the quickest"


def test_a_core_is_left_for_the_thread_that_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loadgen, "module", lambda: None)
    for usable, asked, left in ((8, 8, 7), (8, 4, 4), (2, 2, 1), (1, 1, 1)):
        monkeypatch.setattr("os.sched_getaffinity", partial(lambda count, _: set(range(count)), usable))
        assert serving.leave_a_core({"threads": asked, "batch": 1}) == {"threads": left, "batch": 1}


def test_without_loadgen_serving_is_unsupported(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.delenv(loadgen.VARIABLE, raising=False)
    with pytest.raises(Unsupported, match="its environment is not there"):
        loadgen.module()
    (tmp_path / "mlperf_loadgen.cpython-27-x86_64-linux-gnu.so").touch()
    monkeypatch.setenv(loadgen.VARIABLE, str(tmp_path))
    with pytest.raises(Unsupported, match="mlperf_loadgen.cpython-27.* was built for another Python than this 3"):
        loadgen.module()
