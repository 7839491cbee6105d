"""Convert a checkpoint to an ExecuTorch program for XNNPACK, for one batch size.

Source: checkpoint. Option: batch. Writes model.pte (float32, inputs laid out as the network's own) and
delegation.json: which operators XNNPACK took and which run on ExecuTorch's own kernels. That is settled here, for
good: a program whose delegate cannot run does not load. A program of which XNNPACK took nothing is `degraded`.
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

from scripts.core.verb import Facts, Job, main, write_json
from scripts.executorch import delegation as told
from scripts.executorch.delegation import Delegation
from scripts.models import description, export

FILE = "model.pte"
TOOLS = ("torch", "executorch", "torchao")


def work(job: Job) -> Facts:
    """Write model.pte and delegation.json."""
    folder, batch = job.sources["checkpoint"], job.options["batch"]
    model = description.read(folder)
    with warnings.catch_warnings():
        for category in (FutureWarning, DeprecationWarning):  # given by PyTorch's and ExecuTorch's own code
            warnings.simplefilter("ignore", category)
        program = torch.export.load(str(folder / description.PROGRAM))
        # The checkpoint's program takes any batch; traced again with one, every shape in it is a number.
        fixed = torch.export.export(program.module(), export.example(model["inputs"], batch))
        lowered = to_edge_transform_and_lower(fixed, partitioner=[XnnpackPartitioner()])
        written = lowered.to_executorch()
    with open(str(job.out / FILE), "wb") as stream:
        written.write_to_file(stream)
    delegated = delegates(lowered)
    inside = Counter(key for graph in delegated for key in _keys(graph))
    delegation = Delegation(sum(inside.values()), kernels(written), sum(map(quantised, delegated)))
    write_json(job.out / told.FILE, delegation._asdict())
    facts: Facts = {
        "versions": {tool: version(tool) for tool in TOOLS},
        "operators": dict(inside + Counter(_keys(lowered.exported_program().graph_module))),
        "options": {"batch": batch, "delegate": "XNNPACK", "subgraphs": len(delegated)},
    }
    if delegation.degraded:
        facts.update(status="degraded", reason=delegation.degraded)
    return facts


def delegates(lowered: EdgeProgramManager) -> List[torch.fx.GraphModule]:
    """The parts of the network that XNNPACK took."""
    modules = lowered.exported_program().graph_module.modules()
    return [part.original_module.graph_module for part in modules if isinstance(part, LoweredBackendModule)]


def quantised(graph: torch.fx.GraphModule) -> int:
    """How many operators of a delegate compute in integers: those on dequantised values, which XNNPACK fuses."""
    names = {node: _operator(node) for node in graph.graph.nodes}
    computing = (node for node, name in names.items() if name and not name.startswith("quantize"))
    return sum(any(names[source].startswith("dequantize") for source in node.all_input_nodes) for node in computing)


def kernels(written: ExecutorchProgramManager) -> Dict[str, int]:
    """How many of ExecuTorch's own kernels the finished program calls, by name: {"cat": 4}."""
    plan = written.executorch_program.execution_plan[0]
    steps = [step.instr_args for chain in plan.chains for step in chain.instructions]
    names = [plan.operators[step.op_index].name for step in steps if isinstance(step, KernelCall)]
    return dict(Counter(name.split("::")[-1] for name in names))


def _operator(node: torch.fx.Node) -> str:
    """What a node calls: "convolution" of aten::convolution; empty for what is no operator of PyTorch's."""
    schema = getattr(node.target, "_schema", None)
    return schema.name.split("::")[-1] if node.op == "call_function" and schema is not None else ""


def _keys(graph: torch.fx.GraphModule) -> Iterator[str]:
    """Name and dtype of each operator, delegates' calls and the picking of one of several outputs left out."""
    for node in graph.graph.nodes:
        value: Any = node.meta.get("val")
        first = value[0] if isinstance(value, (tuple, list)) and value else value
        if _operator(node) and isinstance(first, torch.Tensor):
            yield "%s:%s" % (_operator(node), str(first.dtype).replace("torch.", ""))


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
