"""Compile a network with Torch-TensorRT for this GPU: `model.ep`, a program whose parts are TensorRT engines.

Source: `portable`, a checkpoint. Options used: runtime, precision, variant, device, batch, optimization_level,
workspace_mb; `profile` (the least batch, the usual one and the greatest) where one artifact serves them all. Precision
is the network's own: fp16 and bf16 hold its weights in that type. Facts: how many parts are engines, and the operators
that PyTorch keeps.
"""

from collections import Counter
from typing import Any, Dict, List, Optional, Tuple

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


def given(tensors: "List[Dict[str, Any]]", options: "Dict[str, Any]") -> "Tuple[torch.Tensor, ...]":
    """An example of each input on the GPU, of the batch or of the usual one of a range."""
    profile = options.get("profile")
    example = export.example(tensors, profile[1] if profile else options["batch"])
    return tuple(tensor.to(options["device"]) for tensor in example)


def exported(
    module: torch.nn.Module, inputs: "Tuple[torch.Tensor, ...]", profile: "Optional[List[int]]"
) -> torch.export.ExportedProgram:
    """The network exported for the batch of `inputs`, or for the range of batches of a profile."""
    dynamic: Any = None
    if profile:
        free = torch.export.Dim("batch", min=profile[0], max=profile[2])
        dynamic = tuple({0: free} for _ in inputs)
        if isinstance(module, gpu.Lowered):  # its inputs are one argument, `*inputs`
            dynamic = (dynamic,)
    with torch.no_grad():
        return torch.export.export(module, inputs, dynamic_shapes=dynamic)


def parts(module: torch.fx.GraphModule) -> "Dict[str, Any]":
    """What of a compiled program runs as engines, and which operators PyTorch keeps: they lie in parts of their own."""
    called = [str(node.target) for node in module.graph.nodes if node.op == "call_module"]
    graphs = [module, *(module.get_submodule(name) for name in called if "_run_on_gpu" in name)]
    kept = Counter(
        getattr(node.target, "__name__", str(node.target))
        for part in graphs
        for node in part.graph.nodes
        if node.op == "call_function"
    )
    engines = sum("_run_on_acc" in name for name in called)
    return {"engines": engines, "kept": {name: count for name, count in kept.items() if name != "getitem"}}


def work(job: Job) -> Facts:
    trt, options, folder = library.require(), job.options, job.sources["portable"]
    gpu.require(options["device"])
    tensors: List[Dict[str, Any]] = description.read(folder)["inputs"]
    example, inputs = given(tensors, options), shapes(tensors, options)
    module = gpu.program(folder, options["precision"], options["device"])
    program = exported(module, example, options.get("profile"))
    timing = {"timing_cache_path": str(job.cache / TIMING)} if job.cache else {}
    is_warm = bool(job.cache and (job.cache / TIMING).exists())
    compiled = trt.dynamo.compile(
        program,
        arg_inputs=inputs,
        device=options["device"],
        use_explicit_typing=True,  # the network's own types, not float32 for all layers
        disable_tf32=options["precision"] != "tf32",
        optimization_level=options["optimization_level"],
        workspace_size=int((options["workspace_mb"] or 0) * 1e6),
        **timing,
    )
    made = parts(compiled)
    of_saving = inputs if options.get("profile") else list(example)  # a range is told by the library's descriptions
    trt.save(compiled, str(job.out / FILE), output_format="exported_program", arg_inputs=of_saving)
    write_json(job.out / PARTS, made)
    return {
        "versions": {"torch": torch.__version__, "torch_tensorrt": trt.__version__},
        "operators": made["kept"],
        "warmth": "warm" if is_warm else "cold",
        "options": options,
    }


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
