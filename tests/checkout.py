"""A copy of the project's files to run and edit in a test."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("Snakefile", "profiles", "rules", "scripts", "envs", "requirements.txt")


def copy_project(folder: Path, *more: str) -> Path:
    """What a run needs, and `more` parts by name, in the new `folder`."""
    folder.mkdir(parents=True)
    for part in (*PARTS, *more):
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / part)
    return folder
