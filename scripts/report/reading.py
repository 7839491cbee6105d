"""Records as plain JSON, read leniently: a record that is missing or broken is a failed stage, not a traceback."""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.stats.intervals import LOCATIONS, log_location

SCHEMA = 1
SEVERITY = {
    "ok": 0, "degraded": 1, "not_run": 2, "unsupported": 3, "oom": 4, "timeout": 5, "crashed": 6, "failed": 7,
}  # fmt: skip
USABLE = ("ok", "degraded")
BAD = ("oom", "timeout", "crashed", "failed")
RAW = {"latency": ("put", "execute", "get"), "throughput": ("finished", "window_ns"), "serving": ("latency",)}
"""The arrays in a trial's raw file, by mode."""
DEVICE = "device"
"""One more in latency mode, where the session has a GPU's clock."""
NS_PER_MS = 1e6


@dataclass(frozen=True)
class Record:
    """One record. `values` is what the file held; {} where it could not be read."""

    path: Path
    values: dict[str, Any]
    status: str
    reason: str | None
    stage: str

    @property
    def usable(self) -> bool:
        """Whether the stage left something to work with."""
        return self.status in USABLE

    def get(self, *keys: str) -> Any:
        """The value below nested `keys`; None where any of them is absent."""
        value: Any = self.values
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def number(self, *keys: str) -> float | None:
        """The number below nested `keys`; None where it is absent, no number, or not finite."""
        value = self.get(*keys)
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            return None
        return float(value)

    def text(self, *keys: str) -> str | None:
        """The text below nested `keys`; None where it is absent."""
        value = self.get(*keys)
        return None if value is None else str(value)


def _broken(path: Path, stage: str, reason: str) -> Record:
    return Record(path, {}, "failed", reason, stage)


def read(path: Path, stage: str) -> Record:
    """The record at `path`. `stage` names it where the file itself cannot."""
    try:
        values = json.loads(path.read_text())
    except FileNotFoundError:
        return _broken(path, stage, f"no record at {path}: run `make` again")
    except (OSError, ValueError) as error:
        return _broken(path, stage, f"the record at {path} cannot be read ({error}): delete it and run `make` again")
    if not isinstance(values, dict) or values.get("schema") != SCHEMA or values.get("status") not in SEVERITY:
        return _broken(path, stage, f"{path} is no record of schema {SCHEMA}: delete it and run `make` again")
    return Record(path, values, values["status"], values.get("reason"), values.get("stage") or stage)


def read_if_any(path: Path) -> dict[str, Any]:
    """The JSON object at `path`; {} where there is none that can be read. For facts that only decorate."""
    try:
        values = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def worst(records: Sequence[Record]) -> Record:
    """The record with the gravest status; the earliest stage among equals, since the others inherit from it."""
    return max(records, key=lambda record: SEVERITY[record.status])


@dataclass(frozen=True)
class Trial:
    """One trial that measured: its record and its raw samples, each of shape [samples].

    `raw` is in milliseconds: `put`, `execute`, `get` in latency mode, with `device` on a GPU; `finished` (since the
    window began) and `window_ns` [1] in throughput mode; `latency`, under load, in serving mode.
    """

    record: Record
    raw: dict[str, NDArray[np.float64]]

    @property
    def mode(self) -> str:
        """latency, throughput or serving."""
        return self.record.text("mode") or "latency"

    @property
    def latency(self) -> NDArray[np.float64]:
        """Host array in to host array out, one request at a time, ms [samples]; latency mode only."""
        whole: NDArray[np.float64] = self.raw["put"] + self.raw["execute"] + self.raw["get"]
        return whole

    @property
    def execute(self) -> NDArray[np.float64]:
        """The runtime's own share of each sample, ms [samples]; latency mode only."""
        return self.raw["execute"]

    @property
    def samples(self) -> int:
        """Requests that were measured."""
        return len(self.raw[RAW[self.mode][0]])

    @property
    def round(self) -> tuple[str, int]:
        """(session, round): trials that share it ran close together and can be paired."""
        return str(self.record.get("session")), int(self.record.get("round") or self.record.get("trial") or 0)

    def log_location(self, location: str) -> float:
        """The logarithm of this trial's one number: milliseconds a request.

        location: `p10` or `median` of the samples in latency mode. In throughput mode it is the window over the
        requests that finished in it, in serving mode the time between requests at the highest rate found.
        """
        if self.mode == "latency":
            return log_location(self.latency, LOCATIONS[location])
        if self.mode == "throughput":
            return float(np.log(self.raw["window_ns"][0] / self.samples))
        return float(np.log(1e3 / self.record.values["serving"]["rate_per_s"]))


def read_trial(path: Path) -> Record | Trial:
    """A trial with its raw samples; only its record where it did not measure."""
    record = read(path, "measure")
    return with_samples(record, path.with_suffix(".npz")) if record.usable else record


def with_samples(record: Record, raw: Path) -> Record | Trial:
    """A usable trial's record with the samples at `raw`; a failed record where they cannot be read."""
    again = f"delete {record.path} and run `make` again"
    names = RAW[record.text("mode") or "latency"]
    try:
        with np.load(raw) as arrays:
            present = [*names, *([DEVICE] if DEVICE in arrays else [])]
            samples = {name: np.asarray(arrays[name], dtype=np.float64) / NS_PER_MS for name in present}
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        return _broken(record.path, "measure", f"the raw samples at {raw} cannot be read ({error}): {again}")
    lengths = {len(values) for name, values in samples.items() if name != "window_ns"}
    if len(lengths) != 1 or lengths == {0}:
        return _broken(record.path, "measure", f"the raw samples at {raw} are empty or of unequal length: {again}")
    return Trial(record, samples)
