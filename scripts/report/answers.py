"""Which candidate to deploy: the question that the report, the terminal and an export answer alike.

A candidate can win if it ran as asked (status `ok`) and passed its gate. Only the finals name a winner: the leaders of
one network under one workload, measured afresh in alternating rounds. Where they leave several that may be the best,
there is a tie; where there were no finals, nothing is decided and the screen's order is only an order.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pandas as pd

PASSES = ("pass", "agreement", "numeric")
QUESTION = ("model", "weights", "image_size", "threads")
CANDIDATE = ("runtime", "precision", "variant", "device")
MODES = ("latency", "throughput", "serving")
WINNER, TIE, ALONE, UNDECIDED = "winner", "tie", "alone", "undecided"
MAY_BE_BEST, TOLD_APART = 1, 2
"""What the column `rank_set` holds of a finalist."""


def per_second(batch: Any, ms: Any) -> Any:
    """Items per second of calls of `batch` items that take `ms` each."""
    return batch * 1e3 / ms


@dataclass(frozen=True)
class Contest:
    """One network under one workload: what finals are held for. `location`: what the screen is ordered by."""

    mode: str
    batch: int
    rows: pd.DataFrame
    location: str

    @property
    def workload(self) -> tuple[str, int]:
        """Mode and batch: what tells it from the network's other workloads."""
        return self.mode, self.batch

    @property
    def eligible(self) -> pd.DataFrame:
        """The rows that can win, the fastest in the screen first. `_ms` is their time a call in the screen."""
        rows = self.rows
        measured = rows["median_ms"].notna() if self.mode == "latency" else rows["throughput_per_s"].notna()
        rows = rows[(rows["status"] == "ok") & rows["gate"].isin(PASSES) & measured]
        if self.mode == "latency":
            figure = rows[f"{self.location}_ms"].fillna(rows["median_ms"])
        else:
            figure = per_second(rows["batch"], rows["throughput_per_s"])
        return rows.assign(_ms=figure).sort_values("_ms", kind="stable")

    @property
    def finalists(self) -> pd.DataFrame:
        """Those that were compared in the finals and can win, fastest first."""
        rows = self.eligible
        return rows[rows["rank_set"].notna()].sort_values("finals_ms", kind="stable")

    @property
    def leaders(self) -> pd.DataFrame:
        """Those that may be the best by the finals, fastest first; none without finals."""
        rows = self.finalists
        return rows[rows["rank_set"] == MAY_BE_BEST]

    @property
    def ranked(self) -> pd.DataFrame:
        """The rows that can win: those that may be the best, the other finalists, the rest in the screen's order."""
        finalists, rest = self.finalists, self.eligible
        last = finalists[finalists["rank_set"] != MAY_BE_BEST]
        return pd.concat([self.leaders, last, rest[~rest.index.isin(finalists.index)]])

    @property
    def outcome(self) -> str | None:
        """What can be said of the first place; None where nothing can win."""
        eligible = len(self.eligible)
        if eligible == 0:
            return None
        if eligible == 1:
            return ALONE
        return {0: UNDECIDED, 1: WINNER}.get(len(self.leaders), TIE)


@dataclass(frozen=True)
class Question:
    """One network on one host at one image size and thread count. `rows`: all of its rows, whatever their status."""

    host: str
    model: str
    weights: str
    image_size: int | None
    threads: int | None
    rows: pd.DataFrame
    location: str = "p10"

    @property
    def contests(self) -> list[Contest]:
        """Its workloads, by mode and batch."""
        found = []
        for mode in MODES:
            rows = self.rows[self.rows["mode"] == mode]
            for batch in sorted(rows["batch"].unique()):
                found.append(Contest(mode, int(batch), rows[rows["batch"] == batch], self.location))
        return found

    @property
    def open(self) -> list[Contest]:
        """The workloads that something can win."""
        return [contest for contest in self.contests if contest.outcome]

    @property
    def latency(self) -> Contest | None:
        """The workload that answers for latency: the smallest batch that something can win, one request at a time."""
        return next((contest for contest in self.open if contest.mode == "latency"), None)

    @property
    def throughput(self) -> Contest | None:
        """The workload that answers for throughput: the batch at which the most items per second were measured.

        In throughput mode where that was measured, else one request at a time.
        """
        for mode in ("throughput", "latency"):
            found = [contest for contest in self.open if contest.mode == mode]
            if found:
                return max(found, key=lambda contest: float(contest.eligible["throughput_per_s"].max()))
        return None

    def purpose(self, contest: Contest) -> str:
        """What a workload of this network answers for: latency, throughput or serving."""
        latency = self.latency
        is_latency = latency is not None and latency.workload == contest.workload
        return "latency" if is_latency else "serving" if contest.mode == "serving" else "throughput"

    @property
    def for_latency(self) -> pd.DataFrame:
        """The rows that can win for latency, the one to deploy first; empty where nothing can win."""
        return self.latency.ranked if self.latency else self.rows.iloc[:0]


def questions(table: pd.DataFrame, host: str, location: str = "p10") -> Iterator[Question]:
    """The questions that the table's rows of `host` ask, in the table's order.

    location: p10 or median, by which the screen is ordered (`measure.location` of the config).
    """
    rows = table[table["host"] == host]
    for values, group in rows.groupby(list(QUESTION), sort=False, dropna=False):
        model, weights, size, threads = cast(tuple[Any, ...], values)
        whole_size, whole_threads = (None if pd.isna(value) else int(value) for value in (size, threads))
        yield Question(host, model, weights, whole_size, whole_threads, group, location)


def apart(question: Question, asked: Sequence[Question]) -> str:
    """What tells a question from others about the same network: `, 256 px`; empty where nothing needs to."""
    same = [other for other in asked if (other.model, other.weights) == (question.model, question.weights)]
    size = f", {question.image_size} px" if len({other.image_size for other in same}) > 1 else ""
    threads = f", {question.threads} threads" if len({other.threads for other in same}) > 1 else ""
    return size + threads
