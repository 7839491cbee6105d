"""A machine without a network: what `make wheels` packs is all that `make` needs to set up there."""

import os
import subprocess
from pathlib import Path

import pytest

from scripts.core import environment, wheels
from tests.checkout import ROOT, copy_project

NOWHERE = "http://127.0.0.1:9/simple"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Snakemake's own packages and those of one environment."""
    folder = tmp_path_factory.mktemp("packed") / "wheels"
    assert wheels.main(["--out", str(folder), "loadgen"]) == 0
    return folder


def there(home: Path, folder: Path) -> dict[str, str]:
    """The variables of a machine that reaches no package index and has this folder, with an empty home."""
    left_out = ("PIP_", "UV_", "ASSAY_", "XDG_", "PYTHONPATH")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    variables |= {"HOME": str(home), "PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": NOWHERE, "UV_INDEX_URL": NOWHERE}
    return variables | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder)}


def test_it_sets_up_without_a_network(packed: Path, tmp_path: Path) -> None:
    project, variables = copy_project(tmp_path / "project", "Makefile"), there(tmp_path, packed)
    subprocess.run(["make", ".venv/.ready"], cwd=project, env=variables, check=True)
    record = tmp_path / "loadgen.json"
    command = [".venv/bin/python", "-m", "scripts.core.environment", "--name", "loadgen"]
    command += ["--lock", "envs/loadgen.lock.txt", "--record", str(record)]
    subprocess.run(command, cwd=project, env=variables, check=True)
    assert '"status": "ok"' in record.read_text(), record.read_text()
    made = environment.python_path(project / "envs" / "loadgen.lock.txt", tmp_path / ".cache" / "assay" / "envs")
    assert made.is_file()


def test_an_environment_that_does_not_exist_is_named_before_anything_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"'onnxruntime-gpu' is no environment \(did you mean .*onnxruntime_gpu"):
        wheels.main(["--out", str(tmp_path / "wheels"), "onnxruntime-gpu"])
    assert not (tmp_path / "wheels").exists()


def test_every_environment_of_the_project_can_be_packed() -> None:
    packed = {lock.path.name for lock in wheels.chosen([])}
    there_are = {path.stem for path in (ROOT / "envs").glob("*.in")}
    assert {name.removesuffix(".lock.txt").removesuffix("_cuda") for name in packed} == there_are | {"requirements.txt"}
