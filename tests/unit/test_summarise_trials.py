"""What the table says of trials, finals and loads, recomputed here from the raw samples and records."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.unit.records_factory import HOST, build_tree
from tests.unit.test_summarise import edit, one, table, trial_files


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A synthetic tree with all modes at batch 8."""
    build_tree(tmp_path, batches=(8,), modes=("latency", "throughput", "serving"))
    return tmp_path


def lite(results: pd.DataFrame, runtime: str, mode: str = "latency") -> pd.Series:
    """The row of a runtime."""
    return one(results, runtime=runtime, model="synthetic_lite", batch=8, mode=mode)


def totals(path: Path) -> np.ndarray:
    """Milliseconds of each request of a trial."""
    raw = np.load(path)
    return (raw["put"] + raw["execute"] + raw["get"]) / 1e6


def test_p10_is_the_fast_location_of_each_trial(tree: Path) -> None:
    cells = lite(table(tree), "litert")
    logs = np.log(
        [np.quantile(totals(path.with_suffix(".npz")), 0.1) for path in trial_files(tree, "litert", 8)],
    )
    half = 2.776445 * logs.std(ddof=1) / np.sqrt(5)
    expected = np.exp([logs.mean(), logs.mean() - half, logs.mean() + half])
    assert list(cells[["p10_ms", "p10_lo_ms", "p10_hi_ms"]]) == pytest.approx(list(expected), rel=1e-5)


def test_speedup_is_paired_within_rounds(tree: Path) -> None:
    cells = lite(table(tree), "litert")
    logs = [
        np.log([np.quantile(totals(path.with_suffix(".npz")), 0.1) for path in trial_files(tree, name, 8)])
        for name in ("pytorch", "litert")
    ]
    apart = logs[0] - logs[1]
    half = 2.776445 * apart.std(ddof=1) / np.sqrt(5)
    expected = np.exp([apart.mean(), apart.mean() - half, apart.mean() + half])
    assert list(cells[["speedup", "speedup_lo", "speedup_hi"]]) == pytest.approx(list(expected), rel=1e-5)


def test_a_speedup_over_rows_of_another_session_has_no_interval(tree: Path) -> None:
    for path in trial_files(tree, "litert", 8):
        edit(path, session="another")
    cells = lite(table(tree), "litert")
    assert cells["speedup"] > 1 and cells[["speedup_lo", "speedup_hi"]].isna().all()


def test_items_per_second_are_those_of_the_window(tree: Path) -> None:
    cells = lite(table(tree), "openvino", "throughput")
    folder = trial_files(tree, "openvino", 8)[0].parents[1] / "b8x224.throughput"
    rates = [8e9 * len(raw["finished"]) / raw["window_ns"][0] for raw in map(np.load, sorted(folder.glob("*.npz")))]
    half = stats.t.ppf(0.975, len(rates) - 1) * np.std(np.log(rates), ddof=1) / np.sqrt(len(rates))
    expected = np.exp(np.mean(np.log(rates)) + np.array([0, -half, half]))
    names = ["throughput_per_s", "throughput_lo_per_s", "throughput_hi_per_s"]
    assert list(cells[names]) == pytest.approx(list(expected), rel=1e-5)
    assert cells["streams"] == 2


def test_rows_under_load_hold_no_latency(tree: Path) -> None:
    results = table(tree)
    under_load = results[results["mode"] != "latency"]
    timed = [name for name in results.columns if name.endswith("_ms") and not name.startswith("finals")]
    assert len(under_load[under_load["status"] == "ok"]) == 16
    assert under_load[timed].isna().all(axis=None) and under_load["tail_ratio"].isna().all()


def test_finals_rank_those_that_took_part_and_nobody_else(tree: Path) -> None:
    results = table(tree)
    record = json.loads((tree / "artifacts/hosts" / HOST / "finals/finals.json").read_text())
    question = next(q for q in record["questions"] if (q["model"], q["mode"]) == ("synthetic_lite", "latency"))
    ranks = {
        each["runtime"]: lite(results, each["runtime"])["rank_set"]
        for each in question["finalists"]
        if not each["guest"]
    }
    assert ranks == {"onnxruntime": 1, "openvino": 1, "executorch": 2}
    assert pd.isna(lite(results, "litert")["rank_set"]) and pd.isna(lite(results, "litert")["finals_ms"])
    cells = lite(results, "executorch")
    folder = tree / "artifacts/hosts" / HOST / "finals"
    trials = next(each for each in question["finalists"] if each["runtime"] == "executorch")["trials"]
    logs = [np.log(np.quantile(totals(folder / trial["raw"]), 0.1)) for trial in trials]
    assert cells["finals_ms"] == pytest.approx(np.exp(np.mean(logs)), rel=1e-5)
    assert cells["finals_lo_ms"] < cells["finals_ms"] < cells["finals_hi_ms"] and cells["finals_location"] == "p10"


def test_speed_ups_of_the_finals_are_against_their_guest(tree: Path) -> None:
    results = table(tree)
    cells, guest = lite(results, "executorch"), lite(results, "pytorch")
    assert pd.isna(guest["rank_set"]) and pd.isna(guest["finals_ms"]) and pd.isna(guest["finals_speedup"])
    record = json.loads((tree / "artifacts/hosts" / HOST / "finals/finals.json").read_text())
    question = next(q for q in record["questions"] if (q["model"], q["mode"]) == ("synthetic_lite", "latency"))
    folder = tree / "artifacts/hosts" / HOST / "finals"
    logs = {
        each["runtime"]: [np.log(np.quantile(totals(folder / trial["raw"]), 0.1)) for trial in each["trials"]]
        for each in question["finalists"]
    }
    ratio = np.exp(np.mean(np.subtract(logs["pytorch"], logs["executorch"])))
    assert cells["finals_speedup"] == pytest.approx(ratio, rel=1e-5)
    assert cells["finals_speedup_lo"] < ratio < cells["finals_speedup_hi"]


def test_memory_cold_start_energy_and_disturbances_come_from_the_records(tree: Path) -> None:
    for path in trial_files(tree, "onnxruntime", 8)[:4]:
        edit(path, energy={"joules": 96.0, "reason": None})
    results = table(tree)
    cells = lite(results, "pytorch")
    phases = list(cells[["peak_rss_import_mb", "peak_rss_load_mb", "peak_rss_run_mb"]])
    assert phases == [250 - 31, 120 - 31, 290 - 31]
    assert cells["cold_start_s"] == pytest.approx(1.3 + 0.2 + 0.06)
    assert cells["energy_reason"] == "no counter of energy can be read here" and pd.isna(cells["energy_j"])
    measured = lite(results, "onnxruntime")
    assert measured["energy_j"] == pytest.approx(96.0 / (120 * 8)) and pd.isna(measured["energy_reason"])
    assert lite(results, "litert")["disturbed_trials"] == 1 and cells["disturbed_trials"] == 0
    assert cells["placement"] == "66 of 66 nodes as asked"


def test_the_tail_is_a_ratio_of_the_same_requests(tree: Path) -> None:
    cells = lite(table(tree), "openvino")
    pooled = np.sort(np.concatenate([totals(path.with_suffix(".npz")) for path in trial_files(tree, "openvino", 8)]))
    assert cells["tail_ratio"] == pytest.approx(pooled[593] / pooled[299], rel=1e-5)
    assert cells[["p99_lo_ms", "p99_hi_ms", "p999_ms"]].isna().all()  # 5 trials of 120 requests cannot say


def test_ten_trials_give_quantiles_intervals(tmp_path: Path) -> None:
    build_tree(tmp_path, trials=10, samples=400, batches=(1,))
    cells = one(table(tmp_path), runtime="openvino", model="synthetic_lite")
    assert cells["p90_lo_ms"] <= cells["p90_ms"] <= cells["p90_hi_ms"]
    assert cells["p999_ms"] >= cells["p99_ms"] >= cells["p90_ms"]
