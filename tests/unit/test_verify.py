"""The figures of the gate, and the gate itself."""

import math

import numpy as np
import pytest

from scripts.core.door import Arrays, Session
from scripts.measure.gate import Paired, judge
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
    facts, agreement, paired = classes(reference, got, photos)
    assert agreement == pytest.approx(2 / 3)
    assert (facts["labelled"], facts["top1_accuracy"]) == (2, 1.0)
    assert facts["wrong"] == [{"file": "b", "took": 0, "reference": 1, "lost": False}]
    assert paired == Paired(labelled=2, lost=0, gained=1)


def test_what_only_the_reference_has_right_is_lost() -> None:
    reference = np.array([[9.0, 0], [0, 9], [9, 0], [9, 0]])
    got = np.array([[0.0, 9], [9, 0], [9, 0], [0, 9]])
    photos = [{"file": name, "classes": right} for name, right in (("a", [0]), ("b", [0]), ("c", [0]), ("d", []))]
    facts, _, paired = classes(reference, got, photos)
    assert paired == Paired(labelled=3, lost=1, gained=1)
    assert [photo["file"] for photo in facts["wrong"] if photo["lost"]] == ["a"]


def test_a_pruned_network_is_held_against_what_it_was() -> None:
    original, own = np.array([[9.0, 0], [9, 0]]), np.array([[0.0, 9], [9, 0]])
    photos = [{"file": "a", "classes": [0]}, {"file": "b", "classes": [0]}]
    facts, agreement, paired = classes(own, own, photos, original)
    assert (agreement, paired) == (1.0, Paired(labelled=2, lost=1, gained=0))
    assert [photo["file"] for photo in facts["wrong"]] == ["a"]
    assert judge("fp32", True, 120.0, 1.0, Paired(59, 2, 0), pruned=True)["gate"] == "pass"
    assert judge("fp32", True, 120.0, 1.0, Paired(59, 3, 0), pruned=True)["gate"] == "fail"


def test_untrained_weights_are_held_against_what_rounding_costs_them() -> None:
    assert judge("fp16", False, 33.0)["gate"] == "fail"
    assert judge("fp16", False, 33.0, rounding_db=38.0)["gate"] == "numeric"
    assert judge("fp16", False, 31.0, rounding_db=38.0)["gate"] == "fail"
    assert judge("fp16", False, 41.0, rounding_db=90.0)["gate"] == "numeric", "never more than is asked of trained ones"
    assert judge("fp16", True, 33.0, 1.0, rounding_db=38.0)["gate"] == "fail", "trained weights have one limit"


def test_without_labels_there_is_no_pair() -> None:
    facts, agreement, paired = classes(np.eye(2), np.eye(2), [{"file": "a", "classes": []}] * 2)
    assert (agreement, paired, facts["lost"], facts["mcnemar_p"]) == (1.0, None, None, None)


@pytest.mark.parametrize(
    ("lost", "gained", "p"), [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (9, 1, 0.021484375)]
)
def test_mcnemar_is_exact(lost: int, gained: int, p: float) -> None:
    assert Paired(59, lost, gained).p_value == pytest.approx(p)
    assert Paired(59, gained, lost).p_value == pytest.approx(p)


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


ALL_RIGHT = Paired(labelled=59, lost=0, gained=0)


@pytest.mark.parametrize(
    ("trained", "sqnr", "agreement", "paired", "gate"),
    [
        (True, 110.0, 1.0, ALL_RIGHT, "pass"),
        (True, 79.9, 1.0, ALL_RIGHT, "fail"),
        (True, 110.0, 0.99, ALL_RIGHT, "fail"),
        (True, None, 1.0, ALL_RIGHT, "fail"),
        (True, 110.0, 1.0, Paired(59, 1, 0), "fail"),
        (True, 110.0, 1.0, None, "agreement"),
        (True, 110.0, 0.99, None, "fail"),
        (True, 110.0, None, None, "numeric"),
        (False, 110.0, 0.5, Paired(59, 30, 0), "numeric"),
        (False, 60.0, 1.0, ALL_RIGHT, "fail"),
    ],
)
def test_the_gate(trained: bool, sqnr: float | None, agreement: float | None, paired: Paired | None, gate: str) -> None:
    assert judge("fp32", trained, sqnr, agreement, paired)["gate"] == gate


@pytest.mark.parametrize(
    ("precision", "paired", "gate"),
    [
        ("fp16", Paired(59, 1, 0), "pass"),
        ("bf16", Paired(59, 2, 0), "fail"),
        ("int8", Paired(59, 2, 0), "pass"),
        ("int8", Paired(59, 5, 3), "pass"),
        ("int8", Paired(59, 3, 0), "fail"),
        ("int8", Paired(59, 0, 9), "pass"),
        ("int8", Paired(58, 2, 0), "fail"),  # the cap is a share: of fewer photos fewer
        ("int8", Paired(5000, 80, 20), "pass"),  # a real loss, within what int8 may lose
        ("fp16", Paired(5000, 40, 20), "fail"),  # within the cap, but fp16 is to lose nothing
        ("fp16", Paired(5000, 30, 20), "pass"),  # may be chance
    ],
)
def test_what_each_precision_may_lose(precision: str, paired: Paired, gate: str) -> None:
    assert judge(precision, True, 60.0, 0.99, paired)["gate"] == gate
