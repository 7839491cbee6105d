"""The measuring loop costs next to nothing and keeps what it saw."""

import time
from typing import Any

import numpy as np
import pytest

from scripts.core.door import Arrays, Session
from scripts.measure.protocol import Protocol, sample, warm_up

pytestmark = pytest.mark.alone

FAST = Protocol(seconds=0.2, min_samples=5, warmup_seconds=0.1, warmup_iterations=20)


class Nothing(Session):
    """A session that does nothing: what is left is the protocol's own cost."""

    def put(self, inputs: Arrays) -> None:
        pass

    def execute(self) -> None:
        pass

    def get(self) -> Arrays:
        return {}


class Slow(Nothing):
    def execute(self) -> None:
        time.sleep(0.05)


def test_overhead_per_sample_is_under_two_microseconds() -> None:
    samples = sample(Nothing(), {}, FAST)
    whole = samples.put + samples.execute + samples.get
    # The fast location: the loop's cost, not the host's interruptions.
    assert np.percentile(whole, 10) < 2_000
    assert len(whole) > 10_000
    # And what is not inside a sample (book-keeping between two): the budget over the count.
    assert FAST.seconds * 1e9 / len(whole) < 4_000


def test_a_slow_candidate_gives_fewer_samples_and_at_least_the_minimum() -> None:
    budget = FAST._replace(seconds=0.01)
    start = time.monotonic()
    samples = sample(Slow(), {}, budget)
    assert len(samples.execute) == 5
    assert time.monotonic() - start < 1
    assert samples.execute.min() >= 50e6


def test_iterations_override_the_budget() -> None:
    assert len(sample(Nothing(), {}, FAST._replace(iterations=37)).put) == 37


def test_warm_up_is_a_fixed_budget() -> None:
    assert warm_up(Nothing(), {}, FAST)["iterations"] == 20
    assert warm_up(Slow(), {}, FAST._replace(warmup_seconds=0.0))["iterations"] == 1


def test_garbage_collection_is_back_on_after_an_error() -> None:
    import gc

    class Broken(Nothing):
        def execute(self) -> None:
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        sample(Broken(), {}, FAST)
    assert gc.isenabled()


def test_steps_are_what_the_session_spent() -> None:
    class Steps(Nothing):
        def put(self, inputs: Arrays) -> None:
            time.sleep(0.002)

        def get(self) -> dict[str, Any]:
            time.sleep(0.004)
            return {}

    samples = sample(Steps(), {}, FAST._replace(iterations=5))
    assert (samples.put >= 2e6).all() and (samples.get >= 4e6).all() and np.median(samples.execute) < 1e6
    assert samples.put.dtype == np.int64
