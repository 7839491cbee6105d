"""The page from synthetic records: self-contained, the answer first, nothing left out."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from scripts.report import figures
from scripts.report.columns import read_results
from scripts.report.palette import RUNTIME, colour
from scripts.report.wording import count, listed, number, percent, percents, seconds, slower_between, slower_by, span
from tests.unit.records_factory import HOST, OTHER_HOST, build_tree
from tests.unit.report_page import Page, table_of, write, written

__all__ = ["written"]


def edit_plan(root: Path, keep: object) -> None:
    """Keep those rows of the plan for which `keep` is true."""
    path = root / "artifacts" / "plan.json"
    plan = json.loads(path.read_text())
    plan["rows"] = [row for row in plan["rows"] if keep(row)]  # type: ignore[operator]
    path.write_text(json.dumps(plan))


@pytest.fixture(scope="module")
def page(written: Path) -> Page:
    """The same, parsed."""
    return Page(written.read_text())


def test_it_needs_no_network_and_no_other_file(page: Page) -> None:
    assert all(reference.startswith(("#", "data:")) for reference in page.references)
    assert not re.search(r"https?:|@import|url\((?!#)", page.html)
    assert "default-src 'none'" in page.html


def test_every_reference_has_its_target_and_ids_are_unique(page: Page) -> None:
    assert len(page.ids) == len(set(page.ids))
    inner = {reference[1:] for reference in page.references if reference.startswith("#")}
    inner |= set(re.findall(r"url\(#([^)]+)\)", page.html))
    assert inner <= set(page.ids)


def test_the_answer_comes_before_everything_else(page: Page) -> None:
    start = page.text.index("Which artifact to deploy on synthetic-desktop")
    answer = page.text.index("Deploy ONNX Runtime for latency: ")
    assert start < answer < page.text.index("All candidates of") < page.text.index("How it was measured", answer)
    assert "times as fast as eager PyTorch" in page.text
    assert "95 % interval" in page.text


def test_every_row_is_in_its_networks_table(page: Page) -> None:
    tables = [table for table in page.tables if table.caption.startswith("All candidates of")]
    assert [len(table.rows) - 1 for table in tables] == [20, 18]
    first = table_of(page, "All candidates of synthetic_lite")[0]
    assert (first["Candidate"], first["Batch"], first["Outcome"], first["Gate"]) == ("ONNX Runtime", "1", "ran", "pass")


def test_p10_and_median_stand_side_by_side_with_their_intervals(written: Path, page: Page) -> None:
    table = read_results(written.parent / "results.csv")
    cells = table[(table["runtime"] == "litert") & (table["batch"] == 8) & (table["model"] == "synthetic_lite")].iloc[0]
    shown = next(
        row
        for row in table_of(page, "All candidates of synthetic_lite")
        if (row["Candidate"], row["Batch"]) == ("LiteRT", "8")
    )
    for head, name in (("p10|ms", "p10"), ("Median|ms", "median")):
        point, lo, hi = (number(cells[f"{name}_{end}ms"]) for end in ("", "lo_", "hi_"))
        assert shown[head] == f"{point}|{lo} to {hi}"
    assert shown["Verdict"] == cells["verdict"]


def test_every_verdict_has_its_sentence(written: Path, page: Page) -> None:
    table = read_results(written.parent / "results.csv")
    words = table[(table["host"] == HOST) & table["verdict"].notna()]["verdict"]
    told = re.findall(r"<li><b>[^<]+, batch \d: (\w+)\.</b> ([A-Z][^<]+\.)</li>", page.html)
    assert len(words) == 26 and sorted(words) == sorted(word for word, _ in told)


@pytest.mark.parametrize(
    "reason",
    [
        "Built; not run here: no NVIDIA GPU.",
        "No NVIDIA GPU on this host; on one with it this row runs.",
        "Compile: crashed with SIGSEGV.",
        "Inductor needs g++, which is not installed here.",
        "Convert: RuntimeError: synthetic operator not lowered.",
        "Asked for a provider that is absent, ran on another.",
        "1 of 5 trials timed out; the figures are from the 4 that measured.",
        "SQNR in dB is 12.4, the limit 80",
        "another class comes first for labelled/synthetic.jpg",
    ],
)
def test_what_did_not_run_or_pass_is_there_with_its_reason(page: Page, reason: str) -> None:
    (table,) = (table for table in page.tables if table.caption.startswith("Candidates that did not run"))
    assert any(reason in row[-1] for row in table.rows)


def test_untrained_weights_are_marked_in_every_table(page: Page) -> None:
    about = [table for table in page.tables if "synthetic_resnet" in "".join(sum(table.rows, [table.caption]))]
    assert len(about) == 6  # its own, four parts of details, and the one of reasons; it was measured on one host only
    assert all("untrained weights" in table.caption for table in about)
    start = page.html.index("Its weights are not trained")
    rivals = [
        t for t in Page(page.html[page.html.index("<body>") :].replace("</html>", "")).tables if t.kind == "rivals"
    ]
    own = next(table for table in about if "All candidates of" in table.caption)
    assert not any(cell.startswith("Accuracy") for cell in own.rows[0]), "of fresh weights it says nothing"
    assert start and sum("untrained weights" in table.caption for table in rivals) >= 2
    assert all("untrained" not in table.caption for table in page.tables if "synthetic_lite" in table.caption)


def test_degraded_and_gated_candidates_never_win(page: Page) -> None:
    ledes = re.findall(r'<p class="lede">(.*?)</p>', page.html)
    assert len(ledes) == 2
    assert all("no_spin" not in lede and "TorchScript" not in lede for lede in ledes)


def test_hosts_versions_threads_and_conditions_are_told(page: Page) -> None:
    for text in (
        "Synthetic CPU (test records)",
        OTHER_HOST,
        "synthetic-toolchain 1.0",
        "2 (read back: 2)",
        "Load average",
    ):
        assert text in page.text
    (machines,) = (table for table in page.tables if table.caption == "synthetic_lite, ms; a dash: not asked for there")
    assert machines.rows[0][2:] == ["synthetic-desktop", OTHER_HOST]


def test_figures_are_files_too_and_the_same_each_time(written: Path) -> None:
    folder = written.parent / "figures"
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert len(first) == 16  # six of each network, and the finals of each of its workloads
    for content in first.values():
        assert ElementTree.fromstring(content).tag.endswith("svg")
        assert b"<dc:date>" not in content
    html = written.read_bytes()
    write(written.parents[1])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first
    assert written.read_bytes() == html
    assert sorted(path.name for path in written.parent.iterdir()) == [
        "compile.csv",
        "figures",
        "report.html",
        "results.csv",
        "results.parquet",
    ]


def test_when_nothing_may_win_the_page_says_why(tmp_path: Path) -> None:
    build_tree(tmp_path)
    edit_plan(tmp_path, lambda row: row["runtime"] in ("torch_compile", "executorch") and row["weights"] == "untrained")
    text = Page(write(tmp_path).read_text()).text
    assert "No candidate of synthetic_resnet could be measured on synthetic-desktop" in text
    assert "Compile: crashed with SIGSEGV." in text


def test_a_single_trial_is_shown_without_false_precision(tmp_path: Path) -> None:
    build_tree(tmp_path, trials=1, batches=(1,), rounds=0)
    edit_plan(tmp_path, lambda row: row["weights"] != "untrained")
    text = Page(write(tmp_path).read_text()).text
    assert "no interval from a single trial" in text
    assert "One trial shows no spread" in text
    assert "Deploy " not in text


def test_names_from_outside_cannot_break_the_page(tmp_path: Path) -> None:
    build_tree(tmp_path)
    for path in (tmp_path / "artifacts").rglob("trial-*.json"):
        record = json.loads(path.read_text())
        if record["status"] == "oom":
            path.write_text(json.dumps(record | {"reason": "<script>alert(1)</script> & <b>"}))
    html = write(tmp_path).read_text()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;" in html
    Page(html)


def test_each_runtime_has_its_own_colour() -> None:
    assert len(set(RUNTIME.values())) == len(RUNTIME)
    bar = figures.Bar("A", "openvino", (1.0, 0.9, 1.1, 1.2))
    assert colour("openvino").lower() in figures.points([bar], "ms")
    assert colour("unheard_of") not in RUNTIME.values()


def test_a_wide_range_of_times_is_drawn_on_a_logarithmic_axis() -> None:
    near, far = (figures.Bar("A", "pytorch", (v, v, v, v)) for v in (1.0, 30.0))
    assert "log scale" in figures.points([near, far], "ms")
    assert "log scale" not in figures.points([near, near], "ms")


def test_numbers_are_written_for_people() -> None:
    assert percents(0.0, 0.061) == "0 to 6.10 %" and percents(None, 0.5) == ""
    assert [number(v) for v in (5.3123, 41.26, 1234.5, 0.04567, 0, None)] == [
        "5.31",
        "41.3",
        "1,234",
        "0.0457",
        "0",
        "",
    ]
    assert [percent(v) for v in (1.0, 0.9153, None)] == ["100 %", "91.5 %", ""]
    assert [slower_by(v) for v in (1.042, 0.96, 3.8)] == ["+4.2 %", "−4.0 %", "3.8 times"]
    assert [slower_between(0.96, 1.1), slower_between(0.96, 2.5)] == ["−4.0 to +10.0 %", "0.96 to 2.5 times"]
    assert slower_between(1e-9, 1e9) == "under 0.01 to over 1,000 times"
    assert slower_between(3.91, 3.94) == "3.91 to 3.94 times"
    assert [span(5.213, 5.432), span(0.012606, 0.012632), span(2.0, 2.0), span(1.0, None)] == [
        "5.21 to 5.43",
        "0.01261 to 0.01263",
        "2.00 to 2.00",
        "",
    ]
    assert [seconds(v) for v in (0.21, 200)] == ["0.210 s", "3 min 20 s"]
    assert [count(1, "trial"), count(2, "process")] == ["1 trial", "2 processes"]
    assert [listed(["a"]), listed(["a", "b", "c"]), listed([])] == ["a", "a, b and c", ""]
