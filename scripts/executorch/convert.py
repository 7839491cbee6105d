"""Checkpoint -> ExecuTorch program (.pte) for one shape, everything delegated to XNNPACK.

Source: `checkpoint` (program.pt2). The dynamic batch is fixed by exporting the program's module once more for
`options.batch`. `delegation.json` beside the program says what runs in XNNPACK and what does not, read from the
finished program's instructions.
"""

import collections
import logging
import warnings
from importlib.metadata import version
from typing import Any, Dict

from scripts.core.verb import Facts, Job, main, write_json
from scripts.models.program import example, load

FILE, DELEGATION = "model.pte", "delegation.json"


def _delegation(edge: Any, finished: Any) -> Dict[str, Any]:
    """Operators inside delegates, and the calls that the finished program makes outside of them, by name."""
    from executorch.devtools.backend_debug import get_delegation_info

    info = get_delegation_info(edge.exported_program().graph_module)
    plan = finished.executorch_program.execution_plan[0]
    calls = [step.instr_args for chain in plan.chains for step in chain.instructions]
    outside = collections.Counter(plan.operators[c.op_index].name for c in calls if hasattr(c, "op_index"))
    inside = {name: count.delegated for name, count in info.delegation_by_operator.items() if count.delegated}
    inside.pop("getitem", None)  # picks an output, computes nothing
    return {
        "subgraphs": sum(hasattr(c, "delegate_index") for c in calls),
        "delegated": inside,
        "outside": dict(outside),
    }


def work(job: Job) -> Facts:
    """Lower and serialise; `degraded` where an operator is left outside XNNPACK."""
    warnings.simplefilter("ignore", FutureWarning)
    logging.getLogger("torchao").setLevel(logging.ERROR)
    import torch
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    program = load(job.sources["checkpoint"])
    fixed = torch.export.export(program.module(), example(program, job.options["batch"]))
    edge = to_edge_transform_and_lower(fixed, partitioner=[XnnpackPartitioner()])
    finished = edge.to_executorch()
    (job.out / FILE).write_bytes(finished.buffer)
    delegation = _delegation(edge, finished)
    write_json(job.out / DELEGATION, delegation)
    facts: Facts = {
        "versions": {name: version(name) for name in ("torch", "executorch")},
        "operators": {"%s:float32" % name: count for name, count in delegation["delegated"].items()},
        "options": {"batch": job.options["batch"], "delegate": "XNNPACK"},
    }
    if delegation["outside"]:
        reason = "not delegated to XNNPACK: %s" % ", ".join(sorted(delegation["outside"]))
        facts.update(status="degraded", reason=reason)
    return facts


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
