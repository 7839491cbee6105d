"""Have ONNX Runtime optimise the graph for this host and keep what it made, as `model.onnx`.

Source: `portable`, a folder with `model.onnx`. The result holds fusions and weight layouts chosen for this CPU
(internal operators that only ONNX Runtime reads), so it is made anew on every host; batch stays free. It is opened
once and run on zeros: that it loads and what it is made of (`operators`, `kernels.json`) are found by trying.
"""

from collections import Counter
from pathlib import Path
from typing import Dict, List

import numpy as np
import onnxruntime as ort

from scripts.core import quantised
from scripts.core.verb import Facts, Job, Unsupported, main
from scripts.onnxruntime.kernels import Kernel, Kernels, kernels
from scripts.onnxruntime.settings import PRECISIONS, provider_of, saturates, settings

FILE = "model.onnx"


def optimise(source: Path, target: Path, provider: str) -> None:
    """Write the graph at `source`, as ONNX Runtime would execute it on `provider`, to `target`."""
    options = settings(threads=1)
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 3  # it warns that the result is hardware-specific, which is what is wanted here
    if saturates():  # slower kernels there, that give the sums that the file means
        options.add_session_config_entry("session.x64quantprecision", "1")
    ort.InferenceSession(str(source), options, providers=[provider], enable_fallback=0)


def operators(found: List[Kernel]) -> Dict[str, int]:
    """Operators that run, counted by type and dtype of their first output: {"Conv:float32": 52, ...}."""
    return dict(Counter("%s:%s" % (kernel.kind, kernel.dtype) for kernel in found))


def work(job: Job) -> Facts:
    if job.options["precision"] not in PRECISIONS:
        words = "ONNX Runtime is compiled for in %s here; %s is not among them"
        raise Unsupported(words % (", ".join(PRECISIONS), job.options["precision"]))
    provider = provider_of(job.options["device"])
    source, target = job.sources["portable"], job.out / FILE
    optimise(source / FILE, target, provider)
    found = kernels(target, provider)
    whole = sum(kernel.macs for kernel in kernels(source / FILE, provider))
    made = Kernels(whole, [kernel for kernel in found if kernel.macs])
    made.write(job.out)
    quantised.carry(source, job.out)
    return {
        "versions": {"onnxruntime": ort.__version__, "numpy": np.__version__},
        "operators": operators(found),
        "int8_share": made.int8_share({kernel.name: kernel.kind for kernel in found}),
        "options": dict(
            job.options, provider=provider, graph_optimization="ORT_ENABLE_ALL", x64quantprecision=saturates()
        ),
    }


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
