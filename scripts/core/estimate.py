"""One line before a run starts: how many jobs, and about how many minutes.

The typical seconds were read off a 2-core machine with networks of MobileNet's size; they are for waiting, not for
judging.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from scripts.core.plan import batches, sizes

TYPICAL_S = {
    "environment": 8, "train": 60, "prepare": 10, "resize": 8, "reference": 12, "calibration": 2, "quantize": 25,
    "convert_torchscript": 6, "convert_onnx": 12,
    "convert_openvino": 4, "convert_litert": 25, "convert_executorch": 25, "convert_keras": 8,
    "convert_saved_model": 6, "compile_inductor": 40,
    "compile_onnxruntime": 2, "compile_openvino": 3, "compile_tensorrt": 60, "compile_tensorrt_rtx": 4,
    "compile_torch_tensorrt": 90, "peaks": 30, "cpu_peaks": 4, "compile_tensorflow": 8,
    "verify": 6, "summarise": 3, "report": 8, "export_candidate": 3,
}  # fmt: skip
START_S = 2.5
"""A worker's start, import, load and warm-up."""


def seconds(rule: str, count: int, config: dict[str, Any], cores: int) -> float:
    """Wall seconds for `count` jobs of one rule: trials run alone, the rest side by side."""
    measure, finals = config["measure"], config["finals"]
    if rule == "trial":
        return float(count * (measure["seconds"] + measure["warmup_seconds"] + START_S))
    if rule == "finals":
        workloads = [len(batches(config, model)) * len(sizes(config, model)) for model in config["models"]]
        trials = sum(workloads) * len(config["modes"])
        trials *= finals["finalists"] * finals["rounds"]
        return float(min(finals["minutes"] * 60, trials * (finals["seconds"] + measure["warmup_seconds"] + 1)))
    if rule == "refine":
        return float(finals["refine_minutes"] * 60)
    return count * TYPICAL_S.get(rule, 0) / max(1, min(cores, count))


def sentence(jobs: Iterable[Any], config: dict[str, Any], cores: int) -> str:
    """ "12 jobs to do (10 of them measure), about 3 minutes." """
    counts = Counter(job.rule.name for job in jobs if job.rule.name != "all")
    total = sum(seconds(rule, count, config, cores) for rule, count in counts.items())
    minutes = "under a minute" if total < 60 else f"about {round(total / 60)} minute{'s' if total >= 90 else ''}"
    measuring = f" ({counts['trial']} of them measure, one at a time)" if counts["trial"] else ""
    return f"{_some(sum(counts.values()), 'job')} to do{measuring}, {minutes} on {_some(cores, 'core')}."


def _some(count: int, word: str) -> str:
    return f"{count} {word}{'s' if count != 1 else ''}"
