"""What the finals measured, read from their record, and who may be the best."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from scripts.report.answers import CANDIDATE
from scripts.report.reading import USABLE, Record, Trial, read_if_any, with_samples
from scripts.report.rows import KEY
from scripts.stats.best import Best, best

QUESTION = ("host", "model", "weights", "batch", "image_size", "mode", "threads")
"""What finals are held for: one network under one workload."""


def candidate_name(values: "Mapping[str, Any] | pd.Series") -> str:
    """What tells a candidate apart within its question: of a record, or of a row of the table."""
    return "/".join(str(values[part]) for part in CANDIDATE)


@dataclass(frozen=True)
class Finalist:
    """One candidate in the finals. `name` tells it apart within its question; `key` is its row's in the table.

    guest: it takes part as the others' baseline, not to win.
    """

    name: str
    key: tuple[Any, ...]
    trials: tuple[Trial, ...]
    failed: tuple[Record, ...]
    guest: bool = False

    @property
    def ran_as_asked(self) -> bool:
        """Whether every trial measured, and what was asked for: nothing else can be the best."""
        return not self.failed and bool(self.trials) and all(trial.record.status == "ok" for trial in self.trials)


@dataclass(frozen=True)
class Finals:
    """The finals of one question."""

    question: tuple[Any, ...]
    rounds: int
    rounds_asked: int
    why_fewer: str | None
    finalists: tuple[Finalist, ...]

    def only(self, keys: set[tuple[Any, ...]]) -> "Finals":
        """The finals of those whose row is one of `keys`."""
        return replace(self, finalists=tuple(each for each in self.finalists if each.key in keys))

    def standings(self, location: str) -> Best | None:
        """Who may be the best, at `location`; None where fewer than two finalists measured every round."""
        rounds: dict[str, dict[Hashable, float]] = {
            finalist.name: {trial.round: trial.log_location(location) for trial in finalist.trials}
            for finalist in self.finalists
            if finalist.ran_as_asked and not finalist.guest
        }
        return best(rounds) if len(rounds) > 1 else None


def _finalist(question: dict[str, Any], values: dict[str, Any], folder: Path) -> Finalist:
    key = tuple((question | values)[name] for name in KEY)
    good: list[Trial] = []
    failed: list[Record] = []
    for trial in values["trials"]:
        record = Record(folder / "finals.json", trial, trial["status"], trial.get("reason"), "finals")
        with_raw = with_samples(record, folder / trial["raw"]) if record.status in USABLE else record
        if isinstance(with_raw, Trial):
            good.append(with_raw)
        else:
            failed.append(with_raw)
    return Finalist(candidate_name(values), key, tuple(good), tuple(failed), bool(values.get("guest")))


def read_finals(path: Path) -> list[Finals]:
    """The finals of one host, in the order of the plan; [] where there is no record."""
    record = read_if_any(path)
    found = []
    for question in record.get("questions", []):
        asked = question | {"host": record["host"]}
        finalists = tuple(_finalist(asked, values, path.parent) for values in question["finalists"])
        found.append(
            Finals(
                tuple(asked[name] for name in QUESTION), question["rounds"], question["rounds_asked"],
                question["why_fewer"], finalists,
            )
        )  # fmt: skip
    return found


def trials_by_key(finals: list[Finals]) -> dict[tuple[Any, ...], list[Trial]]:
    """The trials of all finals, by the key of their row."""
    return {finalist.key: list(finalist.trials) for each in finals for finalist in each.finalists}
