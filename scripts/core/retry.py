"""Forget records of failures, so that the next run tries again. Light: the Snakefile calls this.

A failed install is always tried again; other failures only with `retry_failed: true`. With `fresh: true` nothing
that was compiled or measured counts. Good records stay, and so do
the results and the report until new ones are made. `plan.json` goes too: Snakemake makes what lies before a missing
file that is needed, and nothing for a missing file that is not.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from scripts.core.catalogue import FORMATS

PEAKS = ("peaks/artifact.json", "peaks/*/artifact.json")
BAD = ("oom", "crashed", "timeout", "failed")


def _bad_records(folders: list[Path]) -> Iterator[tuple[Path, str]]:
    """Records of failures below `folders`, each with the stage that failed."""
    for folder in folders:
        for pattern in ("artifact.json", "verify.json", "trial-*.json"):
            for path in folder.rglob(pattern):
                record = json.loads(path.read_text())
                if record.get("status") in BAD:
                    yield path, record["stage"]


def forget(root: Path, host: str, everything: bool) -> int:
    """Remove records of failed installs, or of all failures; the number removed."""
    environments = (root / "hosts" / host / "environments").glob("*.json")
    installs = [path for path in environments if json.loads(path.read_text())["status"] in BAD]
    if not installs and not everything:
        return 0
    found = [
        path
        for path, stage in _bad_records([root / "portable", root / "hosts" / host])
        if everything or stage == "environment"
    ]
    finals = _bad_finals(root / "hosts" / host / "finals" / "finals.json") if everything else []
    for path in [*installs, *found, *finals]:
        path.unlink()
    if installs or found or finals:
        (root / "plan.json").unlink(missing_ok=True)
    return len(installs) + len(found) + len(finals)


def forget_all(root: Path, host: str) -> int:
    """Remove the records of all that a host compiled, verified and measured; the number removed."""
    home = root / "hosts" / host
    patterns = ("*/*/*/*/compiled/artifact.json", "*/*/*/*/verify/*/verify.json", "*/*/*/*/trials/*/trial-*.json")
    found = [
        path
        for pattern in (*patterns, *PEAKS, "finals/finals.json", "refine/refine.json")
        for path in home.glob(pattern)
    ]
    for name in (name for name, form in FORMATS.items() if form.ahead_of_time):
        found += (root / "portable").glob(f"*/{name}/*/*/artifact.json")
    for path in [*found, *root.glob("plan.json")]:
        path.unlink()
    return len(found)


def _bad_finals(path: Path) -> list[Path]:
    """The record of the finals, if a trial of theirs failed. What did not fail in them is answered from its record."""
    if not path.exists():
        return []
    finalists = [
        finalist for question in json.loads(path.read_text())["questions"] for finalist in question["finalists"]
    ]
    return [path] if any(trial["status"] in BAD for each in finalists for trial in each["trials"]) else []
