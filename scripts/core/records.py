"""The records that stages leave behind: one versioned schema, one file a record, JSON.

Every stage ends in a record whatever happened; a record that is not `ok` says why in `reason`.
The records that a worker writes inside a toolchain's environment pass through here before they are kept.
"""

import datetime
import hashlib
import json
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from scripts.core.verb import write_json

SCHEMA = 1


class Status(StrEnum):
    """How a stage ended."""

    OK = "ok"
    DEGRADED = "degraded"  # it ran, but not as asked: it can be looked at and cannot win
    UNSUPPORTED = "unsupported"  # the toolchain cannot do this
    NOT_RUN = "not_run"  # this host lacks what it takes
    OOM = "oom"
    CRASHED = "crashed"
    TIMEOUT = "timeout"
    FAILED = "failed"


USABLE = (Status.OK, Status.DEGRADED)
BAD = (Status.OOM, Status.CRASHED, Status.TIMEOUT, Status.FAILED)
"""Ends that make the run's exit status non-zero."""


class Record(BaseModel):
    """What all records share."""

    model_config = ConfigDict(extra="allow")
    schema_version: Literal[1] = Field(default=1, alias="schema")
    kind: Literal["artifact", "build", "verify", "trial", "environment", "host"]
    status: Status
    reason: str | None = None
    stage: str


class File(BaseModel):
    """One file of an artifact."""

    sha256: str
    bytes: int


class Artifact(Record):
    """Identity only: the same network gives the same record on any day, in any folder."""

    kind: Literal["artifact"] = "artifact"
    sha256: str | None = None
    bytes: int = 0
    files: dict[str, File] = {}
    sources: dict[str, str] = {}
    options: dict[str, Any] = {}
    versions: dict[str, str] = {}
    operators: dict[str, int] = {}
    built_for: dict[str, Any] = {}


class Build(Record):
    """What making an artifact cost, in seconds of wall and CPU time and megabytes (10**6 bytes).

    concurrent: others took so much of the machine meanwhile (others_cpu_s) that the wall time is not its own.
    cache: `hit` where it was served from the store; the cost is then that of its making. warmth: `warm` where the
    compiler's own cache knew a part. key, ingredients: of its entry in the store. What a verb says of its own cost
    stands beside them (trained_s: seconds of training, of all runs where one was interrupted).
    """

    kind: Literal["build"] = "build"
    wall_s: float
    cpu_s: float
    peak_rss_mb: float
    others_cpu_s: float = 0.0
    concurrent: bool = False
    host: str
    date: str
    cache: Literal["hit", "miss"] = "miss"
    warmth: Literal["cold", "warm"] = "cold"
    key: str | None = None
    ingredients: dict[str, Any] = {}


def now() -> str:
    """This moment, as records write it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def save(record: Record, path: Path) -> None:
    """Write a record, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, record.model_dump(mode="json", by_alias=True))


def load(path: Path) -> dict[str, Any]:
    """A record as a plain dict. Raises ValueError naming the file when it is of another schema."""
    values: dict[str, Any] = json.loads(path.read_text())
    if values.get("schema") != SCHEMA:
        raise ValueError(f"{path}: schema {values.get('schema')}, this Assay reads {SCHEMA}; delete it to make it anew")
    return values


def hash_files(folder: Path) -> dict[str, File]:
    """sha256 and size of each file below `folder`, by relative name."""
    files = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        files[path.relative_to(folder).as_posix()] = File(sha256=digest, bytes=path.stat().st_size)
    return files


def identity(files: dict[str, File]) -> str:
    """One sha256 for a set of files: names and contents."""
    listing = "".join(f"{name} {file.sha256}\n" for name, file in sorted(files.items()))
    return hashlib.sha256(listing.encode()).hexdigest()
