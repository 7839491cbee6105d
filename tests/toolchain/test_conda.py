"""`--sdm conda` gives the same rows: the light toolchains, through the stand-in for conda (see tests/conda)."""

import json
from pathlib import Path

import pytest

from tests.conda.prepare import prepare
from tests.toolchain.line import lay, results, run

RUNTIMES = ["onnxruntime", "openvino"]
SAME = ("model", "weights", "runtime", "precision", "device", "shape", "batch", "status", "gate", "artifact_sha256")


@pytest.fixture(scope="module")
def by_conda(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = lay(tmp_path_factory.mktemp("by_conda") / "project", runtimes=RUNTIMES)
    variables = prepare(tmp_path_factory.mktemp("conda"))
    code, output = run(folder, "all", "--sdm", "conda", variables=variables)
    assert code == 0, output
    code, output = run(folder, "all", "--sdm", "conda", "-n", variables=variables)
    assert "Nothing to be done" in output
    return folder


def test_the_environments_are_condas(by_conda: Path) -> None:
    for name in ("torch", *RUNTIMES):
        record = json.loads(next(by_conda.glob(f"artifacts/hosts/*/environments/{name}.json")).read_text())
        assert record["mode"] == "conda" and str(by_conda) in record["python"]
        lock = Path(f"envs/{name}.lock.txt" if name != "torch" else f"envs/torch_{_build(by_conda)}.lock.txt")
        pinned = (by_conda / lock).read_text()
        assert f"numpy=={record['packages']['numpy']} " in pinned


def _build(folder: Path) -> str:
    return str(json.loads((folder / "artifacts" / "torch_build.json").read_text())["build"])


def test_the_rows_are_the_same_as_by_uv(by_conda: Path, tmp_path: Path) -> None:
    by_uv = lay(tmp_path / "project", runtimes=RUNTIMES)
    code, output = run(by_uv)
    assert code == 0, output
    rows = [{key: row[key] for key in SAME} for row in results(by_conda)]
    assert rows == [{key: row[key] for key in SAME} for row in results(by_uv)]
    assert [row["status"] for row in rows] == ["ok"] * 4
