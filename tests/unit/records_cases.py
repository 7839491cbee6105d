"""Synthetic cases: every way a candidate can fare. See `records_factory`, which writes their records."""

from dataclasses import dataclass, field
from typing import Any

from scripts.core.catalogue import RUNTIMES

OK = {"status": "ok", "reason": None}
Ending = dict[str, Any]


@dataclass
class Case:
    """How one candidate fares: `stops` names the stage that ends it, `trials` how single trials end."""

    runtime: str
    variant: str = "default"
    stops: str | None = None
    ending: Ending = field(default_factory=lambda: dict(OK))
    trials: dict[int, Ending] = field(default_factory=dict)
    gate: str = "pass"
    slower: float = 1.0
    precision: str = "fp32"
    right: int = 54  # of 59 labelled photos
    megabytes: float = 19.3


NO_GPU = {"status": "not_run", "reason": "no NVIDIA GPU on this host; on one with it this row runs"}
EIGHT = tuple(name for name, runtime in RUNTIMES.items() if runtime.needs is None and not runtime.optional)
GOOD = [Case(name) for name in EIGHT]
ABSENT = [
    Case("tensorrt", stops="compile", ending=NO_GPU),
    Case("tensorrt_rtx", stops="verify", ending={"status": "not_run", "reason": "built; not run here: no NVIDIA GPU"}),
]
TROUBLED = [
    Case("pytorch", gate="numeric"),
    Case("onnxruntime", gate="numeric"),
    Case("torchscript", gate="fail"),
    Case("torch_compile", stops="compile", ending={"status": "crashed", "reason": "crashed with SIGSEGV"}),
    Case(
        "aotinductor",
        stops="compile",
        ending={"status": "unsupported", "reason": "Inductor needs g++, which is not installed here"},
    ),
    Case(
        "executorch",
        stops="convert",
        ending={"status": "failed", "reason": "RuntimeError: synthetic operator not lowered"},
    ),
    Case(
        "litert",
        stops="measure",
        ending={"status": "oom", "reason": "took more than 4000 MB of memory (the limit under `limits:`)"},
    ),
    Case(
        "openvino", gate="numeric", trials={3: {"status": "timeout", "reason": "still running after 600 s (the limit)"}}
    ),
    Case(
        "onnxruntime",
        "no_spin",
        gate="numeric",
        trials={
            n: {"status": "degraded", "reason": "asked for a provider that is absent, ran on another"}
            for n in range(1, 6)
        },
    ),
]

PRECISIONS = [
    *GOOD,
    Case("openvino", precision="bf16", slower=0.7),
    Case("onnxruntime", precision="int8", slower=0.45, right=53, megabytes=5.2),
    Case("openvino", precision="int8", slower=0.5, right=54, megabytes=5.4),
    Case("litert", precision="int8", slower=0.2, right=47, megabytes=5.1, gate="fail"),
]
"""One network in several precisions: the fastest of all fails its gate."""
