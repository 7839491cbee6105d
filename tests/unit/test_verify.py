"""The figures of the gate, and the gate itself."""

import math

import numpy as np
import pytest

from scripts.core.door import Arrays, Session
from scripts.measure.gate import judge
from scripts.measure.inputs import batch_of
from scripts.measure.verify import IDENTICAL_DB, classes, cosine, run_all, sqnr_db


def test_sqnr_is_signal_over_noise() -> None:
    reference = np.array([[3.0, 4.0]])
    assert sqnr_db(reference, reference + np.array([[0.03, 0.04]])) == pytest.approx(40.0)
    assert sqnr_db(reference, reference) == IDENTICAL_DB
    assert sqnr_db(reference, reference * math.nan) is None


def test_cosine() -> None:
    assert cosine(np.array([1.0, 0.0]), np.array([0.0, 2.0])) == pytest.approx(0.0)
    assert cosine(np.array([1.0, 1.0]), np.array([2.0, 2.0])) == pytest.approx(1.0)


def test_classes_agree_and_are_right_apart_from_each_other() -> None:
    reference = np.array([[9.0, 1, 0], [0, 9, 1], [0, 1, 9]])
    got = np.array([[9.0, 1, 0], [9, 0, 1], [0, 1, 9]])
    photos = [{"file": "a", "classes": [0]}, {"file": "b", "classes": [0, 2]}, {"file": "c", "classes": []}]
    facts, agreement = classes(reference, got, photos)
    assert agreement == pytest.approx(2 / 3)
    assert (facts["labelled"], facts["top1_accuracy"], facts["wrong"]) == (2, 1.0, ["b"])


class Doubling(Session):
    """Doubles its input; like a real runtime it gives out the memory that the next execute writes to."""

    def __init__(self, batch: int) -> None:
        self.memory = np.zeros((batch, 2))
        self.calls = 0

    def put(self, inputs: Arrays) -> None:
        assert inputs["x"].shape == self.memory.shape
        self.given = inputs["x"]

    def execute(self) -> None:
        self.calls += 1
        self.memory[:] = 2 * self.given

    def get(self) -> Arrays:
        return {"y": self.memory}


@pytest.mark.parametrize("batch", [1, 2, 3, 8])
def test_every_input_is_run_once_whatever_the_batch(batch: int) -> None:
    inputs, session = {"x": np.arange(14.0).reshape(7, 2)}, Doubling(batch)
    assert np.array_equal(run_all(session, inputs, batch, "y"), 2 * inputs["x"])
    assert session.calls == math.ceil(7 / batch)


def test_a_batch_is_filled_with_the_last_row() -> None:
    assert batch_of({"x": np.arange(3)}, 4, start=1)["x"].tolist() == [1, 2, 2, 2]


@pytest.mark.parametrize(
    ("trained", "sqnr", "agreement", "gate"),
    [
        (True, 110.0, 1.0, "pass"),
        (True, 79.9, 1.0, "fail"),
        (True, 110.0, 0.99, "fail"),
        (True, None, 1.0, "fail"),
        (True, 110.0, None, "numeric"),
        (False, 110.0, 0.5, "numeric"),
        (False, 60.0, 1.0, "fail"),
    ],
)
def test_the_gate(trained: bool, sqnr: float | None, agreement: float | None, gate: str) -> None:
    assert judge("fp32", trained, sqnr, agreement)["gate"] == gate
