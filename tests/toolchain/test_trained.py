"""The default network, with its real ImageNet weights: every runtime says the same of every photo."""

from pathlib import Path

import pytest

from tests.toolchain.line import ROOT, by_runtime, lay, run

RUNTIMES = ["pytorch", "torchscript", "onnxruntime", "openvino", "litert", "executorch"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = lay(
        tmp_path_factory.mktemp("trained") / "project",
        models=["efficientnet_lite0"],
        runtimes=RUNTIMES,
        batches=[1],
        photos=str(ROOT / "data" / "photos"),
    )
    code, output = run(folder)
    assert code == 0, output
    return folder


def test_all_agree_with_the_reference_and_with_each_other(trained: Path) -> None:
    rows = by_runtime(trained)
    assert set(rows) == set(RUNTIMES)
    for row in rows.values():
        assert (row["status"], row["gate"], float(row["top1_agreement"])) == ("ok", "pass", 1.0)
        assert float(row["sqnr_db"]) > 80
    # 54 of 59: what this network's own fp32 weights reach on these photos. Wrong padding costs 6 points.
    assert {round(float(row["top1_accuracy"]) * 59) for row in rows.values()} == {54}
