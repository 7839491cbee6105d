"""The batch from which on a larger one hardly pays."""

from collections.abc import Mapping, Sequence
from typing import Any

GAIN = 1.05
"""Throughput has stopped growing where every larger batch gains less than this."""

Key = tuple[Any, ...]
Values = dict[str, Any]


def candidate(values: Mapping[str, Any]) -> tuple[Any, ...]:
    """What the rows of one candidate share, whatever their batch."""
    names = ("host", "model", "weights", "runtime", "precision", "variant", "device", "image_size", "mode", "threads")
    return tuple(values[name] for name in names)


def enough(rates: Sequence[tuple[int, float]]) -> int | None:
    """The first batch over which no larger one gains GAIN, of (batch, items per second) in ascending order.

    All larger ones, not the next alone: one slow batch, or one that was disturbed, is no end of growth. None where
    the largest still gained as much: it says nothing of the next.
    """
    for place, (batch, rate) in enumerate(rates[:-1], 1):
        if all(more < rate * GAIN for _, more in rates[place:]):
            return batch
    return None


def saturation(rows: Mapping[Key, Values]) -> dict[Key, Values]:
    """`saturation_batch` of each row that measured, where its candidate stopped gaining within its batches."""
    groups: dict[tuple[Any, ...], list[Key]] = {}
    for key, row in rows.items():
        if row["status"] == "ok" and row.get("throughput_per_s"):
            groups.setdefault(candidate(row), []).append(key)
    found: dict[Key, Values] = {}
    for keys in groups.values():
        rates = sorted((rows[key]["batch"], rows[key]["throughput_per_s"]) for key in keys)
        found |= {key: {"saturation_batch": enough(rates)} for key in keys}
    return found
