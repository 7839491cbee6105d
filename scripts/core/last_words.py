"""What a job that failed said for people, once more, since Snakemake's account of its command ends up below it."""

from pathlib import Path


def last_words(logs: Path, since: float) -> str:
    """The newest of the logs below `logs` that was written since the moment `since` (s of the epoch); "" without one.

    Jobs of the environment `report` write there what is also shown, and the last of them is the one that failed.
    """
    found = [path for path in logs.glob("*.log") if path.stat().st_mtime >= since and path.stat().st_size]
    newest = max(found, key=lambda path: path.stat().st_mtime, default=None)
    return "" if newest is None else f"\nWhat went wrong, once more:\n{newest.read_text().rstrip()}"
