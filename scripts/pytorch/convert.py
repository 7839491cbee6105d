"""Convert a checkpoint to TorchScript: traced from the eager network with a free batch size, and frozen.

Source: checkpoint. Writes model.ts. Freezing folds BatchNorm into convolutions; `optimize_for_inference` would go
further, but what it returns cannot be loaded again.
"""

import warnings
from pathlib import Path
from typing import Any, Dict

import torch

from scripts.core.verb import Facts, Job, main
from scripts.models import description, export, network

# Where an archive says its version, by that version; this and its id the writer adds itself.
VERSION_RECORDS = ("version", ".data/version")
OWN_RECORDS = (*VERSION_RECORDS, ".data/serialization_id")


def work(job: Job) -> Facts:
    """Write model.ts, without the source locations that TorchScript keeps for its error messages."""
    folder = job.sources["checkpoint"]
    model = description.read(folder)
    module = frozen(network.load(folder), model)
    raw = job.out / "raw.ts"
    module.save(str(raw))
    without_locations(raw, job.out / "model.ts")
    raw.unlink()
    return {
        "versions": {"torch": torch.__version__},
        "operators": operators(module),
        "options": {"route": "trace", "frozen": True, "example_batch": export.EXAMPLE_BATCH},
    }


def frozen(eager: torch.nn.Module, model: Dict[str, Any]) -> torch.jit.ScriptModule:
    """`eager` traced and frozen. Only what depends on the shape of the inputs through tensors stays dynamic.

    A trace keeps whether convolutions may use TF32 on a GPU, which PyTorch allows by default and fp32 is not.
    """
    torch.backends.cudnn.allow_tf32 = False
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(eager, export.example(model["inputs"]), check_trace=False)
        return torch.jit.freeze(traced.eval())  # an exported program's module counts as training, whatever it does


def without_locations(source: Path, target: Path) -> None:
    """Copy a TorchScript archive without its `.debug_pkl` records (paths and line numbers of the source files).

    PyTorch's own reader and writer keep the tensors aligned, as loading by memory map needs them.
    """
    reader = torch._C.PyTorchFileReader(str(source))
    writer = torch._C.PyTorchFileWriter(str(target))
    names = reader.get_all_records()
    writer.set_min_version(max(int(reader.get_record(name)) for name in VERSION_RECORDS if name in names))
    for name in names:
        if name in OWN_RECORDS or name.endswith(".debug_pkl"):
            continue
        content = reader.get_record(name)
        writer.write_record(name, content, len(content))
    writer.write_end_of_file()


def operators(module: torch.jit.ScriptModule) -> Dict[str, int]:
    """How many of each operator that returns a tensor: {"_convolution:float32": 49} (all weights are float32)."""
    counts: Dict[str, int] = {}
    for node in module.inlined_graph.nodes():
        kind = node.kind()
        if kind.startswith("aten::") and any("Tensor" in str(out.type()) for out in node.outputs()):
            key = "%s:float32" % kind.split("::")[1]
            counts[key] = counts.get(key, 0) + 1
    return counts


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
