"""A checkout of one's own in which the whole line really runs, on a small network."""

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.checkout import ROOT, copy_project

EIGHT = ("pytorch", "torchscript", "torch_compile", "aotinductor", "onnxruntime", "openvino", "litert", "executorch")
CONFIG: dict[str, Any] = {
    "models": [
        {"name": "tiny", "weights": "untrained", "build": "tiny:build", "preprocess": {"size": 32, "resize": 36}}
    ],
    "batches": [1, 2],
    "measure": {"trials": 2, "seconds": 0.2, "warmup_seconds": 0.1, "peaks": False},
    "finals": {"rounds": 3, "seconds": 0.2},
    "photos": str(ROOT / "data" / "photos"),
}


def lay(folder: Path, **config: Any) -> Path:
    """The project's files in `folder`, with the small network and `config` on top of `CONFIG`."""
    copy_project(folder)
    shutil.copy2(ROOT / "tests" / "toolchain" / "tiny.py", folder / "tiny.py")
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG | config))
    return folder


def start(
    folder: Path, *arguments: str, variables: dict[str, str] | None = None, cores: int = 2
) -> "subprocess.Popen[str]":
    """What `make` runs, in `folder`, as the leader of a process group of its own; with a store of its own, too."""
    command = [sys.executable, "-m", "scripts.core.run", "--cores", str(cores), *(arguments or ("all",))]
    own = {"PYTHONPATH": str(folder), "ASSAY_STORE": str(folder.parent / f"{folder.name}-store")}
    return subprocess.Popen(
        command, cwd=folder, env=os.environ | own | (variables or {}), text=True,
        start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def run(folder: Path, *arguments: str, variables: dict[str, str] | None = None, cores: int = 2) -> tuple[int, str]:
    """Exit status and output of a run to its end."""
    process = start(folder, *arguments, variables=variables, cores=cores)
    output, _ = process.communicate(timeout=900)
    return process.returncode, output


def results(folder: Path) -> list[dict[str, str]]:
    """Rows of results.csv."""
    with (folder / "reports" / "results.csv").open() as stream:
        return list(csv.DictReader(stream))


def by_runtime(folder: Path, batch: int = 1) -> dict[str, dict[str, str]]:
    """Rows of one batch by runtime."""
    return {row["runtime"]: row for row in results(folder) if row["batch"] == str(batch)}


def broken_files(folder: Path) -> list[str]:
    """Records that do not parse, and artifacts whose files are not what their record says."""
    bad = []
    for record in (folder / "artifacts").rglob("*.json"):
        if ".partial" in str(record) or "/files/" in str(record):
            continue
        try:
            values = json.loads(record.read_text())
        except ValueError:
            bad.append(f"{record} does not parse")
            continue
        for name, file in (values.get("files") or {}).items() if record.name == "artifact.json" else ():
            content = (record.parent / "files" / name).read_bytes()
            if hashlib.sha256(content).hexdigest() != file["sha256"]:
                bad.append(f"{record.parent}/files/{name} is not what its record says")
    return bad
