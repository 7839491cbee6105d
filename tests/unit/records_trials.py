"""Trials of synthetic candidates: facts of their records and raw samples. No figure in them was measured."""

from typing import Any

import numpy as np

from tests.unit.records_cases import Case

BASE_MS = {
    "pytorch": 20.7,
    "torchscript": 17.8,
    "torch_compile": 9.4,
    "aotinductor": 9.6,
    "onnxruntime": 5.3,
    "openvino": 5.45,
    "litert": 5.9,
    "executorch": 5.5,
    "tensorrt": 1.0,
    "tensorrt_rtx": 1.0,
}
EQUAL_AT = {"openvino": 8}
"""The batch at which a runtime is exactly as fast as ONNX Runtime: a tie."""
START = 1767225600.0

Raw = dict[str, np.ndarray]


def call_ms(case: Case, batch: int, on_other_host: bool) -> float:
    """The true time of a call."""
    runtime = "onnxruntime" if EQUAL_AT.get(case.runtime) == batch else case.runtime
    return float(BASE_MS[runtime] * case.slower * batch**0.95 * (1.4 if on_other_host else 1.0))


def trial_facts(case: Case, number: int, device: str, samples: int) -> dict[str, Any]:
    """What a trial's record holds but for its place."""
    heavy = case.runtime in ("pytorch", "torchscript", "torch_compile", "aotinductor", "executorch")
    state = {"cpu_mhz": 3200.0, "load_1m": 0.4 + 0.1 * number, "available_mb": 21000}
    return {
        "candidate": {"runtime": case.runtime, "precision": case.precision, "variant": case.variant, "device": device},
        "torch_build": "cpu", "samples": samples, "started": START + 60 * number,
        "phases": {"import_s": 1.3 if heavy else 0.1, "load_s": 0.2 if heavy else 0.05, "first_call_s": 0.06},
        "memory": {
            "baseline_mb": 31.0, "import_mb": 250.0 if heavy else 70.0, "load_mb": 120.0, "first_call_mb": 110.0,
            "run_mb": 290.0 if heavy else 118.0,
        },
        "threads": {"asked": 2, "read_back": 2}, "conditions": {"before": state, "after": state},
        "disturbed": ["other processes used 0.6 of 2 cores"] if number == 2 and case.runtime == "litert" else [],
        "energy": {"joules": None, "reason": "no counter of energy can be read here"},
        "placement": {"summary": "66 of 66 nodes as asked", "share": 1.0, "degraded": None},
        "warmup": {"iterations": 20, "seconds": 0.2},
    }  # fmt: skip


def latency(random: np.random.Generator, ms: float, samples: int) -> tuple[Raw, dict[str, Any]]:
    """put, execute, get of requests that take `ms` or a little more."""
    total = ms * np.exp(np.abs(random.normal(0, 0.05, samples))) * 1e6
    put, get = (total * 0.02).astype(np.int64), (total * 0.01).astype(np.int64)
    return {"put": put, "execute": total.astype(np.int64) - put - get, "get": get}, {}


def throughput(random: np.random.Generator, ms: float, samples: int) -> tuple[Raw, dict[str, Any]]:
    """`samples` requests that finish in a window, two at a time."""
    finished = np.cumsum(ms / 1.7 * np.exp(random.normal(0, 0.05, samples))) * 1e6
    window = np.array([finished[-1]])
    raw = {"finished": finished, "window_ns": window, "latency": np.full(samples, 2 * ms * 1e6)}
    return {name: values.astype(np.int64) for name, values in raw.items()}, {
        "streams": 2,
        "streams_tried": {"1": 0.9e3 / ms, "2": 1.7e3 / ms},
    }


def serving(random: np.random.Generator, ms: float, samples: int) -> tuple[Raw, dict[str, Any]]:
    """Requests at the highest rate within the limit."""
    values = ms * np.exp(np.abs(random.normal(0, 0.3, samples))) * 1e6
    return {"latency": values.astype(np.int64)}, {
        "streams": 2,
        "serving": {"rate_per_s": 1.1e3 / ms, "threads_left": 1},
    }
