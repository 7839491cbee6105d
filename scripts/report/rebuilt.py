"""How much builds differ: `python -m scripts.report.rebuilt --record .../rebuild.json --csv reports/rebuild.csv`.

One row per build; and a sentence per candidate: whether its builds share bytes, answers and speed.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scripts.report.columns import write_whole
from scripts.report.reading import Record, Trial, read_if_any, with_samples
from scripts.report.wording import candidate, number, percent
from scripts.stats.builds import spread
from scripts.stats.intervals import t_interval

LEAST = 2
TOLD_APART = 0.05
NAMES = ("model", "weights", "runtime", "precision", "variant", "device", "shape", "batch", "image_size")

Values = dict[str, Any]


def measured(build: Values, folder: Path) -> dict[int, Trial]:
    """The trials of a build that measured, by round."""
    found = (_trial(values, folder) for values in build["trials"])
    return {int(trial.record.values["round"]): trial for trial in found if isinstance(trial, Trial)}


def _trial(values: Values, folder: Path) -> Record | Trial:
    record = Record(folder / "rebuild.json", values, values["status"], values.get("reason"), "rebuild")
    return with_samples(record, folder / values["raw"]) if record.usable else record


def rows(entry: Values, folder: Path, location: str) -> Iterator[Values]:
    """One row per build of a candidate."""
    for number_, build in enumerate(entry["builds"], 1):
        logs = [trial.log_location(location) for trial in measured(build, folder).values()]
        point, lo, hi = t_interval(logs) if logs else (None, None, None)
        yield {name: entry[name] for name in NAMES} | {
            "build": number_, "status": build["status"], "reason": build["reason"], "trials": len(logs),
            "p10_ms": point, "p10_lo_ms": lo, "p10_hi_ms": hi, "compile_s": build["wall_s"],
            **{name: build.get(name) for name in ("bytes", "artifact_sha256", "outputs_sha256", "sqnr_db", "gate")},
        }  # fmt: skip


def logs_of(entry: Values, folder: Path, location: str) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Log times of the builds in the rounds that all measured, [builds, rounds]."""
    builds = [found for build in entry["builds"] if (found := measured(build, folder))]
    shared = sorted(set.intersection(*(set(found) for found in builds))) if builds else []
    return np.array([[found[number_].log_location(location) for number_ in shared] for found in builds])


def sentence(entry: Values, logs: "np.ndarray[Any, np.dtype[np.float64]]") -> str:
    """What the builds of a candidate have in common, and what not."""
    name = f"{candidate(pd.Series(entry))}, batch {entry['batch']}"
    good = [build for build in entry["builds"] if build.get("artifact_sha256")]
    if len(good) < LEAST:
        return f"{name}: {len(good)} of {len(entry['builds'])} builds came about."
    said = [_same(good, "artifact_sha256", "bytes"), _same(good, "outputs_sha256", "answers")]
    if logs.ndim == 2 and min(logs.shape) >= LEAST:
        found = spread(logs)
        differ = (
            f"they differ in speed by {percent(found.between, 2)} (standard deviation), the slowest is"
            f" {percent(found.widest, 2)} slower than the fastest"
            if found.p_value < TOLD_APART
            else f"no difference in speed is resolved (trials of one build vary by {percent(found.within, 2)})"
        )
        said.append(f"{differ}, F test p = {number(found.p_value, 2)}")
    return f"{name}: {len(good)} builds, {'; '.join(said)}."


def _same(builds: Sequence[Values], name: str, noun: str) -> str:
    kinds = len({build[name] for build in builds})
    return f"the same {noun}" if kinds == 1 else f"{kinds} different {noun}"


def sentences(record: Path, location: str, network: str | None = None) -> list[str]:
    """A sentence per candidate; [] where nothing was rebuilt. network: `{model}.{weights}`; None for all."""
    entries = read_if_any(record).get("candidates") or []
    own = [entry for entry in entries if network in (None, f"{entry['model']}.{entry['weights']}")]
    return [sentence(entry, logs_of(entry, record.parent, location)) for entry in own]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--location", default="p10")
    args = parser.parse_args(argv)
    entries = json.loads(args.record.read_text())["candidates"]
    table = pd.DataFrame([row for entry in entries for row in rows(entry, args.record.parent, args.location)])
    write_whole(args.csv, lambda path: table.to_csv(path, index=False, lineterminator="\n"))
    print("\n".join(sentences(args.record, args.location)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
