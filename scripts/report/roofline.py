"""How far a row is from what its GPU or its CPU can do (Williams, Waterman and Patterson, CACM 2009).

The work of an item is counted on the exported network, in multiplying operators alone. The least time that the
arithmetic takes is by what was reached in a large matrix product of the row's precision in the same run: by the GPU, or
on the CPU by the runtime's own library with the run's threads. The least that the memory takes is by a large copy.

The time is `execute` alone, since copies are no part of the work: on a GPU by its own clock (`device_ms`), on the CPU
at the fast location, a tenth of the requests (`measured.work_ms`). A peak is the best of several spans, so what
neighbours take from a typical request is not to count as the candidate's distance from it.
"""

from pathlib import Path
from typing import Any

from scripts.core import paths
from scripts.core.catalogue import on
from scripts.nvidia.device import is_gpu
from scripts.report.datasheets import SHEETS
from scripts.report.reading import read_if_any
from scripts.report.rows import Row

BYTES = {"fp32": 4, "tf32": 4, "fp16": 2, "bf16": 2, "int8": 1, "fp8": 1}
EXPLAINED = 0.1
"""Where neither arithmetic nor memory at its best explains this share of the time, it is bound by latency, as NVIDIA's
guides call it: too little work at a time to fill the machine, dependent steps, launches, other operators, waiting."""

Values = dict[str, Any]


def size(row: Row) -> Values:
    """Of the network: `gflop`, operations of one item in multiplying operators, two for each multiplication, and
    `parameters`; None for what is not known."""
    work, known = _work(row), read_if_any(row.checkpoint / "files" / "model.json")
    return {"gflop": work["flops"] / 1e9 if work else None, "parameters": known.get("parameters")}


def _work(row: Row) -> dict[str, int]:
    """What `models.work` counted; {} where it did not."""
    return read_if_any(row.checkpoint / "artifact.json").get("work") or {}


def peaks(row: Row) -> Values:
    """What is known of the best that the row's GPU, or its library on its CPU, reached: `peaks` (operations per second
    by precision), `bandwidth` (bytes per second), `gpu` (its name); {} where nothing was measured."""
    if is_gpu(row.device):
        return _record(row, None)
    memory = _record(row, paths.MEMORY)
    return _record(row, on(row.runtime, row.device).library) | {"bandwidth": memory.get("bandwidth")}


def _record(row: Row, library: str | None) -> Values:
    return read_if_any(Path(paths.peaks_record(str(row.root), row.host, library)))


def roofline(row: Row, ms: float | None) -> Values:
    """tflops, its shares of the measured and the promised peak, and what bounds the row; {} for what is not known.

    ms: the time of a request's work, as said above.
    """
    known, work = peaks(row), _work(row)
    if not ms or not work or row.precision not in BYTES:
        return {}
    rate = row.batch * work["flops"] / (ms / 1e3)
    values: Values = {"tflops": rate / 1e12}
    reached = (known.get("peaks") or {}).get(row.precision)
    if reached:
        values["peak_share"] = rate / reached
    if reached and known.get("bandwidth"):
        values["bound"] = _bound(row, ms / 1e3, work, reached, known["bandwidth"])
    promised = SHEETS.get(str(known.get("gpu")), {}).get(row.precision)
    if promised:
        values["peak_share_spec"] = rate / promised
    return values


def _bound(row: Row, seconds: float, work: dict[str, int], peak: float, bandwidth: float) -> str:
    """`compute`, `memory`, or `latency` where neither explains the time. The bytes are the least."""
    arithmetic = row.batch * work["flops"] / peak
    memory = (work["weights"] + row.batch * work["activations"]) * BYTES[row.precision] / bandwidth
    if max(arithmetic, memory) < EXPLAINED * seconds:
        return "latency"
    return "compute" if arithmetic >= memory else "memory"
