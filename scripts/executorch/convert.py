"""Convert a checkpoint to an ExecuTorch program for XNNPACK, for one batch size.

Sources: checkpoint; for int8 also calibration. Options: batch, precision (fp32, fp16, int8, int8_dynamic), calibration
("auto", "minmax"). Writes model.pte (inputs and outputs in float32, inputs laid out as the network's own) and
delegation.json: which operators XNNPACK took, which run on ExecuTorch's own kernels, and what its layers multiply.
That is settled here, for good: a program whose delegate cannot run does not load. A program of which XNNPACK took
nothing is `degraded`. In fp16 XNNPACK computes in float16, but keeps weights of convolutions in the file as float32.
"""

import warnings
from collections import Counter
from importlib.metadata import version
from typing import Any, Dict, Iterator, List

import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import EdgeProgramManager, ExecutorchProgramManager, to_edge_transform_and_lower
from executorch.exir.lowered_backend_module import LoweredBackendModule
from executorch.exir.schema import KernelCall

from scripts.core.quantised import INT8, Recipe
from scripts.core.verb import Facts, Job, main, write_json
from scripts.executorch import delegation as told
from scripts.executorch import layers
from scripts.executorch.delegation import Delegation
from scripts.executorch.layers import Layer, operator
from scripts.executorch.precisions import reduced
from scripts.models import description, export

FILE = "model.pte"
TOOLS = ("torch", "executorch", "torchao")


def work(job: Job) -> Facts:
    """Write model.pte and delegation.json, and quantised.json for a precision of integers."""
    folder, batch, precision = job.sources["checkpoint"], job.options["batch"], job.options.get("precision", "fp32")
    inputs = description.read(folder)["inputs"]
    with warnings.catch_warnings():
        for category in (FutureWarning, DeprecationWarning):  # given by PyTorch's and ExecuTorch's own code
            warnings.simplefilter("ignore", category)
        network, method = reduced(torch.export.load(str(folder / description.PROGRAM)), inputs, precision, job)
        # The checkpoint's program takes any batch; traced again with one, every shape in it is a number.
        fixed = torch.export.export(network, export.example(inputs, batch))
        lowered = to_edge_transform_and_lower(fixed, partitioner=[XnnpackPartitioner()])
        written = lowered.to_executorch()
    with open(str(job.out / FILE), "wb") as stream:
        written.write_to_file(stream)
    delegated, found = delegates(lowered), all_layers(lowered)
    inside = Counter(key for graph in delegated for key in _keys(graph))
    delegation = Delegation(
        sum(inside.values()),
        kernels(written),
        sum(layer.in_integers for layer in found),
        layers.share_in_integers(found),
        layers.share_in_half(found),
    )
    write_json(job.out / told.FILE, delegation._asdict())
    if precision in INT8:
        declared(found, method, precision).write(job.out)
    facts: Facts = {
        "versions": {tool: version(tool) for tool in TOOLS},
        "operators": dict(inside + Counter(_keys(lowered.exported_program().graph_module))),
        "options": {"batch": batch, "delegate": "XNNPACK", "subgraphs": len(delegated), "method": method},
    }
    if delegation.degraded:
        facts.update(status="degraded", reason=delegation.degraded)
    return facts


def delegates(lowered: EdgeProgramManager) -> List[torch.fx.GraphModule]:
    """The parts of the network that XNNPACK took."""
    modules = lowered.exported_program().graph_module.modules()
    return [part.original_module.graph_module for part in modules if isinstance(part, LoweredBackendModule)]


def all_layers(lowered: EdgeProgramManager) -> List[Layer]:
    """The layers that XNNPACK took, and those that it left."""
    taken = [layer for graph in delegates(lowered) for layer in layers.layers(graph, delegated=True)]
    return taken + list(layers.layers(lowered.exported_program().graph_module, delegated=False))


def declared(found: List[Layer], method: str, precision: str) -> Recipe:
    """What is meant to be in integers, and which layers are not."""
    dynamic = precision == "int8_dynamic"
    kept = [layer.name for layer in found if dynamic and not layer.dynamic]
    return Recipe(method, layers.quantisable(found, dynamic) or 0.0, kept)


def kernels(written: ExecutorchProgramManager) -> Dict[str, int]:
    """How many of ExecuTorch's own kernels the finished program calls, by name: {"cat": 4}."""
    plan = written.executorch_program.execution_plan[0]
    steps = [step.instr_args for chain in plan.chains for step in chain.instructions]
    names = [plan.operators[step.op_index].name for step in steps if isinstance(step, KernelCall)]
    return dict(Counter(name.split("::")[-1] for name in names))


def _keys(graph: torch.fx.GraphModule) -> Iterator[str]:
    """Name and dtype of each operator, delegates' calls and the picking of one of several outputs left out."""
    for node in graph.graph.nodes:
        value: Any = node.meta.get("val")
        first = value[0] if isinstance(value, (tuple, list)) and value else value
        if operator(node) and isinstance(first, torch.Tensor):
            yield "%s:%s" % (operator(node), str(first.dtype).replace("torch.", ""))


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
