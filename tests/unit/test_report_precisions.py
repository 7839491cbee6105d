"""The page of one network in several precisions: accuracy beside time, and what fails its gate never wins."""

import re
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from scipy.stats import binomtest

from scripts.report.columns import read_results
from scripts.report.wording import known
from tests.unit.records_cases import PRECISIONS
from tests.unit.records_factory import build_tree
from tests.unit.report_page import Page, table_of, write


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("precisions")
    (root / "photos/labelled").mkdir(parents=True)
    Image.new("RGB", (200, 120), "teal").save(root / "photos/labelled/synthetic.jpg")
    build_tree(root, good=PRECISIONS)
    return write(root)


@pytest.fixture(scope="module")
def table(written: Path) -> pd.DataFrame:
    found = read_results(written.parent / "results.csv")
    return found[(found["model"] == "synthetic_lite") & (found["host"] == "synthetic-desktop")]


@pytest.fixture(scope="module")
def page(written: Path) -> Page:
    return Page(written.read_text())


def one(table: pd.DataFrame, runtime: str, precision: str) -> pd.Series:
    chosen = table[(table["runtime"] == runtime) & (table["precision"] == precision) & (table["batch"] == 1)]
    (cells,) = (cells for _, cells in chosen.iterrows())
    return cells


def test_the_fastest_of_all_fails_its_gate_and_wins_nothing(table: pd.DataFrame, page: Page) -> None:
    wrong = one(table, "litert", "int8")
    assert wrong["median_ms"] == table[table["batch"] == 1]["median_ms"].min() and wrong["gate"] == "fail"
    assert pd.isna(wrong["rank_set"]) and pd.isna(wrong["pareto"])
    answer = page.text[page.text.index("Deploy") : page.text.index("All candidates of")]
    assert "Deploy ONNX Runtime (int8)" in answer and "LiteRT (int8)" not in answer


def test_it_is_shown_with_the_photos_that_it_got_wrong(page: Page) -> None:
    row = next(row for row in table_of(page, "Candidates that did not run") if row["Candidate"] == "LiteRT (int8)")
    assert row["Outcome"] == "failed its gate" and "took for class 1; the reference: class 0 lost" in row["Why"]
    pictures = re.findall(r'<img src="data:image/jpeg;base64,[^"]+" width="96" height="96" alt="([^"]+)">', page.html)
    assert pictures == ["labelled/synthetic.jpg"] * (7 + 1)  # its 7 photos, and one of the untrained network's


def test_of_a_batch_what_cannot_win_comes_last(page: Page) -> None:
    """However fast: the reader looks for what to ship."""
    rows = [row for row in table_of(page, "All candidates of synthetic_lite") if row["Batch"] == "1"]
    outcomes = [row["Outcome"] for row in rows]
    assert "failed its gate" in outcomes
    assert outcomes[: outcomes.count("ran")] == ["ran"] * outcomes.count("ran")


def test_accuracy_has_its_wilson_interval(table: pd.DataFrame, page: Page) -> None:
    cells = one(table, "onnxruntime", "int8")
    interval = binomtest(53, 59).proportion_ci(method="wilson")
    assert (cells["top1_accuracy_lo"], cells["top1_accuracy_hi"]) == pytest.approx(interval, rel=1e-5)
    shown = next(row for row in table_of(page, "All candidates of synthetic_lite") if "(int8)" in row["Candidate"])
    assert re.fullmatch(r"\d\d\.\d %\|\d\d\.\d to \d\d\.\d %", shown["Accuracy"])
    assert (cells["photos_lost"], cells["photos_gained"], cells["labelled"], cells["int8_share"]) == (1, 0, 59, 0.99)


def test_the_front_holds_what_nobody_beats(table: pd.DataFrame, written: Path) -> None:
    front = {
        f"{row.runtime} {row.precision}"
        for row in table[table["batch"] == 1].itertuples()
        if known(row.pareto) and row.pareto
    }
    # 1 photo lost and fastest; nothing lost and next; the smallest file of those that lose nothing is openvino's.
    assert front == {"onnxruntime int8", "openvino int8"}
    assert (written.parent / "figures/synthetic_lite-package-224-pareto.svg").is_file()
