"""Which candidate to deploy: the question that the report, the terminal and an export answer alike.

A candidate can win if it ran as asked (status `ok`) and passed its gate. Its speed on this host decides, at the
smallest batch for latency and at whichever batch is best for throughput.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import pandas as pd

PASSES = ("pass", "numeric")
QUESTION = ("model", "weights", "image_size", "threads")
CANDIDATE = ("runtime", "precision", "variant", "device")


@dataclass(frozen=True)
class Question:
    """One network on one host at one image size and thread count. `rows`: all of its rows, whatever their status."""

    host: str
    model: str
    weights: str
    image_size: int | None
    threads: int | None
    rows: pd.DataFrame

    @property
    def eligible(self) -> pd.DataFrame:
        """The rows that can win, in latency mode."""
        rows = self.rows
        return rows[
            (rows["status"] == "ok")
            & rows["gate"].isin(PASSES)
            & rows["median_ms"].notna()
            & (rows["mode"] == "latency")
        ]

    @property
    def for_latency(self) -> pd.DataFrame:
        """The rows that can win for latency, fastest first: those at the smallest batch."""
        rows = self.eligible
        smallest: pd.DataFrame = rows[rows["batch"] == rows["batch"].min()]
        return smallest.sort_values("median_ms", kind="stable")

    @property
    def for_throughput(self) -> pd.DataFrame:
        """Each candidate at its best batch, most items per second first."""
        rows = self.eligible.sort_values("throughput_per_s", ascending=False, kind="stable")
        return rows.drop_duplicates(list(CANDIDATE))


def questions(table: pd.DataFrame, host: str) -> Iterator[Question]:
    """The questions that the table's rows of `host` ask, in the table's order."""
    rows = table[table["host"] == host]
    for values, group in rows.groupby(list(QUESTION), sort=False, dropna=False):
        model, weights, size, threads = cast(tuple[Any, ...], values)
        whole_size, whole_threads = (None if pd.isna(value) else int(value) for value in (size, threads))
        yield Question(host, model, weights, whole_size, whole_threads, group)
