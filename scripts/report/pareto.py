"""Which candidates nobody beats in everything: time a call, accuracy and size together, over all weights of a model."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from scripts.report.answers import PASSES
from scripts.report.wording import is_finetuned

SAME = ("host", "model", "device", "batch", "image_size", "mode", "threads")
"""Candidates are held against each other where these are equal: pruned weights against the whole network's too."""


Key = tuple[Any, ...]
Values = dict[str, Any]


class Point(NamedTuple):
    """What counts, each the less the better: ms a call, minus accuracy (0 to 1), bytes."""

    ms: float
    wrong: float
    size: float

    def beats(self, other: "Point") -> bool:
        """Whether this one is nowhere worse and somewhere better (Pareto dominance)."""
        return self != other and all(ours <= theirs for ours, theirs in zip(self, other, strict=True))


def point(row: Values, location: str) -> Point | None:
    """A row's figures; None where it cannot win or one is not known.

    Accuracy is that on the labelled photos; where there are none it is the agreement with the fp32 reference.
    """
    time = row.get(f"{location}_ms") or row.get("median_ms")
    if time is None and row.get("throughput_per_s"):
        time = row["batch"] * 1e3 / row["throughput_per_s"]
    right = row.get("top1_accuracy") if row.get("top1_accuracy") is not None else row.get("top1_agreement")
    if row["status"] != "ok" or row["gate"] not in PASSES or None in (time, right, row.get("artifact_bytes")):
        return None
    return Point(float(time), -float(right), float(row["artifact_bytes"]))  # type: ignore[arg-type]


def _group(row: Values) -> Key:
    """Fine-tuned weights know other classes and are judged by other photos: they are compared among themselves."""
    return (*(row[name] for name in SAME), is_finetuned(str(row["weights"])))


def pareto(rows: Mapping[Key, Values], location: str) -> dict[Key, Values]:
    """The column `pareto`: whether no other candidate is as fast, as accurate and as small, and better in one of them.

    By the screen's point figures: candidates that cannot be told apart may stand on both sides of the line.
    """
    groups: dict[Key, dict[Key, Point]] = {}
    for key, row in rows.items():
        found = point(row, location)
        if found is not None:
            groups.setdefault(_group(row), {})[key] = found
    return {
        key: {"pareto": not any(other.beats(own) for other in group.values())}
        for group in groups.values()
        for key, own in group.items()
    }
