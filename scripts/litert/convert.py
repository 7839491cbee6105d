"""Convert a checkpoint to TFLite (runs in the converter's environment; what it writes needs LiteRT alone).

Source: checkpoint. Writes model.tflite: float32, inputs laid out as the network's own (NCHW for images; the file
begins with the transpose that the kernels need), one signature whose names are those of model.json, layers named as
in the network. Option: batch (1 if null). The session gives a file of batch 1 the batch it needs.
"""

import contextlib
import os
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Dict, Iterator, List

import litert_torch
import torch
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from scripts.core.verb import Facts, Job, main
from scripts.litert import layers
from scripts.models import description, export

FILE = "model.tflite"
WIDE = ("int64", "float64")
TOOLS = ("torch", "litert-torch", "litert-converter", "ai-edge-litert")


class Named(torch.nn.Module):
    """A network with named inputs and outputs: the names become the file's signature.

    The graph is interpreted rather than called: only so do its layers keep their names.
    """

    def __init__(self, network: torch.fx.GraphModule, outputs: List[str]) -> None:
        super().__init__()
        self.network, self.outputs = network, outputs
        self.training = False  # `eval()` would also be called on the exported graph, which refuses it

    def forward(self, **inputs: torch.Tensor) -> Dict[str, torch.Tensor]:
        with torch.fx.traceback.preserve_node_meta():
            result = torch.fx.Interpreter(self.network).run(*inputs.values())
        return dict(zip(self.outputs, result if isinstance(result, (tuple, list)) else (result,)))


def work(job: Job) -> Facts:
    """Write model.tflite for `batch` inputs at a time."""
    folder = job.sources["checkpoint"]
    model = description.read(folder)
    batch = job.options.get("batch") or 1
    wide = any(tensor["dtype"] in WIDE for tensor in model["inputs"] + model["outputs"])
    with quiet():
        program = torch.export.load(str(folder / description.PROGRAM))
        named = Named(program.module(), [tensor["name"] for tensor in model["outputs"]])
        samples = dict(zip([tensor["name"] for tensor in model["inputs"]], export.example(model["inputs"], batch)))
        # Without `enable_x64` the converter turns 64-bit inputs and outputs into 32-bit ones.
        litert_torch.convert(named, sample_kwargs=samples, enable_x64=wide).export(str(job.out / FILE))
    return {
        "versions": {tool: version(tool) for tool in TOOLS},
        "operators": operators(job.out / FILE),
        "options": {"batch": batch, "signature": list(samples) + named.outputs, "enable_x64": wide},
    }


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without progress lines and without the deprecations that PyTorch's and the converter's own code give."""
    os.environ["LITERT_TORCH_SHOW_PROGRESS"] = "n"
    with warnings.catch_warnings():
        for category in (FutureWarning, DeprecationWarning):
            warnings.simplefilter("ignore", category)
        yield


def operators(path: Path) -> Dict[str, int]:
    """How many of each operator, by the dtype of its first output."""
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return layers.operators(Interpreter(str(path), experimental_op_resolver_type=plain)._get_ops_details())


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
