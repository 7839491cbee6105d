"""The columns of `results.csv` and `results.parquet`: a contract with everyone who reads them."""

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd

TEXT, WHOLE, REAL, FLAG = "string", "Int64", "Float64", "boolean"

COLUMNS: dict[str, str] = {
    "host": TEXT, "model": TEXT, "weights": TEXT, "runtime": TEXT, "precision": TEXT, "variant": TEXT, "device": TEXT,
    "shape": TEXT, "batch": WHOLE, "image_size": WHOLE, "mode": TEXT, "threads": WHOLE, "gflop": REAL,
    "parameters": WHOLE, "torch_build": TEXT, "session": TEXT, "status": TEXT, "reason": TEXT, "trials": WHOLE,
    "samples": WHOLE, "disturbed_trials": WHOLE, "host_phase": TEXT, "verdict": TEXT, "median_ms": REAL,
    "median_lo_ms": REAL, "median_hi_ms": REAL, "p10_ms": REAL, "p10_lo_ms": REAL, "p10_hi_ms": REAL, "mean_ms": REAL,
    "trimmed_mean_ms": REAL, "std_ms": REAL, "p90_ms": REAL, "p90_lo_ms": REAL, "p90_hi_ms": REAL, "p99_ms": REAL,
    "p99_lo_ms": REAL, "p99_hi_ms": REAL, "p999_ms": REAL, "tail_ratio": REAL, "execute_ms": REAL, "device_ms": REAL,
    "copy_share": REAL, "throughput_per_s": REAL, "throughput_lo_per_s": REAL, "throughput_hi_per_s": REAL,
    "saturation_batch": WHOLE, "streams": WHOLE, "speedup": REAL, "speedup_lo": REAL, "speedup_hi": REAL,
    "device_speedup": REAL, "device_speedup_lo": REAL, "device_speedup_hi": REAL, "finals_ms": REAL,
    "finals_lo_ms": REAL, "finals_hi_ms": REAL, "finals_location": TEXT, "finals_speedup": REAL,
    "finals_speedup_lo": REAL, "finals_speedup_hi": REAL, "rank_set": WHOLE, "pareto": FLAG, "convert_s": REAL,
    "convert_rss_mb": REAL, "compile_s": REAL, "compile_cpu_s": REAL, "compile_cache": TEXT, "compile_warmth": TEXT,
    "break_even_inferences": REAL, "break_even_lo": REAL, "break_even_hi": REAL, "import_s": REAL, "load_s": REAL,
    "first_call_s": REAL, "cold_start_s": REAL, "cold_start_lo_s": REAL, "cold_start_hi_s": REAL,
    "artifact_bytes": WHOLE, "peak_rss_mb": REAL, "peak_rss_import_mb": REAL, "peak_rss_load_mb": REAL,
    "peak_rss_run_mb": REAL, "gpu_mem_mb": REAL, "energy_j": REAL, "energy_reason": TEXT, "power_w": REAL,
    "gpu_util_pct": REAL, "tflops": REAL, "peak_share": REAL, "peak_share_spec": REAL, "bound": TEXT, "placement": TEXT,
    "max_abs_error": REAL, "sqnr_db": REAL, "int8_share": REAL, "top1_agreement": REAL, "top1_accuracy": REAL,
    "top1_accuracy_lo": REAL, "top1_accuracy_hi": REAL, "labelled": WHOLE, "photos_lost": WHOLE, "photos_gained": WHOLE,
    "mcnemar_p": REAL, "gate": TEXT, "artifact_sha256": TEXT,
}  # fmt: skip


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then rename it: `path` is whole or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        write(temporary)
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Rows as a table with exactly the contract's columns, in order and typed; what is absent is empty."""
    table = pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)
    return table.astype(COLUMNS)


def read_results(path: Path) -> pd.DataFrame:
    """The table that summarise wrote. Raises SystemExit with one sentence where it cannot be read."""
    try:
        table = pd.read_csv(path, dtype=COLUMNS, keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise SystemExit(f"{path} does not exist: run `make` first") from None
    except ValueError as error:
        raise SystemExit(f"{path} is not a results table ({error}): run `make` again") from None
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise SystemExit(f"{path} lacks the column {missing[0]!r}: run `make` again")
    return table[list(COLUMNS)]
