"""What the page says of pruned weights: what went, and whether that helped."""

import json
from pathlib import Path

import pytest

from tests.unit.records_cases import Case
from tests.unit.records_factory import HOST, Tree
from tests.unit.report_page import Page, write

ZEROS = {
    "method": "magnitude", "amount": 0.5, "sparsity": 0.5, "fine_tuned": None,
    "parameters": {"before": 4_652_008, "after": 4_652_008}, "macs": {"before": 385_200_000, "after": 385_200_000},
    "bytes": {"before": 18_870_000, "after": 18_870_000}, "compressed": {"before": 17_370_000, "after": 10_710_000},
}  # fmt: skip
CHANNELS = ZEROS | {
    "method": "structured", "amount": 0.3, "sparsity": 0.0, "macs": {"before": 385_200_000, "after": 180_700_000},
    "fine_tuned": {"epochs": 3, "photos": 40, "losses": [2.5, 1.1, 0.7]},
}  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """A network whole, with half of its weights zero, and with fewer channels; two runtimes, five rounds."""
    root = tmp_path_factory.mktemp("pruned")
    tree = Tree(root, trials=5, samples=60, noise=0.002)
    for weights, slower, right, facts in (
        ("package", 1.0, 54, None), ("package_magnitude50", 1.0, 52, ZEROS), ("package_structured30", 0.5, 0, CHANNELS),
    ):  # fmt: skip
        tree.network("synthetic_lite", weights)
        described = tree.artifacts / f"portable/synthetic_lite.{weights}/checkpoint/fp32.default/dyn/files/model.json"
        described.write_text(json.dumps(json.loads(described.read_text()) | ({"pruned": facts} if facts else {})))
        for runtime in ("pytorch", "onnxruntime"):
            gate = "pass" if right > 50 else "fail"
            tree.case(HOST, "synthetic_lite", weights, Case(runtime, slower=slower, right=right, gate=gate), 1)
    tree.host(HOST, "Synthetic CPU (test records)", 2)
    config = {
        "measure": {"trials": 5, "location": "p10", "resolution": 0.05},
        "finals": {"rounds": 0},
        "photos": "photos",
    }
    plan = {"schema": 1, "host": HOST, "torch_build": "cpu", "config": config | {"artifacts": str(tree.artifacts)}}
    (tree.artifacts / "plan.json").write_text(json.dumps(plan | {"rows": tree.rows}))
    return Page(Path(write(root)).read_text())


def test_where_zeros_help_nothing_the_page_says_so(page: Page) -> None:
    assert "synthetic_lite, pruned (magnitude 50 %)" in page.text
    said = page.text[page.text.index("Pruned (magnitude") : page.text.index("Pruned (structured")]
    assert "385 million as before multiplications" in said and "compressed 10.7 MB instead of 17.4 MB" in said
    assert "Nothing was trained after pruning" in said
    assert "Pruning does not help here: none of 2 candidates is faster" in said
    assert "Accuracy on the labelled photos is 88.1 % instead of 91.5 %." in said


def test_speed_that_costs_the_accuracy_is_no_gain(page: Page) -> None:
    said = page.text[page.text.index("Pruned (structured") :]
    assert "181 million instead of 385 million multiplications" in said
    assert "Trained for 3 epochs on 40 photos after pruning: the mean loss went from 2.50 to 0.700." in said
    assert "Faster than with the whole network: PyTorch eager and ONNX Runtime, at best 2.0 times." in said
    assert "instead of 91.5 %: it fails its gate, so that no speed makes up for it." in said
