"""The batch from which on a larger one hardly pays."""

from collections.abc import Mapping, Sequence
from typing import Any

GAIN = 1.05
"""Throughput has stopped growing where the next batch gains less than this."""

Key = tuple[Any, ...]
Values = dict[str, Any]


def candidate(values: Mapping[str, Any]) -> tuple[Any, ...]:
    """What the rows of one candidate share, whatever their batch."""
    names = ("host", "model", "weights", "runtime", "precision", "variant", "device", "image_size", "mode", "threads")
    return tuple(values[name] for name in names)


def enough(rates: Sequence[tuple[int, float]]) -> int | None:
    """The first batch whose successor gains less than GAIN, of (batch, items per second) in ascending order.

    None where each still gained as much: the largest says nothing of the next.
    """
    for (batch, rate), (_, more) in zip(rates, rates[1:], strict=False):
        if more < rate * GAIN:
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
