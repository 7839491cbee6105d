"""Checkpoint -> TFLite through litert-torch: one file, exported at batch 1, for every batch.

Source: `checkpoint` (program.pt2). The input keeps its NCHW layout: the transpose is the model's own first
operator and its cost is counted. A session resizes the batch at load, which XNNPACK then takes as it is.
"""

import collections
import logging
from importlib.metadata import version
from pathlib import Path
from typing import Dict

from scripts.core.verb import Facts, Job, main
from scripts.models.program import example, load

FILE = "model.tflite"


def _operators(file: Path) -> Dict[str, int]:
    """Operators by name and type of their first output, read back from the file."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(str(file), experimental_op_resolver_type=resolver)
    dtypes = {tensor["index"]: tensor["dtype"].__name__ for tensor in interpreter.get_tensor_details()}
    counts: "collections.Counter[str]" = collections.Counter(
        "%s:%s" % (op["op_name"], dtypes.get(op["outputs"][0], "unknown")) for op in interpreter._get_ops_details()
    )
    return dict(counts)


def work(job: Job) -> Facts:
    """Convert; facts say versions and operators."""
    logging.getLogger("root").setLevel(logging.ERROR)
    import litert_torch

    program = load(job.sources["checkpoint"])
    converted = litert_torch.convert(program.module(), example(program, batch=1))
    converted.export(str(job.out / FILE))
    packages = ("torch", "litert-torch", "ai-edge-litert")
    return {
        "versions": {name: version(name) for name in packages},
        "operators": _operators(job.out / FILE),
        "options": {"batch": 1, "resizable": True, "layout": "NCHW"},
    }


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
