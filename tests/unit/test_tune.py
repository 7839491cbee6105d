"""Which scheme tuning keeps, and that the runs which follow take it up."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from scripts.core import plan, tuned
from scripts.core.catalogue import FORMATS, RUNTIMES
from scripts.core.config import load
from scripts.report import tune
from scripts.report.columns import read_results
from tests.unit.records_cases import Case
from tests.unit.records_factory import HOST, TRAINED, Tree

ROOT = Path(__file__).resolve().parents[2]
NAME = "synthetic_lite.package/onnxruntime/int8"


def tried(root: Path, cases: Sequence[Case], noise: float = 0.002) -> dict[str, str]:
    """Records of the schemes, tuned: what is kept."""
    tree = Tree(root, trials=5, samples=60, noise=noise)
    tree.network(*TRAINED)
    for case in cases:
        tree.case(HOST, *TRAINED, case, 1)
    config = {"artifacts": str(tree.artifacts), "measure": {"trials": 5, "location": "p10", "resolution": 0.05}}
    values = {"schema": 1, "host": HOST, "torch_build": "cpu", "config": config, "rows": tree.rows}
    (root / "plan.json").write_text(json.dumps(values))
    arguments = ["--plan", str(root / "plan.json"), "--csv", str(root / "tune.csv"), "--out", str(root / "tune.json")]
    assert tune.main(arguments) == 0
    kept: dict[str, str] = json.loads((root / "tune.json").read_text())["kept"]
    return kept


def int8(variant: str, slower: float, gate: str = "pass") -> Case:
    return Case("onnxruntime", variant, precision="int8", slower=slower, gate=gate)


def test_the_fastest_that_passes_is_kept_and_every_try_is_a_row(tmp_path: Path) -> None:
    cases = [int8("default", 0.5), int8("percentile", 0.4), int8("per_tensor", 0.2, gate="fail")]
    assert tried(tmp_path, cases) == {NAME: "percentile"}
    table = read_results(tmp_path / "tune.csv")
    assert dict(zip(table["variant"], table["gate"], strict=True)) == {
        "default": "pass", "percentile": "pass", "per_tensor": "fail",
    }  # fmt: skip
    assert tuned.read(tmp_path / "tune.json") == {NAME: "percentile"}


def test_the_usual_way_stays_where_the_difference_may_be_noise(tmp_path: Path) -> None:
    cases = [int8("symmetric", 0.7), int8("default", 0.5), int8("percentile", 0.499)]
    assert tried(tmp_path, cases, noise=0.05) == {NAME: "default"}


def test_where_the_usual_way_fails_another_takes_its_place(tmp_path: Path) -> None:
    assert tried(tmp_path, [int8("default", 0.3, gate="fail"), int8("mixed", 0.5)]) == {NAME: "mixed"}


def test_where_nothing_passes_nothing_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tried(tmp_path, [int8("default", 0.3, gate="fail")]) == {}
    assert f"{NAME}: no scheme passes its gate" in capsys.readouterr().out


def test_what_is_kept_is_a_candidate_of_the_next_run() -> None:
    asked = {"models": ["efficientnet_lite0"], "precisions": ["fp32", "int8"], "runtimes": ["onnxruntime"]}
    config = load(asked, ROOT).model_dump(mode="json")

    def variants(kept: dict[str, str]) -> list[str]:
        rows = plan.rows(config, "here", 2, (), kept)
        return [row.variant for row in rows if row.precision == "int8" and row.batch == 1]

    name = "efficientnet_lite0.package/onnxruntime/int8"
    assert variants({}) == variants({name: "default"}) == ["default"]
    assert variants({name: "mixed"}) == ["default", "mixed"]
    (row,) = (
        row for row in plan.rows(config, "here", 2, (), {name: "mixed"}) if (row.variant, row.batch) == ("mixed", 1)
    )
    assert row.paths("a")["portable"] == "a/portable/efficientnet_lite0.package/onnx_reduced/int8.mixed/dyn"


def test_a_scheme_that_is_no_longer_known_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "tune.json").write_text(json.dumps({"kept": {NAME: "gone", "x/nowhere/int8": "percentile"}}))
    assert tuned.read(tmp_path / "tune.json") == {}


def test_tuning_tries_the_usual_way_and_every_scheme() -> None:
    config = load({"precisions": "all"}, ROOT).model_dump(mode="json")
    rows = plan.tune_rows(config, "here", 2, ())
    assert {row.batch for row in rows} == {1} and {row.mode for row in rows} == {"latency"}
    found = {(row.runtime, row.variant) for row in rows}
    wanted = {
        (name, variant)
        for name, runtime in RUNTIMES.items()
        for variant in FORMATS[runtime.format_of("int8")].schemes.get("int8", ())
    }
    assert wanted and wanted <= found
    assert {(name, "default") for name, _ in wanted} == found - wanted
