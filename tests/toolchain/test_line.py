"""The whole line, really run on a small network: every runtime, verified, timed, reported."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from scripts.core.catalogue import RUNTIMES
from tests.toolchain.line import CONFIG, EIGHT, ROOT, by_runtime, lay, results, run

pytestmark = pytest.mark.alone

COLUMNS = [
    "host",
    "model",
    "weights",
    "runtime",
    "precision",
    "variant",
    "device",
    "shape",
    "batch",
    "image_size",
    "mode",
    "threads",
    "torch_build",
    "session",
    "status",
    "reason",
    "trials",
    "samples",
    "median_ms",
    "median_lo_ms",
    "median_hi_ms",
    "mean_ms",
    "p90_ms",
    "p99_ms",
    "execute_ms",
    "copy_share",
    "throughput_per_s",
    "speedup",
    "convert_s",
    "compile_s",
    "compile_cache",
    "import_s",
    "load_s",
    "first_call_s",
    "artifact_bytes",
    "peak_rss_mb",
    "max_abs_error",
    "sqnr_db",
    "top1_agreement",
    "top1_accuracy",
    "gate",
    "artifact_sha256",
    "p10_ms",
    "p10_lo_ms",
    "p10_hi_ms",
    "host_phase",
    "p90_lo_ms",
    "p90_hi_ms",
    "p99_lo_ms",
    "p99_hi_ms",
    "p999_ms",
    "verdict",
    "speedup_lo",
    "speedup_hi",
    "rank_set",
    "finals_ms",
    "finals_lo_ms",
    "finals_hi_ms",
    "finals_location",
    "cold_start_s",
    "cold_start_lo_s",
    "cold_start_hi_s",
    "peak_rss_import_mb",
    "peak_rss_load_mb",
    "peak_rss_run_mb",
    "placement",
    "disturbed_trials",
    "streams",
    "energy_j",
    "energy_reason",
    "tail_ratio",
]


@pytest.fixture(scope="session")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = lay(tmp_path_factory.mktemp("line") / "project", measure=CONFIG["measure"] | {"peaks": True})
    code, output = run(folder)
    assert code == 0, output
    assert "jobs to do" in output
    return folder


def test_all_eight_runtimes_are_ok_at_both_batches(line: Path) -> None:
    for batch in (1, 2):
        rows = by_runtime(line, batch)
        assert {name: rows[name]["status"] for name in EIGHT} == dict.fromkeys(EIGHT, "ok"), rows


def test_columns_are_the_contract(line: Path) -> None:
    assert set(COLUMNS) <= set(results(line)[0])


def test_untrained_weights_are_gated_on_numbers_and_called_untrained(line: Path) -> None:
    for name in EIGHT:
        row = by_runtime(line)[name]
        assert (row["weights"], row["gate"]) == ("untrained", "numeric") and float(row["sqnr_db"]) > 80


def test_tensorrt_says_why_it_did_not_run(line: Path) -> None:
    rows = by_runtime(line)
    assert (rows["tensorrt"]["status"], rows["tensorrt"]["reason"]) == ("not_run", "not run here: no NVIDIA GPU")
    assert rows["tensorrt_rtx"]["status"] == "not_run"
    assert rows["tensorrt_rtx"]["reason"] == "built; not run here: no NVIDIA GPU"
    assert int(rows["tensorrt_rtx"]["artifact_bytes"]) > 0


def test_figures_are_there_and_hold_together(line: Path) -> None:
    for row in results(line):
        if row["status"] != "ok":
            assert row["reason"] and not row["median_ms"]
            continue
        low, middle, high = (float(row[name]) for name in ("median_lo_ms", "median_ms", "median_hi_ms"))
        assert 0 < low <= middle <= high
        assert float(row["execute_ms"]) <= middle * 1.05
        assert 0 <= float(row["copy_share"]) < 1
        assert row["p99_ms"] == "", "two trials cannot support a p99"
        assert int(row["trials"]) == 2 and int(row["samples"]) >= 10
        assert abs(float(row["throughput_per_s"]) - int(row["batch"]) * 1000 / middle) < 0.01 * float(
            row["throughput_per_s"]
        )
        assert float(row["peak_rss_mb"]) > 0
        # PyTorch and its compilers start from the checkpoint itself: nothing is converted for them. ExecuTorch's
        # export compiles: what it takes is told as that.
        converted = row["runtime"] not in ("pytorch", "torch_compile", "aotinductor", "executorch")
        assert (float(row["convert_s"] or 0) > 0) == converted
        assert (float(row["compile_cpu_s"] or 0) > 0) == (row["compile_cache"] == "miss")
    assert float(by_runtime(line)["pytorch"]["speedup"]) == 1


def test_nothing_is_to_be_done_afterwards(line: Path) -> None:
    code, output = run(line, "all", "-n")
    assert code == 0 and "Nothing to be done" in output
    code, output = run(line)
    assert code == 0 and "Nothing to be done" in output


def test_slim_environments_hold_no_pytorch(line: Path) -> None:
    for name in ("onnxruntime", "openvino", "litert"):
        record = json.loads(next(line.glob(f"artifacts/hosts/*/environments/{name}.json")).read_text())
        assert record["status"] == "ok" and "torch" not in record["packages"]


def test_the_report_is_one_self_contained_page(line: Path) -> None:
    page = (line / "reports" / "report.html").read_text()
    assert "untrained" in page and "no NVIDIA GPU" in page
    for word in ("<script src=", '<link rel="stylesheet"', "url(http"):
        assert word not in page
    assert list((line / "reports" / "figures").glob("*.svg"))


def test_the_export_runs_alone(line: Path, tmp_path: Path) -> None:
    """In its runtime's environment, with the project out of reach, it gives the recorded outputs and reads a photo."""
    code, output = run(line, "export")
    assert code == 0, output
    folder = next(line.glob("reports/export/*/tiny.untrained"))
    alone = Path(shutil.copytree(folder, tmp_path / "alone"))
    chosen = json.loads((alone / "export.json").read_text())
    env = RUNTIMES[chosen["options"]["runtime"]].env
    python = json.loads(next(line.glob(f"artifacts/hosts/*/environments/{env}.json")).read_text())["python"]
    photo = str(next((ROOT / "data/photos/labelled").glob("*.jpg")))
    for arguments in (["--check"], [photo]):
        done = subprocess.run(
            [python, "run.py", *arguments], cwd=alone, env={}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    expected = alone / "expected.npz"
    arrays = dict(np.load(expected))
    np.savez(expected, **{k: v + 1 if k.startswith("output") else v for k, v in arrays.items()})
    done = subprocess.run([python, "run.py", "--check"], cwd=alone, env={}, capture_output=True, text=True, check=False)
    assert done.returncode != 0, "the check passes whatever comes out"
