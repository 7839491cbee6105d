"""The page says when compiling pays, by the table's own figures."""

from pathlib import Path

import pandas as pd
import pytest

from scripts.report.columns import read_results
from scripts.report.payoff import line
from tests.unit.records_factory import HOST
from tests.unit.report_page import Page, written

__all__ = ["written"]


@pytest.fixture(scope="module")
def rows(written: Path) -> pd.DataFrame:
    table = read_results(written.parent / "results.csv")
    chosen = table["host"].eq(HOST) & table["model"].eq("synthetic_lite") & table["batch"].eq(1)
    return table[chosen & table["gate"].isin(["pass"]) & table["status"].eq("ok")]


def test_the_one_that_is_done_first_is_named_for_few_and_for_many(written: Path, rows: pd.DataFrame) -> None:
    text = Page(written.read_text()).text
    sentence = text[text.index("Counting compilation and start") :].split(" from there on")[0]
    lines = {row["runtime"]: line(row.dropna().to_dict(), "p10") for _, row in rows.iterrows()}
    titles = {"pytorch": "PyTorch eager", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "litert": "LiteRT"}
    for count, part in ((1, sentence.split(" up to ")[0]), (10**8, sentence.split(", ")[-1])):
        least = min(lines, key=lambda name: lines[name].total(count) if lines[name] else float("inf"))
        assert titles.get(least, least) in part, (least, sentence)


def test_the_chart_and_the_ledger_are_there(written: Path) -> None:
    page = Page(written.read_text())
    assert "When compiling pays" in page.text
    assert list((written.parent / "figures").glob("synthetic_lite-package*-payoff.svg"))
    ledger = pd.read_csv(written.parent / "compile.csv")
    assert {"openvino", "executorch", "aotinductor"} <= set(ledger["runtime"]) and ledger["cpu_s"].gt(0).any()


def test_what_is_slower_than_eager_has_no_break_even(rows: pd.DataFrame) -> None:
    slower = rows[rows["speedup"] < 1]
    assert slower["break_even_inferences"].isna().all()
    faster = rows[(rows["speedup"] > 1.01) & (rows["runtime"] != "pytorch")]
    assert len(faster) and faster["break_even_inferences"].notna().all()
