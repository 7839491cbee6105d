"""Exports of really built candidates: they run, and reproduce the recorded outputs, where the project is not.

The line runs once in a checkout of its own; that checkout is then moved away before the exports are used.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.toolchain.conftest import PHOTOS, ROOT, python_of
from tests.toolchain.line import lay, run

RUNTIMES = {"onnxruntime": "onnxruntime", "openvino": "openvino", "pytorch": "torch", "executorch": "executorch"}
FILES = {"artifact", "scripts", "model.json", "requirements.txt", "expected.npz", "run.py", "README.txt", "export.json"}


def export(project: Path, record: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    """Run the verb in the report's environment, as the rule does."""
    (host,) = (path.name for path in (project / "artifacts" / "hosts").iterdir() if path.is_dir())
    python = json.loads((project / "artifacts/hosts" / host / "environments/report.json").read_text())["python"]
    shared = ["--plan", "artifacts/plan.json", "--csv", "reports/results.csv", "--artifacts", "artifacts"]
    command = [python, "-m", "scripts.report.export", *shared, "--network", "tiny.untrained", "--record", str(record)]
    return subprocess.run(
        [*command, *more], cwd=project, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True
    )


def alone(python: Path, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run an export's run.py from elsewhere with a bare process environment."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(python), str(folder / "run.py"), *arguments]
    return subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the target's own export (`chosen`) and one per runtime. The project is gone."""
    base = tmp_path_factory.mktemp("export")
    project = lay(base / "project", runtimes=list(RUNTIMES), batches=[1])
    code, output = run(project)
    assert code == 0, output
    code, output = run(project, "export")
    assert code == 0, output
    (record,) = (project / "reports" / "export").glob("*/tiny.untrained/export.json")
    shutil.copytree(record.parent, base / "chosen")
    for runtime in RUNTIMES:
        done = export(project, base / runtime / "export.json", "--candidate", runtime)
        assert done.returncode == 0, done.stderr
    shutil.copy2(project / "tiny.py", base / "pytorch")  # a user's own network comes with the user
    refused = export(project, base / "elsewhere" / "export.json", "--candidate", "pytorch/int8")
    assert refused.returncode != 0 and "no such candidate of tiny.untrained ran; these did: " in refused.stderr
    (base / "mine").mkdir()
    (base / "mine" / "thesis.txt").write_text("precious")
    refused = export(project, base / "mine" / "export.json")
    assert refused.returncode != 0 and "thesis.txt, which no export wrote" in refused.stderr
    assert (base / "mine" / "thesis.txt").read_text() == "precious"
    shutil.copy2(project / "reports" / "results.csv", base)
    shutil.rmtree(project)
    return base


def test_the_target_exports_a_leader_of_the_finals(exports: Path) -> None:
    assert {path.name for path in (exports / "chosen").iterdir()} == FILES  # no labels: the network has none
    record = json.loads((exports / "chosen" / "export.json").read_text())
    rows = {row["artifact_sha256"]: row for row in csv.DictReader((exports / "results.csv").open())}
    assert rows[record["artifact_sha256"]]["rank_set"] == "1"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_it_reproduces_the_recorded_outputs_alone(exports: Path, runtime: str) -> None:
    done = alone(python_of(RUNTIMES[runtime]), exports / runtime, "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("reproduced: outputs for 4 inputs differ by at most ")


def test_other_outputs_are_noticed(exports: Path, tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(exports / "onnxruntime", folder)
    with np.load(folder / "expected.npz") as stored:
        arrays = dict(stored)
    arrays["output.logits"] = arrays["output.logits"] + 0.01
    np.savez_compressed(folder / "expected.npz", **arrays)
    done = alone(python_of("onnxruntime"), folder, "--check")
    assert done.returncode == 1 and done.stdout.startswith("NOT reproduced")


def test_it_classifies_a_photo_as_the_reference_does(exports: Path) -> None:
    photo = PHOTOS / "labelled" / "panda.jpg"
    done = {
        name: alone(python_of(RUNTIMES[name]), exports / name, str(photo), "--top", "3")
        for name in ("onnxruntime", "pytorch")
    }
    assert all(each.returncode == 0 for each in done.values()), [each.stderr for each in done.values()]
    lines = done["onnxruntime"].stdout.splitlines()
    assert lines[0] == str(photo) and len(lines) == 4
    assert done["onnxruntime"].stdout == done["pytorch"].stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/nowhere/photo.jpg"], "there is no file /nowhere/photo.jpg"),
        ([], "name a photo, or --check"),
        ([str(ROOT / "requirements.in")], "cannot be read as an image"),
    ],
)
def test_mistakes_are_one_sentence(exports: Path, arguments: list[str], said: str) -> None:
    done = alone(python_of("onnxruntime"), exports / "onnxruntime", *arguments)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr


def test_its_requirements_make_an_environment_that_runs_it(exports: Path, tmp_path: Path) -> None:
    folder, python = exports / "onnxruntime", tmp_path / "venv" / "bin" / "python"
    for arguments in (
        ["venv", "--python", sys.executable, str(tmp_path / "venv")],
        ["pip", "install", "--python", str(python), "--require-hashes", "-r", str(folder / "requirements.txt")],
    ):
        subprocess.run([sys.executable, "-m", "uv", "--quiet", *arguments], check=True, timeout=300)
    assert alone(python, folder, "--check").returncode == 0
    assert alone(python, folder, str(PHOTOS / "labelled" / "panda.jpg")).returncode == 0


def test_pillow_is_pinned_where_the_runtime_does_without(exports: Path) -> None:
    for runtime in RUNTIMES:
        text = (exports / runtime / "requirements.txt").read_text()
        assert text.count("\npillow==") == 1 and "--hash=sha256:" in text.partition("\npillow==")[2]


def test_nothing_in_it_names_the_project_or_a_machine(exports: Path) -> None:
    for path in (exports / "onnxruntime").rglob("*"):
        if path.suffix in (".py", ".json", ".txt") and "__pycache__" not in path.parts:
            text = path.read_text()
            assert str(exports) not in text and str(ROOT) not in text, path


def test_the_readme_says_what_it_is(exports: Path) -> None:
    text = (exports / "onnxruntime" / "README.txt").read_text()
    assert text.startswith("tiny (UNTRAINED weights) for ONNX Runtime, fp32, batch 1\n")
    assert len(text.splitlines()) <= 12 and text.endswith("compile it there.\n")
    assert "The network's own code (tiny:build) must be importable." in (exports / "pytorch" / "README.txt").read_text()
