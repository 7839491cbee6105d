"""What is exported, and with which pins. That exports run is shown with real toolchains."""

import re
from pathlib import Path

import pytest

from scripts.report import export
from scripts.report.answers import Question, questions
from scripts.report.columns import read_results
from tests.unit.records_factory import HOST, build_tree
from tests.unit.report_page import write


def asked(root: Path) -> list[Question]:
    """The questions of the tree's table."""
    return list(questions(read_results(write(root).parent / "results.csv"), HOST))


def test_the_fastest_at_the_smallest_batch_is_exported_unless_another_is_named(tmp_path: Path) -> None:
    build_tree(tmp_path)
    networks = asked(tmp_path)
    for network in ("synthetic_lite.package", "synthetic_resnet.untrained"):
        chosen = export.choose(networks, network, None)
        assert (chosen["runtime"], chosen["variant"], chosen["batch"]) == ("onnxruntime", "default", 1)
    assert export.choose(networks, "synthetic_lite.package", "litert")["runtime"] == "litert"
    assert export.choose(networks, "synthetic_resnet.untrained", "onnxruntime/fp32/no_spin")["variant"] == "no_spin"


@pytest.mark.parametrize(
    ("network", "candidate", "said"),
    [
        (
            "nothing.package",
            None,
            "there is no network nothing.package in the results; there are: synthetic_lite.package",
        ),
        ("synthetic_lite.package", "tensorrt", "no such candidate of synthetic_lite.package ran; these did: "),
        ("synthetic_lite.package", "litert/fp32/default/cpu/more", "no such candidate"),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(
    tmp_path: Path, network: str, candidate: str | None, said: str
) -> None:
    build_tree(tmp_path)
    with pytest.raises(SystemExit, match=re.escape(said)):
        export.choose(asked(tmp_path), network, candidate)


def test_pins_of_an_export_hold_pillow_once() -> None:
    for env in ("onnxruntime", "executorch", "tensorrt_rtx"):
        text = export.requirements(env, "cpu")
        assert len(re.findall(r"^pillow==", text, re.MULTILINE)) == 1
        pinned = re.findall(r"^\S+==\S+ \\\n    --hash=sha256:", text, re.MULTILINE)
        assert len(pinned) == len(re.findall(r"^[a-zA-Z]", text, re.MULTILINE))
