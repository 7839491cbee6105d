"""Compile a network with Torch-TensorRT for this GPU: `model.ep`, a program whose parts are TensorRT engines.

Source: `portable`, a checkpoint. Options used: runtime, precision, variant, device, batch, optimization_level,
workspace_mb; `profile` (the least batch, the usual one and the greatest) where one artifact serves them all. Precision
is the network's own: fp16 and bf16 hold its weights in that type. Facts: how many parts are engines, and the operators
that PyTorch keeps.
"""

from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Tuple

import torch

from scripts.core.verb import Facts, Job, main, write_json
from scripts.models import description, export
from scripts.pytorch import gpu
from scripts.torch_tensorrt import library

FILE, PARTS = "model.ep", "parts.json"
TIMING = "timing.cache"


def shapes(tensors: "List[Dict[str, Any]]", options: "Dict[str, Any]") -> "List[Any]":
    """The library's description of each input: of one batch, or of a range."""
    trt = library.require()
    found = []
    for tensor in tensors:
        rest, dtype = tuple(tensor["shape"][1:]), export.dtype(tensor["dtype"])
        if options.get("profile"):
            least, usual, most = ((batch, *rest) for batch in options["profile"])
            found.append(trt.Input(min_shape=least, opt_shape=usual, max_shape=most, dtype=dtype))
        else:
            found.append(trt.Input(shape=(options["batch"], *rest), dtype=dtype))
    return found


def exported(folder: Path, options: "Dict[str, Any]") -> "Tuple[torch.export.ExportedProgram, List[Dict[str, Any]]]":
    """The network on the GPU in its precision, exported for the batch or the range of batches; and its inputs."""
    module = gpu.program(folder, options["precision"], options["device"])
    tensors: List[Dict[str, Any]] = description.read(folder)["inputs"]
    profile = options.get("profile")
    given = export.example(tensors, profile[1] if profile else options["batch"])
    inputs = tuple(tensor.to(options["device"]) for tensor in given)
    free = torch.export.Dim("batch", min=profile[0], max=profile[2]) if profile else None
    dynamic = tuple({0: free} for _ in inputs) if profile else None
    with torch.no_grad():
        return torch.export.export(module, inputs, dynamic_shapes=dynamic), tensors


def parts(module: torch.fx.GraphModule) -> "Dict[str, Any]":
    """What of a compiled program runs as engines, and which operators PyTorch keeps."""
    kept = Counter(
        getattr(node.target, "__name__", str(node.target)) for node in module.graph.nodes if node.op == "call_function"
    )
    engines = sum(node.op == "call_module" and "_run_on_acc" in str(node.target) for node in module.graph.nodes)
    return {"engines": engines, "kept": {name: count for name, count in kept.items() if name != "getitem"}}


def work(job: Job) -> Facts:
    trt, options, folder = library.require(), job.options, job.sources["portable"]
    gpu.require(options["device"])
    program, tensors = exported(folder, options)
    inputs = shapes(tensors, options)
    timing = {"timing_cache_path": str(job.cache / TIMING)} if job.cache else {}
    is_warm = bool(job.cache and (job.cache / TIMING).exists())
    compiled = trt.dynamo.compile(
        program,
        arg_inputs=inputs,
        device=options["device"],
        disable_tf32=options["precision"] != "tf32",
        optimization_level=options["optimization_level"],
        workspace_size=int((options["workspace_mb"] or 0) * 1e6),
        **timing,
    )
    made = parts(compiled)
    trt.save(compiled, str(job.out / FILE), output_format="exported_program", arg_inputs=inputs)
    write_json(job.out / PARTS, made)
    return {
        "versions": {"torch": torch.__version__, "torch_tensorrt": trt.__version__},
        "operators": made["kept"],
        "warmth": "warm" if is_warm else "cold",
        "options": options,
    }


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
