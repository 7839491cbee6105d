"""What the report shows beside the table: trials by round, what verify saw, versions, hosts."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scripts.core import paths
from scripts.report.reading import Record, Trial, read, read_if_any
from scripts.report.rows import KEY, Row, all_rows
from scripts.report.summarise import trials_of
from scripts.stats.comparison import Rounds
from scripts.stats.intervals import log_location


def key_of(cells: pd.Series) -> tuple[Any, ...]:
    """The key of a row of the table, as `Row.key` has it."""
    return tuple(None if pd.isna(cells[name]) else cells[name] for name in KEY)


@dataclass
class Evidence:
    """The records behind one table. `rows` and `trials` are by `Row.key`; only trials that measured are kept."""

    plan: dict[str, Any]
    artifacts: Path
    rows: dict[tuple[Any, ...], Row] = field(init=False)
    trials: dict[tuple[Any, ...], list[Trial]] = field(init=False)

    def __post_init__(self) -> None:
        self.rows = {row.key: row for row in all_rows(self.plan, self.artifacts)}
        self.trials = {key: trials_of(row)[0] for key, row in self.rows.items()}

    @property
    def host(self) -> str:
        """The host that the plan is for."""
        return str(self.plan["host"])

    def rounds(self, cells: pd.Series, per_item: bool = False) -> Rounds:
        """Log median of each trial of a row, by (session, round); `per_item`: of the time per item of the batch."""
        share = float(np.log(cells["batch"])) if per_item else 0.0
        return {trial.round: log_location(trial.latency) - share for trial in self.trials[key_of(cells)]}

    def verified(self, cells: pd.Series) -> Record:
        """The verify record of a row."""
        return read(self.rows[key_of(cells)].verify, "verify")

    def model(self, model: str, weights: str) -> dict[str, Any]:
        """The network's `model.json`; {} where it was never made."""
        checkpoint = Path(paths.checkpoint(str(self.artifacts), f"{model}.{weights}"))
        return read_if_any(checkpoint / "files" / "model.json")

    def versions(self, row: Row) -> dict[str, str]:
        """Versions of the toolchains that made what a row deploys."""
        found: dict[str, str] = {}
        for folder in (row.portable, row.deployable):
            found |= read_if_any(folder / "artifact.json").get("versions") or {}
        return found

    def host_facts(self, host: str) -> dict[str, Any]:
        """A host's record."""
        return read_if_any(Path(paths.host_record(str(self.artifacts), host)))

    def environments(self) -> Iterator[dict[str, Any]]:
        """The records of this host's environments, by name."""
        for path in sorted((self.artifacts / "hosts" / self.host / "environments").glob("*.json")):
            yield read_if_any(path)
