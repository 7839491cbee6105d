"""Have ONNX Runtime optimise the graph for this host and keep what it made, as `model.onnx`.

Source: `portable`, a folder with `model.onnx`. The result holds fusions and weight layouts chosen for this CPU
(internal operators that only ONNX Runtime reads), so it is made anew on every host; batch stays free. It is opened
once and run on zeros: that it loads and what it is made of (`operators`) are found by trying.
"""

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Dict

import numpy as np
import onnxruntime as ort

from scripts.core.verb import Facts, Job, Unsupported, main
from scripts.onnxruntime.settings import DTYPES, provider_of, settings

FILE = "model.onnx"
NAMES = {"float": "float32", "double": "float64"}
"""What ONNX Runtime's profile calls a dtype, where that is not NumPy's name."""


def optimise(source: Path, target: Path, provider: str) -> None:
    """Write the graph at `source`, as ONNX Runtime would execute it on `provider`, to `target`."""
    options = settings(threads=1)
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 3  # it warns that the result is hardware-specific, which is what is wanted here
    ort.InferenceSession(str(source), options, providers=[provider], enable_fallback=0)


def zeros(session: ort.InferenceSession) -> Dict[str, np.ndarray]:
    """An input of zeros for each of the graph's inputs; a free dimension is 1."""
    return {
        node.name: np.zeros([size if isinstance(size, int) else 1 for size in node.shape], DTYPES[node.type])
        for node in session.get_inputs()
    }


def operators(graph: Path, provider: str) -> Dict[str, int]:
    """Operators that run, counted by type and dtype of their first output: {"Conv:float32": 52, ...}."""
    with tempfile.TemporaryDirectory() as scratch:
        options = settings(threads=1)
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(scratch) / "profile")
        session = ort.InferenceSession(str(graph), options, providers=[provider], enable_fallback=0)
        session.run(None, zeros(session))
        events = json.loads(Path(session.end_profiling()).read_text())
    kernels = [
        event["args"] for event in events if event.get("cat") == "Node" and event["name"].endswith("_kernel_time")
    ]
    return dict(Counter("%s:%s" % (kernel["op_name"], _dtype(kernel["output_type_shape"])) for kernel in kernels))


def _dtype(outputs: "list[dict[str, object]]") -> str:
    name = next(iter(outputs[0]), "none") if outputs else "none"
    return NAMES.get(name, name)


def work(job: Job) -> Facts:
    if job.options["precision"] != "fp32":
        raise Unsupported("this compiler makes fp32 artifacts; %s is not among them" % job.options["precision"])
    provider = provider_of(job.options["device"])
    target = job.out / FILE
    optimise(job.sources["portable"] / FILE, target, provider)
    return {
        "versions": {"onnxruntime": ort.__version__, "numpy": np.__version__},
        "operators": operators(target, provider),
        "options": dict(job.options, provider=provider, graph_optimization="ORT_ENABLE_ALL"),
    }


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
