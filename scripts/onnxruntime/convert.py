"""Convert a checkpoint to ONNX (runs in the torch environment; the file serves every runtime that reads ONNX).

Source: checkpoint. Option: image_size, "any" for a file that serves images of every size. Writes model.onnx: float32,
dynamic batch, weights inside, tensor names from model.json, and nothing in it that depends on folders, line numbers or
comments.
"""

import warnings
from pathlib import Path
from typing import Any, Dict, Tuple

import onnx
import onnxscript
import torch

from scripts.core.verb import Facts, Job, Unsupported, main
from scripts.models import description, export, network
from scripts.onnxruntime.proto import operators, save, strip

# The opset that PyTorch's exporter writes natively (any other goes through a version converter); every
# consumer here, TensorRT included, reads it.
OPSET = 18
MAX_BYTES = 2**31 - 1
ANY = "any"
"""The option `image_size` of a file that serves images of every size."""
OTHER_BY = 32
"""Pixels by which the size differs that is tried: what networks divide images by."""
FREE = ["batch", 3, "height", "width"]


def work(job: Job) -> Facts:
    """Write model.onnx, checked by onnx's checker and strict shape inference."""
    folder = job.sources["checkpoint"]
    model = description.read(folder)
    if job.options.get("image_size") == ANY:
        program, model = for_any_size(folder, model)
    else:
        program = torch.export.load(str(folder / description.PROGRAM))
    proto = exported(program, model)
    strip(proto)
    name_batch(proto, model)
    if proto.ByteSize() > MAX_BYTES:
        raise Unsupported("an ONNX file holds at most 2 GB; this network takes %d bytes" % proto.ByteSize())
    save(proto, job.out / "model.onnx")
    return {
        "versions": {"torch": torch.__version__, "onnx": onnx.__version__, "onnxscript": onnxscript.__version__},
        "operators": operators(proto),
        "options": {"opset": OPSET, "ir_version": proto.ir_version, "exporter": "torch.onnx dynamo", "optimize": True},
    }


def for_any_size(folder: Path, model: Dict[str, Any]) -> Tuple[torch.export.ExportedProgram, Dict[str, Any]]:
    """The network as a program for images of every size, and its description with them.

    Raises Unsupported where the network takes one size alone.
    """
    size = model["preprocess"]["size"]
    if model["build"] == description.PROGRAM:
        raise Unsupported("an exported program takes images of one size: %d pixels" % size)
    program = export.exported(network.load(folder), model["inputs"], any_size=True)
    if not export.takes(program, size + OTHER_BY):
        raise Unsupported("the network takes images of one size: of %d pixels alone" % size)
    return program, dict(model, inputs=[dict(tensor, shape=FREE) for tensor in model["inputs"]])


def exported(program: torch.export.ExportedProgram, model: Dict[str, Any]) -> onnx.ModelProto:
    """The exporter's own optimised graph (constants folded, BatchNorm fused into convolutions)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = torch.onnx.export(
            program,
            dynamo=True,
            opset_version=OPSET,
            input_names=[tensor["name"] for tensor in model["inputs"]],
            output_names=[tensor["name"] for tensor in model["outputs"]],
            optimize=True,
            verbose=False,
        )
    if result is None:
        raise RuntimeError("torch.onnx.export returned nothing")
    return result.model_proto


def name_batch(proto: onnx.ModelProto, model: Dict[str, Any]) -> None:
    """Give inputs and outputs the shapes of model.json, in which the free dimension is called "batch"."""
    pairs = list(zip(proto.graph.input, model["inputs"])) + list(zip(proto.graph.output, model["outputs"]))
    for value, tensor in pairs:
        dimensions = value.type.tensor_type.shape.dim
        for dimension, side in zip(dimensions, tensor["shape"]):
            if isinstance(side, int):
                dimension.dim_value = side
            else:
                dimension.dim_param = side


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
