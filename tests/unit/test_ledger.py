"""The ledger of compilations: what it cost, and whose time it was."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from scripts.report import ledger
from scripts.report.rows import all_rows, read_plan
from tests.unit.records_factory import HOST, build_tree


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    build_tree(tmp_path)
    return tmp_path / "artifacts"


def of_openvino(artifacts: Path, **changes: Any) -> pd.DataFrame:
    """The ledger's rows of OpenVINO on this host, after `changes` to what their compilation left."""
    for path in (artifacts / "hosts" / HOST / "synthetic_lite.package").glob("openvino/*/*/compiled/build.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    table = ledger.frame(all_rows(read_plan(artifacts / "plan.json"), artifacts))
    own = table["host"].eq(HOST) & table["model"].eq("synthetic_lite") & table["runtime"].eq("openvino")
    found = table[own]
    assert len(found) and found["artifact_sha256"].is_unique
    return found


def test_alone_it_is_wall_time_beside_others_only_cpu_time(artifacts: Path) -> None:
    assert of_openvino(artifacts)["wall_s"].notna().all()
    beside = of_openvino(artifacts, concurrent=True, others_cpu_s=3.0)
    assert beside["wall_s"].isna().all() and beside["cpu_s"].notna().all() and (beside["others_cpu_s"] == 3.0).all()


def test_how_it_came_about(artifacts: Path) -> None:
    assert set(of_openvino(artifacts, warmth="cold")["how"]) == {"cold"}
    assert set(of_openvino(artifacts, warmth="warm")["how"]) == {"warm"}
    served = of_openvino(artifacts, warmth="warm", cache="hit", host="elsewhere", date="2026-01-01")
    assert set(served["how"]) == {"served"} and set(served["warmth"]) == {"warm"}
    assert set(served["made_on"]) == {"elsewhere"} and set(served["date"]) == {"2026-01-01"}


def test_an_export_that_compiles_is_in_it_and_what_compiles_nothing_is_not(artifacts: Path) -> None:
    table = ledger.frame(all_rows(read_plan(artifacts / "plan.json"), artifacts))
    assert {"executorch", "openvino", "torch_compile"} <= set(table["runtime"])
    assert not {"pytorch", "torchscript", "litert"} & set(table["runtime"])
