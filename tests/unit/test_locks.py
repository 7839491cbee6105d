"""Locks and conda files agree with what is asked for, and a disagreement is one readable sentence."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from scripts.core import locks
from scripts.core.catalogue import FORMATS, RUNTIMES, TORCH_ENVS
from scripts.core.paths import ROOT


def pinned(name: str) -> dict[str, str]:
    """Package to version in one of the project's locks."""
    found = locks.pins((ROOT / "envs" / f"{name}.lock.txt").read_text())
    return {name: version for name, version in (re.split("===?", pin) for pin in found)}


def test_the_projects_files_agree() -> None:
    assert locks.disagreements(ROOT) == []


def test_every_environment_of_the_catalogue_has_its_locks() -> None:
    places = [place for runtime in RUNTIMES.values() for place in runtime.places]
    wanted = {format.env for format in FORMATS.values()} | {place.env for place in places} | {"report", "loadgen"}
    have = {lock.name for lock in locks.locks(ROOT) if lock.conda}
    both = {f"{name}_{build}" for name in wanted & set(TORCH_ENVS) for build in ("cpu", "cuda")}
    assert have == both | (wanted - set(TORCH_ENVS))


@pytest.mark.parametrize(
    "name",
    ["onnxruntime", "onnxruntime_gpu", "openvino", "litert", "tensorflow_gpu", "tensorrt", "tensorrt_rtx", "report"],
)
def test_slim_environments_hold_no_pytorch(name: str) -> None:
    assert not [package for package in pinned(name) if package.startswith("torch")]


def test_pip_can_install_every_pin_on_this_python() -> None:
    """uv takes a backports.strenum that says "Python < 3.11"; pip, which conda uses, refuses it."""
    held = {lock.name: pinned(lock.name).get("backports-strenum") for lock in locks.locks(ROOT) if lock.conda}
    assert {version for version in held.values() if version} == {"1.2.8"}


@pytest.mark.parametrize("name", TORCH_ENVS)
def test_torch_environments_differ_in_the_build_only(name: str) -> None:
    cpu, cuda = pinned(f"{name}_cpu"), pinned(f"{name}_cuda")
    assert cpu["torch"] == cuda["torch"] + "+cpu"
    assert {package: cuda.get(package) for package in cpu if package != "torch"} == {
        package: version for package, version in cpu.items() if package != "torch"
    }


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project's locks to spoil."""
    shutil.copytree(ROOT / "envs", tmp_path / "envs")
    for file in (*ROOT.glob("requirements*.in"), *ROOT.glob("requirements*.txt")):
        shutil.copy(file, tmp_path)
    assert locks.disagreements(tmp_path) == []
    return tmp_path


def spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def only_sentence(root: Path) -> str:
    (sentence,) = locks.disagreements(root)
    return sentence


def test_a_changed_in_file_makes_its_lock_stale(copy: Path) -> None:
    (copy / "envs/openvino.in").write_text((copy / "envs/openvino.in").read_text() + "onnx\n")
    said = locks.disagreements(copy)
    assert "openvino.lock.txt was made from another openvino.in: run `python -m scripts.core.locks openvino`." in said
    assert any("lacks onnx" in sentence for sentence in said)


def test_a_comment_makes_nothing_stale(copy: Path) -> None:
    (copy / "envs/openvino.in").write_text("# another remark\n" + (copy / "envs/openvino.in").read_text())
    assert locks.disagreements(copy) == []


def test_a_lock_edited_by_hand_is_noticed(copy: Path) -> None:
    spoil(copy / "envs/openvino.lock.txt", "openvino==2026.4.1", "openvino==2026.4.0")
    assert any("has openvino 2026.4.0 where openvino==2026.4.1 is asked for" in s for s in locks.disagreements(copy))


def test_a_pin_without_a_hash_is_noticed(copy: Path) -> None:
    lock = copy / "envs/litert.lock.txt"
    lock.write_text(lock.read_text() + "six==1.17.0\n")
    assert any("litert.lock.txt has no hash for six==1.17.0" in sentence for sentence in locks.disagreements(copy))


@pytest.mark.parametrize("line", ["--index-url https://index.example/simple", "--find-links wheels", "-f wheels"])
def test_an_address_in_a_lock_is_noticed(copy: Path, line: str) -> None:
    lock = copy / "envs/litert.lock.txt"
    lock.write_text(lock.read_text() + line + "\n")
    assert "litert.lock.txt names an index or an address" in only_sentence(copy)


def test_a_stale_conda_file_is_noticed(copy: Path) -> None:
    spoil(copy / "envs/report.yaml", "scipy==", "scipy==0")
    assert only_sentence(copy).startswith("report.yaml does not hold the pins of report.lock.txt")


def test_files_that_belong_to_nothing_are_noticed(copy: Path) -> None:
    (copy / "envs/litert.in").unlink()
    assert sorted(locks.disagreements(copy)) == [
        "envs/litert.lock.txt belongs to no .in: remove it.",
        "envs/litert.yaml belongs to no .in: remove it.",
    ]


def test_a_missing_lock_is_noticed(copy: Path) -> None:
    (copy / "requirements.txt").unlink()
    assert only_sentence(copy) == "requirements.txt is missing: run `python -m scripts.core.locks requirements`."


def test_conda_files_hold_every_pin_and_the_python() -> None:
    for lock in locks.locks(ROOT):
        if lock.conda:
            document = yaml.safe_load(lock.conda.read_text())
            python, pip, listed = document["dependencies"]
            assert (python, pip) == (f"python={lock.python}", "pip")
            assert listed["pip"] == locks.pins(lock.path.read_text())


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        locks.main(["openvino_cpu", "--root", str(ROOT)])
    assert "no lock is called openvino_cpu" in capsys.readouterr().err
