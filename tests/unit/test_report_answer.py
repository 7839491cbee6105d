"""The answer is that of the finals: one winner, or those that cannot be told apart, or plainly none."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from scripts.report import check, export, figures
from scripts.report.answers import questions
from scripts.report.columns import read_results
from scripts.report.figures import Bar
from scripts.report.views.answer import _between
from scripts.report.wording import slower_between, slower_by
from scripts.stats.best import Standing
from tests.unit.records_factory import HOST, build_tree
from tests.unit.report_page import Page, table_of, write


def lite_only(root: Path) -> None:
    """Leave only the trained network in the plan."""
    path = root / "artifacts" / "plan.json"
    plan = json.loads(path.read_text())
    plan["rows"] = [row for row in plan["rows"] if row["model"] == "synthetic_lite"]
    path.write_text(json.dumps(plan))


def built(root: Path, **how: object) -> Path:
    """A tree with the trained network alone."""
    build_tree(root, **how)  # type: ignore[arg-type]
    lite_only(root)
    return root


def page_of(root: Path) -> Page:
    """Its page."""
    return Page(write(root).read_text())


def ledes(page: Page) -> list[str]:
    """The first sentences of each network."""
    return [" ".join(text.split()) for text in re.findall(r'<p class="lede">(.*?)</p>', page.html, re.DOTALL)]


def finals_samples(root: Path, runtime: str, batch: int) -> list[Path]:
    """Raw files of a finalist."""
    folder = root / "artifacts" / "hosts" / HOST / "finals"
    record = json.loads((folder / "finals.json").read_text())
    return [
        folder / trial["raw"]
        for question in record["questions"]
        if question["batch"] == batch and question["model"] == "synthetic_lite"
        for finalist in question["finalists"]
        if finalist["runtime"] == runtime
        for trial in finalist["trials"]
    ]


def said_by_check(root: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What the run says at its end."""
    paths = {"csv": root / "reports/results.csv", "plan": root / "artifacts/plan.json", "ok": root / "ok.txt"}
    check.main(
        [text for name, path in paths.items() for text in (f"--{name}", str(path))] + ["--report", "report.html"]
    )
    return capsys.readouterr().out


@pytest.fixture(scope="module")
def lite(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Page, list[list[Bar]]]:
    """A winner at batch 1, a tie at batch 8: the tree, its page, and what was drawn of the finals."""
    root, drawn, draw = built(tmp_path_factory.mktemp("lite")), [], figures.ratios
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "ratios", lambda bars: (drawn.append(list(bars)), draw(bars))[1])
        page = page_of(root)
    return root, page, drawn


def compared(page: Page) -> list[list[list[str]]]:
    """The tiles' tables of the finals."""
    return [table.rows[1:] for table in page.tables if table.caption.startswith("Compared in the finals")]


def test_a_winner_is_named_with_those_told_apart_from_it(lite: tuple[Path, Page, list[list[Bar]]]) -> None:
    _, page, _ = lite
    assert ledes(page)[0].startswith("Deploy ONNX Runtime for latency: 5.")
    rows = compared(page)[0]
    assert [row[0].strip() for row in rows] == ["ONNX Runtime", "OpenVINO", "ExecuTorch"]
    assert rows[0][2] == "fastest"
    for row in rows[1:]:
        point, interval = row[2].split("|")
        lo, hi = re.fullmatch(r"\+([\d.]+) to \+([\d.]+) %", interval).groups()  # type: ignore[union-attr]
        assert 0 < float(lo) <= float(point.strip("+ %")) <= float(hi)


def test_a_tie_names_all_that_may_be_the_best(lite: tuple[Path, Page, list[list[Bar]]]) -> None:
    root, page, _ = lite
    assert "No single winner for throughput: " in ledes(page)[0]
    tied = re.search(r"throughput: ([\w ]+) and ([\w ]+) cannot be told apart", ledes(page)[0])
    assert tied and set(tied.groups()) == {"ONNX Runtime", "OpenVINO"}
    for row in compared(page)[1][:2]:
        assert re.search(r"\|up to \+[\d.]+ %$", row[2]), row
    table = read_results(root / "reports/results.csv")
    leaders = table[(table["rank_set"] == 1) & (table["batch"] == 8)]
    assert set(leaders["runtime"]) == {"onnxruntime", "openvino"}


def test_words_table_and_picture_have_the_same_intervals(lite: tuple[Path, Page, list[list[Bar]]]) -> None:
    _, page, drawn = lite
    assert len(drawn) == len(compared(page)) == 2
    for rows, bars in zip(compared(page), drawn, strict=True):
        for row, bar in zip(rows, bars, strict=True):
            ratio, lo, hi = bar.values
            assert row[0].strip() == bar.label
            assert row[2].split("|")[0] == (slower_by(ratio) if ratio > 1 else "fastest")
            shown = slower_between(lo, hi) if lo > 1 else f"up to {slower_by(hi)}" if hi > 1 else ""
            assert row[2].partition("|")[2] == shown
            assert bar.bold == (lo == 1)


def test_terminal_and_page_name_the_same(
    lite: tuple[Path, Page, list[list[Bar]]], capsys: pytest.CaptureFixture[str]
) -> None:
    said = said_by_check(lite[0], capsys)
    assert said.startswith("synthetic_lite: latency: ONNX Runtime wins the finals (p10 5.")
    assert re.search(r"throughput: no single winner, the finals cannot tell [\w ]+ and [\w ]+ apart", said)
    names = re.search(r"cannot tell ([\w ]+) and ([\w ]+) apart", said)
    assert names and set(names.groups()) == {"ONNX Runtime", "OpenVINO"}


def test_a_finalist_that_fails_its_gate_cannot_win(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its verify record changed after the finals: the fastest is out, and the next is told from the third."""
    built(tmp_path)
    for path in (tmp_path / "artifacts/hosts" / HOST / "synthetic_lite.package/onnxruntime").rglob("verify.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"gate": "fail"}))
    page = page_of(tmp_path)
    assert "ONNX Runtime" not in ledes(page)[0]
    assert ledes(page)[0].startswith("Deploy OpenVINO")
    assert all("ONNX Runtime" not in row[0] for rows in compared(page) for row in rows)
    assert "latency: OpenVINO wins the finals" in said_by_check(tmp_path, capsys)


def test_without_finals_no_winner_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = page_of(built(tmp_path, rounds=0))
    assert ledes(page)[0].startswith("No winner for latency: the config asks for no finals (finals.rounds: 0).")
    assert "The fastest in the screen was ONNX Runtime" in ledes(page)[0]
    assert "Deploy " not in page.text and compared(page) == []
    assert "No finals decided between them" in page.text
    assert "latency: ONNX Runtime led the screen, without finals" in said_by_check(tmp_path, capsys)


def test_a_workload_that_the_finals_left_out_is_said(tmp_path: Path) -> None:
    built(tmp_path)
    path = tmp_path / "artifacts/hosts" / HOST / "finals/finals.json"
    record = json.loads(path.read_text())
    record["questions"] = [question for question in record["questions"] if question["batch"] != 1]
    path.write_text(json.dumps(record))
    page = page_of(tmp_path)
    assert ledes(page)[0].startswith("No winner for latency: no finals were held for this workload.")
    assert "No single winner for throughput" in ledes(page)[0]


def test_one_candidate_alone_is_not_called_a_winner(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    built(tmp_path, rounds=0, batches=(1,))
    path = tmp_path / "artifacts" / "plan.json"
    plan = json.loads(path.read_text())
    plan["rows"] = [row for row in plan["rows"] if row["runtime"] == "litert"]
    path.write_text(json.dumps(plan))
    page = page_of(tmp_path)
    assert ledes(page)[0].startswith(
        "LiteRT is the only candidate for latency that ran as asked and passed its gate: 5."
    )
    assert "there was nothing to compare with" in page.text and "Deploy " not in page.text
    assert "LiteRT is the only candidate" in said_by_check(tmp_path, capsys)


def test_on_an_unsteady_host_all_finalists_are_tied_and_the_page_says_why(tmp_path: Path) -> None:
    page = page_of(built(tmp_path, noise=0.5, finals_noise=0.8))
    assert ledes(page)[0].startswith("No single winner for latency: ")
    assert "this host was busy or unsteady" in page.text
    assert "Deploy " not in page.text


def test_where_p10_and_median_disagree_it_is_said(tmp_path: Path) -> None:
    """Every second request of the winner takes half as long again: its p10 stays, its median does not."""
    built(tmp_path)
    for path in finals_samples(tmp_path, "onnxruntime", 1):
        raw = dict(np.load(path))
        for values in raw.values():
            values[::2] = values[::2] * 1.5
            values[0:3] = values[0:3] * 1.5
        np.savez_compressed(path, **raw)
    page = page_of(tmp_path)
    assert ledes(page)[0].startswith("Deploy ONNX Runtime for latency: ")
    assert "p10 and median disagree: by the median, OpenVINO comes first, and is told apart." in page.text


def test_finals_that_were_cut_short_say_why(tmp_path: Path) -> None:
    built(tmp_path)
    path = tmp_path / "artifacts/hosts" / HOST / "finals/finals.json"
    record = json.loads(path.read_text())
    for question in record["questions"]:
        question |= {"rounds_asked": 20, "why_fewer": "5 minutes for all questions allowed no more"}
    path.write_text(json.dumps(record))
    text = page_of(tmp_path).text
    assert "measured afresh in 10 rounds" in text
    assert "20 rounds were asked for: 5 minutes for all questions allowed no more." in text


def test_an_export_takes_what_the_finals_put_first(tmp_path: Path) -> None:
    """At batch 1 of the screen OpenVINO is made to look fastest; the finals know better."""
    built(tmp_path)
    for path in (tmp_path / "artifacts/hosts" / HOST / "synthetic_lite.package/openvino").rglob("b1x224*/trial-*.npz"):
        raw = {name: (values * 0.7).astype(np.int64) for name, values in np.load(path).items()}
        np.savez_compressed(path, **raw)
    table = read_results(write(tmp_path).parent / "results.csv")
    chosen = export.choose(list(questions(table, HOST)), "synthetic_lite.package", None)
    assert chosen["runtime"] == "onnxruntime"
    assert table.loc[table["median_ms"].idxmin()]["runtime"] == "openvino"


def test_finalists_and_the_rest_are_kept_apart(lite: tuple[Path, Page, list[list[Bar]]]) -> None:
    _, page, _ = lite
    rest = [table for table in page.tables if table.caption.startswith("In the screen, measured apart from the finals")]
    assert [len(table.rows) - 1 for table in rest] == [5, 5]
    assert "5 others were slower in the screen and not in the finals" in page.text
    assert table_of(page, "All candidates of synthetic_lite")[0]["Candidate"] == "ONNX Runtime"


def test_who_is_told_apart_from_one_leader_only_is_called_slower() -> None:
    """Its interval begins at the best, since another leader may be that: the words must not say that it may be, too."""
    may_be, is_not, clear = (
        Standing("c", 1.07, lo, 1.147, leads, 10) for lo, leads in ((1, True), (1, False), (1.02, False))
    )
    assert [_between(each) for each in (may_be, is_not, clear)] == [
        "up to +14.7 %", "slower, up to +14.7 %", "+2.0 to +14.7 %",
    ]  # fmt: skip
