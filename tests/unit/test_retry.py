"""What failed to install is forgotten, so that it is tried again; other failures only on request."""

import json
from pathlib import Path

import pytest

from scripts.core.retry import forget


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    def write(name: str, status: str, stage: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"status": status, "stage": stage}))

    write("hosts/here/environments/litert.json", "failed", "environment")
    write("hosts/here/environments/torch.json", "ok", "environment")
    write("portable/m/tflite/artifact.json", "failed", "environment")
    write("portable/m/onnx/artifact.json", "crashed", "convert")
    write("hosts/here/m/pytorch/trials/trial-1.json", "ok", "measure")
    write("hosts/other/m/litert/trials/trial-1.json", "failed", "environment")
    (tmp_path / "plan.json").write_text("{}")
    return tmp_path


def left(tree: Path) -> set[str]:
    return {str(path.relative_to(tree)) for path in tree.rglob("*.json")}


def test_failed_installs_are_forgotten_and_nothing_else(tree: Path) -> None:
    before = left(tree)
    assert forget(tree, "here", everything=False) == 2
    assert before - left(tree) == {
        "hosts/here/environments/litert.json",
        "portable/m/tflite/artifact.json",
        "plan.json",
    }


def test_on_request_all_failures_of_this_host_are(tree: Path) -> None:
    forget(tree, "here", everything=True)
    assert left(tree) == {
        "hosts/here/environments/torch.json",
        "hosts/here/m/pytorch/trials/trial-1.json",
        "hosts/other/m/litert/trials/trial-1.json",
    }


def test_without_failures_nothing_is_touched(tree: Path) -> None:
    forget(tree, "here", everything=True)
    (tree / "plan.json").write_text("{}")
    assert forget(tree, "here", everything=True) == 0 and (tree / "plan.json").exists()


def test_finals_in_which_a_trial_failed_are_held_again_on_request(tree: Path) -> None:
    """`plan.json` goes with them: Snakemake makes nothing for a missing file that no job which runs needs."""
    forget(tree, "here", everything=True)
    finals = tree / "hosts/here/finals/finals.json"
    finals.parent.mkdir(parents=True)
    for status, forgotten in (("ok", 0), ("crashed", 1)):
        finals.write_text(json.dumps({"questions": [{"finalists": [{"trials": [{"status": status}]}]}]}))
        (tree / "plan.json").write_text("{}")
        assert forget(tree, "here", everything=True) == forgotten
        assert finals.exists() == (tree / "plan.json").exists() == (not forgotten)
