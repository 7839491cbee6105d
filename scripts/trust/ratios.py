"""Ratios of our times to the references': python -m scripts.trust.ratios FIDELITY --out FILE.

From the rounds that scripts.trust.fidelity measured. Where a tool gives only a percentile, ours is the same percentile
by the same rule. Writes {runtime: {ratio, lo, hi, ...}}. Runs in the report's environment.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from scripts.core.verb import write_json
from scripts.stats.comparison import paired_ratio

Values = dict[str, Any]


def our_ms(raw: Path, steps: list[str], percent: float, method: Any) -> float:
    """A percentile of our samples, in milliseconds: of the steps' sum, by NumPy's name for the rule."""
    with np.load(raw) as samples:
        total = np.sum([samples[step] for step in steps], axis=0)
    return float(np.percentile(total, percent, method=method)) / 1e6


def ratio(entry: Values, folder: Path) -> Values:
    """Our time over theirs, with a 95 % interval: Student's t over rounds, each round's two sides a pair.

    entry: one runtime's steps and rounds; folder: what the raw files' names are relative to.
    """
    ours, theirs = {}, {}
    for pair in entry["rounds"]:
        said = pair["theirs"]
        ours[pair["round"]] = np.log(our_ms(folder / pair["raw"], entry["steps"], said["percent"], said["method"]))
        theirs[pair["round"]] = np.log(said["ms"])
    found = paired_ratio(ours, theirs)
    return {
        "ratio": found.point, "lo": found.lo, "hi": found.hi, "rounds": len(ours), "samples": entry["iterations"],
        "percent": entry["rounds"][0]["theirs"]["percent"],
    }  # fmt: skip


def ratios(path: Path) -> dict[str, Values]:
    """Each runtime's ratio, from the file that scripts.trust.fidelity wrote."""
    measured = json.loads(path.read_text())
    return {runtime: ratio(entry, path.parent) for runtime, entry in measured["runtimes"].items()}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measured", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    write_json(args.out, ratios(args.measured))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
