"""What the page says of weights that were fine-tuned on a folder of classes."""

import json
from pathlib import Path

import pytest

from tests.unit.records_cases import Case
from tests.unit.records_factory import HOST, Tree
from tests.unit.report_page import Page, write

TUNED = {
    "photos": 73, "epochs": 5, "layers": "head", "losses": [1.55, 0.83, 0.45, 0.25, 0.154],
    "test": {"photos": 49, "right": 48, "accuracy": 48 / 49},
}  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """A network that was fine-tuned from fresh weights; two runtimes, three rounds."""
    root = tmp_path_factory.mktemp("finetuned")
    tree = Tree(root, trials=3, samples=30, noise=0.002)
    tree.network("synthetic_lite", "untrained_finetuned")
    folder = tree.artifacts / "portable/synthetic_lite.untrained_finetuned/checkpoint/fp32.default/dyn/files"
    described = json.loads((folder / "model.json").read_text())
    described |= {"fine_tuned": TUNED, "labels": ["животное", "здание", "рыба", "tool", "windmill"], "trained": True}
    (folder / "model.json").write_text(json.dumps(described))
    for runtime in ("pytorch", "onnxruntime"):
        tree.case(HOST, "synthetic_lite", "untrained_finetuned", Case(runtime), 1)
    tree.host(HOST, "Synthetic CPU (test records)", 2)
    config = {"measure": {"trials": 3, "location": "p10", "resolution": 0.05}, "finals": {"rounds": 0}}
    plan = {"schema": 1, "host": HOST, "torch_build": "cpu", "config": config | {"artifacts": str(tree.artifacts)}}
    (tree.artifacts / "plan.json").write_text(json.dumps(plan | {"rows": tree.rows}))
    return Page(Path(write(root)).read_text())


def test_what_was_trained_and_how_it_does_on_photos_that_it_never_saw(page: Page) -> None:
    assert "synthetic_lite, fine-tuned" in page.text and "fresh weights, fine-tuned on 73 photos" in page.text
    assert "Fine-tuned here, its last layer alone, for 5 epochs on 73 photos in 5 classes" in page.text
    assert "the mean loss went from 1.55 to 0.154." in page.text
    assert "Of the 49 test photos, which neither trained nor chose anything, 48 are right: 98.0 %" in page.text
    assert "(95 % interval 89.3 % to 99.6 %)" in page.text


def test_it_is_not_called_untrained(page: Page) -> None:
    assert "untrained weights" not in page.text and "are not trained" not in page.text
