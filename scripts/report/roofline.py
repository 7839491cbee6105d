"""How far a row is from what its GPU can do (Williams, Waterman and Patterson, CACM 2009).

The work of an item is counted on the exported network, in multiplying operators alone; the time is the GPU's own. The
least time that the arithmetic takes is by what this GPU reached in a large matrix product of the row's precision in the
same run, and the least that the memory takes by what it reached in a copy.
"""

from pathlib import Path
from typing import Any

from scripts.core import paths
from scripts.report.datasheets import SHEETS
from scripts.report.reading import read_if_any
from scripts.report.rows import Row

BYTES = {"fp32": 4, "tf32": 4, "fp16": 2, "bf16": 2, "int8": 1, "fp8": 1}
OVERHEAD = 0.1
"""Where neither arithmetic nor memory explains this share of the time, launching kernels is what takes it."""

Values = dict[str, Any]


def size(row: Row) -> Values:
    """Of the network: `gflop`, operations of one item in multiplying operators, two for each multiplication, and
    `parameters`; None for what is not known."""
    work, known = _work(row), read_if_any(row.checkpoint / "files" / "model.json")
    return {"gflop": work["flops"] / 1e9 if work else None, "parameters": known.get("parameters")}


def _work(row: Row) -> dict[str, int]:
    """What `models.work` counted; {} where it did not."""
    return read_if_any(row.checkpoint / "artifact.json").get("work") or {}


def roofline(row: Row, device_ms: float | None) -> Values:
    """tflops, its shares of the measured and the promised peak, and what bounds the row; {} for what is not known."""
    peaks = read_if_any(Path(paths.peaks_record(str(row.root), row.host)))
    work = _work(row)
    if not device_ms or not work or row.precision not in BYTES:
        return {}
    rate = row.batch * work["flops"] / (device_ms / 1e3)
    values: Values = {"tflops": rate / 1e12}
    reached = (peaks.get("peaks") or {}).get(row.precision)
    if reached:
        values["peak_share"] = rate / reached
        values["bound"] = _bound(row, device_ms / 1e3, work, reached, peaks["bandwidth"])
    promised = SHEETS.get(str(peaks.get("gpu")), {}).get(row.precision)
    if promised:
        values["peak_share_spec"] = rate / promised
    return values


def _bound(row: Row, seconds: float, work: dict[str, int], peak: float, bandwidth: float) -> str:
    """`compute`, `memory`, or `overhead` where neither explains the time. The bytes are the least."""
    arithmetic = row.batch * work["flops"] / peak
    memory = (work["weights"] + row.batch * work["activations"]) * BYTES[row.precision] / bandwidth
    if max(arithmetic, memory) < OVERHEAD * seconds:
        return "overhead"
    return "compute" if arithmetic >= memory else "memory"
