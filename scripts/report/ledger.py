"""What compiling cost: one row per compiled artifact, `reports/compile.csv`.

A wall time is told only of a compilation that had the machine to itself; CPU seconds are told of all. What was served
from the store shows what its making cost, then and there.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from scripts.core.catalogue import FORMATS, on
from scripts.report.reading import Record, read
from scripts.report.rows import Row

TEXT, WHOLE, REAL = "string", "Int64", "Float64"
COLUMNS: dict[str, str] = {
    "host": TEXT, "model": TEXT, "weights": TEXT, "runtime": TEXT, "precision": TEXT, "variant": TEXT, "device": TEXT,
    "shape": TEXT, "stage": TEXT, "status": TEXT, "how": TEXT, "warmth": TEXT, "wall_s": REAL, "cpu_s": REAL,
    "others_cpu_s": REAL, "peak_rss_mb": REAL, "artifact_bytes": WHOLE, "made_on": TEXT, "date": TEXT,
    "versions": TEXT, "artifact_sha256": TEXT, "store_key": TEXT,
}  # fmt: skip
SERVED = "served"

Values = dict[str, Any]


def is_ahead_of_time(row: Row) -> bool:
    """Whether a row's portable file is what a compiler made: its conversion is the compilation."""
    return FORMATS[on(row.runtime, row.device).format_of(row.precision)].ahead_of_time


def is_compiled(row: Row, folder: Path) -> bool:
    """Whether `folder`, of one of a row's conversions, holds what a compiler made."""
    return folder == row.deployable and is_ahead_of_time(row)


def cost_of(row: Row) -> Record | None:
    """The record of what compiling a row's artifact cost; None where nothing compiles."""
    return read(row.deployable / "build.json", "compile") if row.compiled or is_ahead_of_time(row) else None


def wall_s(build: Record) -> float | None:
    """Wall seconds of a compilation that had the machine to itself; None of one that ran beside others."""
    return None if build.get("concurrent") else build.number("wall_s")


def costs(row: Row) -> Values:
    """What compiling a row cost, for its row of the results; empty where nothing compiled, or it did not end well."""
    build = cost_of(row)
    if build is None or not build.usable:
        return {}
    return {
        "compile_s": wall_s(build), "compile_cpu_s": build.number("cpu_s"), "compile_cache": build.text("cache"),
        "compile_warmth": build.text("warmth"),
    }  # fmt: skip


def _entry(row: Row, build: Record) -> Values:
    artifact = read(row.deployable / "artifact.json", "compile")
    versions = artifact.get("versions") or {}
    names = ("host", "model", "weights", "runtime", "precision", "variant", "device", "shape")
    values: Values = {name: getattr(row, name) for name in names}
    values |= {
        "stage": build.stage, "status": build.status, "artifact_bytes": artifact.number("bytes"),
        "artifact_sha256": artifact.text("sha256"), "versions": " ".join(f"{k} {v}" for k, v in versions.items()),
    }  # fmt: skip
    if build.usable:
        values |= {
            "how": SERVED if build.text("cache") == "hit" else build.text("warmth"), "warmth": build.text("warmth"),
            "wall_s": wall_s(build), "made_on": build.text("host"), "store_key": build.text("key"),
            "date": build.text("date"),
            **{name: build.number(name) for name in ("cpu_s", "others_cpu_s", "peak_rss_mb")},
        }  # fmt: skip
    return values


def entries(rows: Iterable[Row]) -> Iterator[Values]:
    """One entry per compiled artifact, in the order of the rows."""
    seen: set[tuple[str, Path]] = set()
    for row in rows:
        build = cost_of(row)
        if build is not None and (row.host, row.deployable) not in seen:
            seen.add((row.host, row.deployable))
            yield _entry(row, build)


def frame(rows: Iterable[Row]) -> pd.DataFrame:
    """The ledger as a table, typed."""
    return pd.DataFrame(list(entries(rows)), columns=list(COLUMNS), dtype=object).astype(COLUMNS)
