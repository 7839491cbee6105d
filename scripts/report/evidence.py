"""What the report shows beside the table: the finals, trials, what verify saw, versions, hosts."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from scripts.core import paths
from scripts.report.answers import Contest
from scripts.report.finalists import QUESTION, Finalist, Finals, read_finals
from scripts.report.measured import interval_of, judged
from scripts.report.reading import Record, Trial, read, read_if_any
from scripts.report.rows import KEY, Row, all_rows
from scripts.report.summarise import trials_of
from scripts.stats.best import Best
from scripts.stats.intervals import Interval
from scripts.stats.verdicts import Verdict

LOCATION, RESOLUTION = "p10", 0.05
OTHER = {"p10": "median", "median": "p10"}
"""The location that does not decide, by the one that does."""


def key_of(cells: pd.Series) -> tuple[Any, ...]:
    """The key of a row of the table, as `Row.key` has it."""
    return tuple(None if pd.isna(cells[name]) else cells[name] for name in KEY)


def keys_of(rows: pd.DataFrame) -> set[tuple[Any, ...]]:
    """The keys of rows of the table."""
    return {key_of(cells) for _, cells in rows.iterrows()}


@dataclass
class Evidence:
    """The records behind one table. `rows` and `trials` are by `Row.key`; only trials that measured are kept."""

    plan: dict[str, Any]
    artifacts: Path
    rows: dict[tuple[Any, ...], Row] = field(init=False)
    trials: dict[tuple[Any, ...], list[Trial]] = field(init=False)
    finals: dict[tuple[Any, ...], Finals] = field(init=False)

    def __post_init__(self) -> None:
        self.rows = {row.key: row for row in all_rows(self.plan, self.artifacts)}
        self.trials = {key: trials_of(row)[0] for key, row in self.rows.items()}
        held = read_finals(Path(paths.finals_record(str(self.artifacts), self.host)))
        self.finals = {each.question: each for each in held}

    @property
    def host(self) -> str:
        """The host that the plan is for."""
        return str(self.plan["host"])

    def config(self, *keys: str) -> Any:
        """The value below nested keys of the config; None where it has none."""
        value: Any = self.plan.get("config")
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    @property
    def location(self) -> str:
        """What candidates are compared by: p10 or median."""
        return str(self.config("measure", "location") or LOCATION)

    def finals_of(self, contest: Contest) -> Finals | None:
        """The finals of a workload, less the finalists that cannot win; None where none were held."""
        first = contest.rows.iloc[0]
        found = self.finals.get(tuple(None if pd.isna(first[name]) else first[name] for name in QUESTION))
        return found.only(keys_of(contest.eligible)) if found else None

    def standings(self, contest: Contest, location: str) -> Best | None:
        """Who may be the best by the finals at `location`; None where fewer than two finalists can win."""
        finals = self.finals_of(contest)
        return finals.standings(location) if finals else None

    def finalists(self, contest: Contest) -> dict[tuple[Any, ...], Finalist]:
        """The finalists of a workload that can win, by the key of their row."""
        finals = self.finals_of(contest)
        return {each.key: each for each in finals.finalists} if finals else {}

    def interval(self, cells: pd.Series, location: str) -> Interval | None:
        """A row's time a call in the screen at `location` with its interval, ms; None where no trial measured."""
        trials = self.trials[key_of(cells)]
        return interval_of(trials, location) if trials else None

    def verdict(self, cells: pd.Series) -> Verdict | None:
        """What kind of data a row in latency mode has, with its one sentence; None where it did not measure."""
        trials = self.trials[key_of(cells)]
        resolution = float(self.config("measure", "resolution") or RESOLUTION)
        return judged(trials, self.location, resolution) if trials and cells["mode"] == "latency" else None

    def verified(self, cells: pd.Series) -> Record:
        """The verify record of a row."""
        return read(self.rows[key_of(cells)].verify, "verify")

    def model(self, model: str, weights: str) -> dict[str, Any]:
        """The network's `model.json`; {} where it was never made."""
        checkpoints = [Path(paths.checkpoint(str(root), f"{model}.{weights}")) for root in self._roots]
        found = (read_if_any(checkpoint / "files" / "model.json") for checkpoint in checkpoints)
        return next(filter(None, found), {})

    def photos(self, model: str, weights: str) -> str:
        """The photos that a network was held against: the config's, or those that it was fine-tuned with."""
        entries = self.config("models") or []
        own = (each for each in entries if (each["name"], each.get("label")) == (model, weights) and "train" in each)
        return str(next((each["train"]["photos"] for each in own), self.config("photos") or ""))

    def noun(self, model: str, weights: str) -> str:
        """What a network takes: images or items."""
        return "images" if self.model(model, weights).get("task") == "classification" else "items"

    def versions(self, row: Row) -> dict[str, str]:
        """Versions of the toolchains that made what a row deploys."""
        found: dict[str, str] = {}
        for folder in (row.portable, row.deployable):
            found |= read_if_any(folder / "artifact.json").get("versions") or {}
        return found

    def host_facts(self, host: str) -> dict[str, Any]:
        """A host's record."""
        found = (read_if_any(Path(paths.host_record(str(root), host))) for root in self._roots)
        return next(filter(None, found), {})

    @property
    def _roots(self) -> list[Path]:
        """The folders of records, this run's first."""
        return list(dict.fromkeys([self.artifacts, *(row.root for row in self.rows.values())]))

    def environments(self) -> Iterator[dict[str, Any]]:
        """The records of this host's environments, by name."""
        for path in sorted((self.artifacts / "hosts" / self.host / "environments").glob("*.json")):
            yield read_if_any(path)
