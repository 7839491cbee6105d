"""Make a compiled artifact again as its record says that it was made: from cold, alone on the machine, past the store.

What is compared or told of compilers needs more than the one time that the store remembers.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from scripts.core import paths, records
from scripts.core.beside import Beside
from scripts.core.catalogue import FORMATS, on
from scripts.core.guard import End
from scripts.core.records import Build
from scripts.core.stage import PATIENT, run_verb
from scripts.measure.supervisor import machine_lock

Values = dict[str, Any]


def compiles(row: Values) -> bool:
    """Whether a row of the plan deploys what a compiler made, and the compiler did run here."""
    made = FORMATS[on(row["runtime"], row["device"]).format_of(row["precision"])].ahead_of_time
    if not (on(row["runtime"], row["device"]).compiles or made):
        return False
    build = records.load(Path(row["paths"]["deployable"]) / "build.json")
    return build["status"] in records.USABLE and bool(build["ingredients"])


def artifacts(rows: list[Values]) -> dict[str, Values]:
    """The first row of each compiled artifact, by its folder."""
    found: dict[str, Values] = {}
    for row in rows:
        if compiles(row):
            found.setdefault(row["paths"]["deployable"], row)
    return found


def title(row: Values) -> str:
    """A compiled artifact in a few words."""
    kind = "" if (row["precision"], row["variant"]) == ("fp32", "default") else f" {row['precision']} {row['variant']}"
    return f"{row['model']} in {row['runtime']}{kind}, {row['shape']}"


def _sources(row: Values, root: str, names: list[str]) -> list[str]:
    folders = {
        "portable": row["paths"]["portable"], "checkpoint": row["paths"]["checkpoint"],
        "calibration": paths.calibration(
            root, f"{row['model']}.{row['weights']}", paths.other_size(row["shape"], row["own_size"])
        ),
    }  # fmt: skip
    return [f"{name}={folders[name]}/artifact.json" for name in names]


def compile_again(row: Values, config: Values, out: Path, log: Path) -> tuple[End, Build]:
    """Run the compiler of `row`, a row of the plan, into the new folder `out`; how it ended, and what it cost."""
    made = records.load(Path(row["paths"]["deployable"]) / "build.json")
    made_of = made["ingredients"]
    args = argparse.Namespace(
        verb=made_of["verb"], stage="compile", options=json.dumps(made_of["options"]), log=log, absent="",
        environment=paths.environment_record(config["artifacts"], row["host"], on(row["runtime"], row["device"]).env),
        source=_sources(row, config["artifacts"], sorted(name for name, known in made_of["sources"].items() if known)),
    )  # fmt: skip
    with machine_lock(), Beside() as beside:
        end, facts = run_verb(args, out, PATIENT)
    cost = {
        "status": end.status, "reason": end.reason, "warmth": facts.get("warmth", "cold"), "cache": "miss",
        "wall_s": round(end.wall_s, 3), "cpu_s": round(end.cpu_s, 3), "peak_rss_mb": round(end.peak_rss_mb, 1),
        "date": records.now(), **beside.facts(end),
    }  # fmt: skip
    return end, Build(**{key: value for key, value in made.items() if key != "schema"} | cost)


def scratch(near: Path) -> "tempfile.TemporaryDirectory[str]":
    """A folder for what is made only to be measured."""
    near.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix=f"again-{os.getpid()}-", dir=near)
