"""Convert a checkpoint to ONNX (runs in the torch environment; the file serves every runtime that reads ONNX).

Source: checkpoint. Writes model.onnx: float32, dynamic batch, weights inside, tensor names from model.json, and
nothing in it that depends on folders, line numbers or comments.
"""

import warnings
from typing import Any, Dict, Iterator, List

import onnx
import onnxscript
import torch

from scripts.core.verb import Facts, Job, Unsupported, main
from scripts.models import description

# The opset that PyTorch's exporter writes natively (any other goes through a version converter); every
# consumer here, TensorRT included, reads it.
OPSET = 18
MAX_BYTES = 2**31 - 1


def work(job: Job) -> Facts:
    """Write model.onnx, checked by onnx's checker and strict shape inference."""
    folder = job.sources["checkpoint"]
    model = description.read(folder)
    program = torch.export.load(str(folder / description.PROGRAM))
    proto = exported(program, model)
    strip(proto)
    name_batch(proto, model)
    if proto.ByteSize() > MAX_BYTES:
        raise Unsupported("an ONNX file holds at most 2 GB; this network takes %d bytes" % proto.ByteSize())
    onnx.checker.check_model(proto, full_check=True)
    with open(str(job.out / "model.onnx"), "wb") as stream:
        stream.write(proto.SerializeToString(deterministic=True))
    return {
        "versions": {"torch": torch.__version__, "onnx": onnx.__version__, "onnxscript": onnxscript.__version__},
        "operators": operators(proto),
        "options": {"opset": OPSET, "ir_version": proto.ir_version, "exporter": "torch.onnx dynamo", "optimize": True},
    }


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


def strip(message: Any) -> None:
    """Clear, in a protobuf message and all below it, what is no part of the computation.

    Metadata hold the exporter's stack traces and names of Python classes; shapes of inner tensors are the
    exporter's symbols, which some tools (quantisers) trip over and all can infer again.
    """
    names = {field.name for field in message.DESCRIPTOR.fields}
    for name in ("metadata_props", "doc_string", "value_info"):
        if name in names:
            message.ClearField(name)
    for inner in _inner(message):
        strip(inner)


def _inner(message: Any) -> Iterator[Any]:
    """The messages directly below `message`."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if hasattr(value, "DESCRIPTOR"):
            yield value
        else:
            yield from value


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


def operators(proto: onnx.ModelProto) -> Dict[str, int]:
    """How many of each operator, by the dtype of its first output: {"Conv:float32": 49}."""
    graph = onnx.shape_inference.infer_shapes(proto, strict_mode=True, data_prop=True).graph
    values: List[Any] = list(graph.value_info) + list(graph.output)
    dtypes = {value.name: value.type.tensor_type.elem_type for value in values}
    counts: Dict[str, int] = {}
    for node in graph.node:
        dtype = onnx.helper.tensor_dtype_to_np_dtype(dtypes[node.output[0]]).name
        key = "%s:%s" % (node.op_type, dtype)
        counts[key] = counts.get(key, 0) + 1
    return counts


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
