"""The table from synthetic records: columns, statuses, reasons, and figures recomputed here from the raw samples."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scripts.report import check, summarise
from scripts.report.columns import read_results
from tests.unit.records_factory import HOST, OTHER_HOST, build_tree

CONTRACT = """
    host, model, weights, runtime, precision, variant, device, shape, batch, image_size, mode, threads, gflop,
    parameters, torch_build, session, status, reason, trials, samples, disturbed_trials, host_phase, verdict,
    median_ms, median_lo_ms, median_hi_ms, p10_ms, p10_lo_ms, p10_hi_ms, mean_ms, trimmed_mean_ms, std_ms, p90_ms,
    p90_lo_ms, p90_hi_ms, p99_ms, p99_lo_ms, p99_hi_ms, p999_ms, tail_ratio, execute_ms, device_ms, copy_share,
    throughput_per_s, throughput_lo_per_s, throughput_hi_per_s, saturation_batch, streams, speedup, speedup_lo,
    speedup_hi, device_speedup, device_speedup_lo, device_speedup_hi, finals_ms, finals_lo_ms, finals_hi_ms,
    finals_location, finals_speedup, finals_speedup_lo, finals_speedup_hi, rank_set, pareto, convert_s,
    convert_rss_mb, compile_s, compile_cpu_s, compile_cache, compile_warmth, break_even_inferences, break_even_lo,
    break_even_hi, import_s, load_s, first_call_s, cold_start_s, cold_start_lo_s, cold_start_hi_s, artifact_bytes,
    peak_rss_mb, peak_rss_import_mb, peak_rss_load_mb, peak_rss_run_mb, gpu_mem_mb, energy_j, energy_reason,
    power_w, gpu_util_pct, tflops, peak_share, peak_share_spec, bound, placement, max_abs_error, sqnr_db,
    int8_share, top1_agreement, top1_accuracy, top1_accuracy_lo, top1_accuracy_hi, labelled, photos_lost,
    photos_gained, mcnemar_p, gate, artifact_sha256
""".replace(",", " ").split()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The root of a whole synthetic tree."""
    build_tree(tmp_path)
    return tmp_path


def table(root: Path) -> pd.DataFrame:
    """What summarise makes of the tree."""
    csv, parquet = root / "reports" / "results.csv", root / "reports" / "results.parquet"
    plan = root / "artifacts" / "plan.json"
    arguments = ["--plan", plan, "--artifacts", root / "artifacts", "--csv", csv, "--parquet", parquet]
    arguments += ["--compile-csv", csv.with_name("compile.csv")]
    assert summarise.main([str(argument) for argument in arguments]) == 0
    return read_results(csv)


def one(results: pd.DataFrame, **cells: object) -> pd.Series:
    """The only row with these cells."""
    wanted = {"host": HOST, "batch": 1, "variant": "default"} | cells
    found = results[np.logical_and.reduce([results[name] == value for name, value in wanted.items()])]
    assert len(found) == 1, found
    return found.iloc[0]


def trial_files(root: Path, runtime: str, batch: int = 1, model: str = "synthetic_lite") -> list[Path]:
    """Records of a row's trials on this host."""
    return sorted(
        (root / "artifacts" / "hosts" / HOST).glob(f"{model}.*/{runtime}/*/*/trials/b{batch}x224.latency/*.json")
    )


def edit(path: Path, **values: object) -> None:
    """Change a record."""
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_columns_are_the_contract_in_both_files(tree: Path) -> None:
    results = table(tree)
    assert list(results.columns) == CONTRACT
    parquet = pd.read_parquet(tree / "reports" / "results.parquet")
    assert list(parquet.columns) == CONTRACT
    pd.testing.assert_frame_equal(parquet, results, check_dtype=False)


def test_rows_of_the_plan_come_first_then_other_hosts(tree: Path) -> None:
    results = table(tree)
    plan = json.loads((tree / "artifacts" / "plan.json").read_text())
    keys = [(row["runtime"], row["variant"], row["batch"], row["model"]) for row in plan["rows"]]
    here = results[results["host"] == HOST]
    assert [tuple(row) for row in here[["runtime", "variant", "batch", "model"]].itertuples(index=False)] == keys
    assert list(results["host"]) == [HOST] * len(keys) + [OTHER_HOST] * 12
    other = one(results, host=OTHER_HOST, runtime="openvino")
    assert (other["shape"], other["threads"], other["image_size"], other["mode"]) == ("b1x224", 2, 224, "latency")
    assert other["status"] == "ok" and other["convert_s"] == 17


def test_times_are_those_of_the_raw_samples(tree: Path) -> None:
    cells = one(table(tree), runtime="onnxruntime", model="synthetic_lite", batch=8)
    raw = [np.load(path.with_suffix(".npz")) for path in trial_files(tree, "onnxruntime", 8)]
    totals = [(r["put"] + r["execute"] + r["get"]) / 1e6 for r in raw]
    logs = np.log([np.median(t) for t in totals])
    half = 2.776445 * logs.std(ddof=1) / math.sqrt(5)
    assert cells["median_ms"] == pytest.approx(np.exp(logs.mean()), rel=1e-5)
    bounds = (np.exp(logs.mean() - half), np.exp(logs.mean() + half))
    assert (cells["median_lo_ms"], cells["median_hi_ms"]) == pytest.approx(bounds, rel=1e-5)
    assert cells["mean_ms"] == pytest.approx(np.exp(np.log([t.mean() for t in totals]).mean()), rel=1e-5)
    middles = [np.sort(t)[len(t) // 10 : len(t) - len(t) // 10].mean() for t in totals]
    assert cells["trimmed_mean_ms"] == pytest.approx(np.exp(np.log(middles).mean()), rel=1e-5)
    assert cells["std_ms"] == pytest.approx(np.sqrt(np.mean([t.var(ddof=1) for t in totals])), rel=1e-5)
    ordered = np.sort(np.concatenate(totals))
    assert (cells["p90_ms"], cells["p99_ms"]) == pytest.approx((ordered[539], ordered[593]), rel=1e-5)
    execute = np.exp(np.log([np.median(r["execute"] / 1e6) for r in raw]).mean())
    assert cells["execute_ms"] == pytest.approx(execute, rel=1e-5)
    assert cells["copy_share"] == pytest.approx(0.03, abs=1e-3)
    assert cells["throughput_per_s"] == pytest.approx(8000 / cells["median_ms"], rel=1e-5)
    assert (cells["trials"], cells["samples"]) == (5, 600)


def test_speedup_is_against_eager_pytorch_under_the_same_workload(tree: Path) -> None:
    results = table(tree)
    for batch in (1, 8):
        eager = one(results, runtime="pytorch", model="synthetic_lite", batch=batch)
        fast = one(results, runtime="openvino", model="synthetic_lite", batch=batch)
        assert eager["speedup"] == 1
        assert fast["speedup"] == pytest.approx(eager["p10_ms"] / fast["p10_ms"], rel=1e-4)
        assert fast["speedup_lo"] < fast["speedup"] < fast["speedup_hi"]
    there = one(results, runtime="openvino", host=OTHER_HOST)
    base = one(results, runtime="pytorch", host=OTHER_HOST)
    assert there["speedup"] == pytest.approx(base["p10_ms"] / there["p10_ms"], rel=1e-4)


def test_no_speedup_without_a_sound_baseline(tree: Path) -> None:
    for path in trial_files(tree, "pytorch"):
        edit(path, status="crashed", reason="crashed with SIGSEGV")
    results = table(tree)
    assert pd.isna(one(results, runtime="openvino", model="synthetic_lite")["speedup"])
    assert one(results, runtime="openvino", model="synthetic_lite", batch=8)["speedup"] > 1


def test_costs_follow_the_whole_way_from_the_checkpoint(tree: Path) -> None:
    results = table(tree)
    costs = {
        name: tuple(one(results, runtime=name, model="synthetic_lite")[["convert_s", "compile_s"]].fillna(-1))
        for name in ("pytorch", "torchscript", "onnxruntime", "openvino", "aotinductor")
    }
    assert costs == {
        "pytorch": (0, -1), "torchscript": (8, -1), "onnxruntime": (9, 0.6), "openvino": (17, 0.6),
        "aotinductor": (0, 31),
    }  # fmt: skip
    assert one(results, runtime="openvino", model="synthetic_lite")["compile_cache"] == "miss"


def test_size_counts_a_checkpoints_network_once(tree: Path) -> None:
    results = table(tree)
    assert one(results, runtime="pytorch", model="synthetic_lite")["artifact_bytes"] == 18_800_000
    described = tree / "artifacts/portable/synthetic_lite.package/checkpoint/fp32.default/dyn/files/model.json"
    edit(described, build="program.pt2")
    edit(
        described.parents[1] / "artifact.json", bytes=50,
        files={"weights.pt": {"sha256": "0", "bytes": 10}, "program.pt2": {"sha256": "1", "bytes": 40}},
    )  # fmt: skip
    assert one(table(tree), runtime="pytorch", model="synthetic_lite")["artifact_bytes"] == 40


def test_memory_is_the_peak_over_phases_without_the_interpreter(tree: Path) -> None:
    results = table(tree)
    assert one(results, runtime="pytorch", model="synthetic_lite")["peak_rss_mb"] == 290 - 31
    assert one(results, runtime="litert", model="synthetic_lite")["peak_rss_mb"] == 120 - 31


@pytest.mark.parametrize(
    ("runtime", "status", "reason"),
    [
        ("executorch", "failed", "convert: RuntimeError: synthetic operator not lowered"),
        ("torch_compile", "crashed", "compile: crashed with SIGSEGV"),
        ("aotinductor", "unsupported", "Inductor needs g++, which is not installed here"),
        ("litert", "oom", "measure: took more than 4000 MB of memory (the limit under `limits:`)"),
    ],
)
def test_what_stopped_a_row_is_its_status_and_reason(tree: Path, runtime: str, status: str, reason: str) -> None:
    cells = one(table(tree), model="synthetic_resnet", runtime=runtime)
    assert (cells["status"], cells["reason"], cells["trials"], cells["samples"]) == (status, reason, 0, 0)
    assert pd.isna(cells["median_ms"]) and pd.isna(cells["speedup"])


def test_rows_that_need_another_machine_say_so(tree: Path) -> None:
    results = table(tree)
    assert one(results, runtime="tensorrt")["status"] == "not_run"
    built = one(results, runtime="tensorrt_rtx")
    assert (built["status"], built["reason"]) == ("not_run", "built; not run here: no NVIDIA GPU")
    assert built["compile_s"] == 0.6 and built["artifact_bytes"] == 19_300_000


def test_good_trials_are_kept_beside_bad_ones(tree: Path) -> None:
    cells = one(table(tree), model="synthetic_resnet", runtime="openvino")
    assert (cells["status"], cells["trials"], cells["samples"]) == ("timeout", 4, 480)
    assert cells["reason"].startswith("1 of 5 trials timed out; the figures are from the 4 that measured.")
    assert cells["median_ms"] > 0
    assert pd.isna(cells["p90_ms"]) and pd.isna(cells["p99_ms"])  # 480 samples, but 4 trials


def test_degraded_rows_keep_their_figures(tree: Path) -> None:
    cells = one(table(tree), model="synthetic_resnet", runtime="onnxruntime", variant="no_spin")
    assert (cells["status"], cells["trials"]) == ("degraded", 5)
    assert cells["median_ms"] > 0 and "provider" in cells["reason"]


def test_ok_rows_have_no_reason_and_a_gate(tree: Path) -> None:
    results = table(tree)
    ran = results[results["status"] == "ok"]
    assert ran["reason"].isna().all()
    assert set(ran["gate"]) == {"pass", "numeric", "fail"}
    assert one(results, model="synthetic_resnet", runtime="torchscript")["gate"] == "fail"


@pytest.mark.parametrize("content", [None, "not json", '{"schema": 99, "status": "ok"}'])
def test_a_record_that_cannot_be_read_fails_its_row_alone(tree: Path, content: str | None) -> None:
    before = table(tree)
    path = trial_files(tree, "openvino")[2]
    path.unlink() if content is None else path.write_text(content)
    after = table(tree)
    cells = one(after, runtime="openvino", model="synthetic_lite")
    assert (cells["status"], cells["trials"]) == ("failed", 4)
    assert str(path) in cells["reason"] and "run `make` again" in cells["reason"]
    changed = (before["status"] != after["status"]).sum()
    assert changed == 1


def test_raw_samples_that_cannot_be_read_fail_their_trial(tree: Path) -> None:
    path = trial_files(tree, "openvino")[0].with_suffix(".npz")
    path.write_bytes(path.read_bytes()[:100])
    cells = one(table(tree), runtime="openvino", model="synthetic_lite")
    assert (cells["status"], cells["trials"]) == ("failed", 4)
    assert f"the raw samples at {path} cannot be read" in cells["reason"]


def test_one_trial_has_no_interval_and_no_quantile(tmp_path: Path) -> None:
    build_tree(tmp_path, trials=1, samples=5000)
    cells = one(table(tmp_path), runtime="pytorch", model="synthetic_lite")
    assert cells["median_ms"] > 0
    assert cells[["median_lo_ms", "median_hi_ms", "p90_ms", "p99_ms"]].isna().all()


def test_a_network_without_images_has_no_image_size(tree: Path) -> None:
    home = tree / "artifacts" / "hosts" / "third" / "mixer.file" / "onnxruntime" / "fp32.default.cpu" / "dyn"
    for name in ("verify", "trials"):
        source = trial_files(tree, "onnxruntime")[0].parents[2] / name
        for path in source.rglob("*"):
            if path.is_file():
                target = home / name / str(path.relative_to(source)).replace("b1x224", "b1").replace("b8x224", "b8")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    cells = one(table(tree), host="third")
    assert pd.isna(cells["image_size"]) and (cells["model"], cells["weights"]) == ("mixer", "file")
    assert cells["median_ms"] > 0


def test_equal_records_give_equal_bytes_and_no_leftovers(tree: Path) -> None:
    table(tree)
    reports = tree / "reports"
    first = {path.name: path.read_bytes() for path in reports.iterdir()}
    table(tree)
    assert {path.name: path.read_bytes() for path in reports.iterdir()} == first
    assert set(first) == {"results.csv", "results.parquet", "compile.csv"}


def test_a_missing_plan_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="plan.json does not exist: run `make` first"):
        table(tmp_path)


def run_check(root: Path) -> int:
    table(root)
    arguments = ["--csv", root / "reports/results.csv", "--plan", root / "artifacts/plan.json"]
    return check.main([str(a) for a in [*arguments, "--report", "reports/report.html", "--ok", root / "ok.txt"]])


def test_check_lists_what_failed_with_reason_and_log(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "ok.txt").write_text("from an earlier run")
    assert run_check(tree) == 1
    said = capsys.readouterr().out
    assert not (tree / "ok.txt").exists()
    assert "8 rows failed:" in said
    assert "ExecuTorch, batch 1, 8: failed: convert: RuntimeError: synthetic operator not lowered" in said
    logs = [Path(line.split("log: ")[1]) for line in said.splitlines() if "log: " in line]
    assert len(logs) == 4 and all(log.is_file() for log in logs)
    assert "AOTInductor, batch" not in said  # unsupported is a result


def test_check_says_the_answer_when_all_went_well(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = tree / "artifacts" / "plan.json"
    rows = [row for row in json.loads(plan.read_text())["rows"] if row["model"] == "synthetic_lite"]
    edit(plan, rows=rows)
    assert run_check(tree) == 0
    said = capsys.readouterr().out
    assert (tree / "ok.txt").read_text() == said
    assert said.startswith("synthetic_lite: latency: ONNX Runtime wins the finals (p10 5.")
    assert "TensorRT" in said and said.endswith("why the others are not it: reports/report.html\n")
    assert len(said.splitlines()) <= 6
