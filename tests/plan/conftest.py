"""A project in which everything was done, with a stand-in for the guarded commands."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import copy_project

HERE = Path(__file__).parent


def lay(folder: Path) -> Path:
    """A copy of the project whose guarded commands go to the stand-in."""
    copy_project(folder, "config.yaml", "data")
    shutil.copy2(HERE / "stand_in.sh", folder / "stand_in.sh")
    (folder / "stand_in.sh").chmod(0o755)
    with (folder / "rules" / "common.smk").open("a") as common:
        common.write('\n\nshell.prefix(job_prefix(str(ROOT / "stand_in.sh")))\n')
    return folder


def run(folder: Path, *arguments: str, cores: int = 2, **environment: str) -> list[str]:
    """Run the workflow in `folder`; the guarded commands in the order of their ends."""
    log = folder / "order.log"
    log.unlink(missing_ok=True)
    subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", str(cores), "all", *arguments],
        cwd=folder, check=True, capture_output=True, text=True, env=os.environ | {"ORDER_LOG": str(log)} | environment,
    )  # fmt: skip
    return log.read_text().splitlines() if log.exists() else []


def ask(folder: Path, *config: str) -> dict[str, list[str]]:
    """What would run in `folder`, and why."""
    done = subprocess.run(
        [sys.executable, str(HERE / "ask.py"), str(folder), *config], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, list[str]] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the default config ran to its end."""
    folder = lay(tmp_path_factory.mktemp("plan") / "finished")
    run(folder)
    return folder


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    """A moved copy of the finished folder, to edit. File times are kept."""
    return Path(shutil.copytree(finished, tmp_path / "moved" / "project", symlinks=True))
