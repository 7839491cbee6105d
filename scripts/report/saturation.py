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


def enough(rates: Sequence[tuple[int, float]]) -> int:
    """The first batch whose successor gains less than GAIN, of (batch, items per second) in ascending order."""
    for (batch, rate), (_, more) in zip(rates, rates[1:], strict=False):
        if more < rate * GAIN:
            return batch
    return rates[-1][0]


def saturation(rows: Mapping[Key, Values]) -> dict[Key, Values]:
    """`saturation_batch` of each row that measured, where its candidate did at two batches or more."""
    groups: dict[tuple[Any, ...], list[Key]] = {}
    for key, row in rows.items():
        if row["status"] == "ok" and row.get("throughput_per_s"):
            groups.setdefault(candidate(row), []).append(key)
    found: dict[Key, Values] = {}
    for keys in groups.values():
        rates = sorted((rows[key]["batch"], rows[key]["throughput_per_s"]) for key in keys)
        if len(rates) > 1:
            found |= {key: {"saturation_batch": enough(rates)} for key in keys}
    return found
