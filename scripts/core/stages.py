"""Where the time of the last runs went, by stage: ``python -m scripts.core.stages`` (``make times``).

Read from what Snakemake keeps of each job, its start and its end. Each moment is shared by the jobs that ran in it;
moments in which none ran are Snakemake's own. Jobs of a rule that were done again count with their last run.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

STAGES = {
    "environment": "installing", "train": "training", "prepare": "converting", "resize": "converting",
    "calibration": "converting", "ledger": "compiling",
    "reference": "verifying", "verify": "verifying",
    "trial": "measuring", "finals": "measuring", "refine": "measuring", "build_again": "measuring",
    "peaks": "measuring", "cpu_peaks": "measuring",
    "rebuild": "reporting", "plan": "reporting", "summarise": "reporting", "report": "reporting", "check": "reporting",
    "tune": "reporting", "export_candidate": "reporting", "host": "reporting",
}  # fmt: skip
IDLE = "Snakemake"
Jobs = dict[tuple[str, float, float], None]


def stage_of(rule: str) -> str:
    """`converting` for convert_openvino, `compiling` for compile_inductor, ..."""
    for start, stage in (("convert", "converting"), ("quantize", "converting"), ("compile", "compiling")):
        if rule.startswith(start):
            return stage
    return STAGES.get(rule, rule)


def read(metadata: Path) -> list[tuple[str, float, float]]:
    """(rule, start, end) of each job, in seconds since the epoch."""
    jobs: Jobs = {}
    for path in metadata.rglob("*"):
        if path.is_file():
            kept = json.loads(path.read_text())
            if kept.get("starttime") and kept.get("endtime"):
                jobs[(kept["rule"], kept["starttime"], kept["endtime"])] = None
    return sorted(jobs, key=lambda job: job[1])


def shares(jobs: list[tuple[str, float, float]]) -> dict[str, float]:
    """Wall seconds by stage; they add up to the time from the first start to the last end."""
    edges = sorted({moment for _, start, end in jobs for moment in (start, end)})
    spent: dict[str, float] = defaultdict(float)
    for left, right in zip(edges, edges[1:], strict=False):
        running = [stage_of(rule) for rule, start, end in jobs if start <= left and end >= right]
        for stage in running or [IDLE]:
            spent[stage] += (right - left) / max(1, len(running))
    return dict(sorted(spent.items(), key=lambda item: -item[1]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--metadata", type=Path, default=Path(".snakemake/metadata"))
    spent = shares(read(parser.parse_args().metadata))
    total = sum(spent.values())
    if not total:
        print("No job has run in this folder yet.")
        return 1
    for stage, seconds in spent.items():
        print(f"{stage:<12}{seconds:8.1f} s {100 * seconds / total:5.1f} %")
    print(f"{'all':<12}{total:8.1f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
