"""A network as an exported program and a state dict, as bytes that depend on the network alone."""

from collections import OrderedDict
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import torch

from scripts.core.verb import Mistake

MAX_BATCH = 1024
EXAMPLE_BATCH = 2


def example(inputs: Sequence[Dict[str, Any]], batch: int = EXAMPLE_BATCH) -> Tuple[torch.Tensor, ...]:
    """Zeros of the declared shapes and dtypes, with `batch` in place of "batch"."""
    shapes = [[batch if side == "batch" else side for side in tensor["shape"]] for tensor in inputs]
    return tuple(torch.zeros(shape, dtype=dtype(tensor["dtype"])) for shape, tensor in zip(shapes, inputs))


def dtype(name: str) -> torch.dtype:
    """The torch dtype of a name such as "float32"."""
    value: torch.dtype = getattr(torch, name)
    return value


def exported(
    network: torch.nn.Module, inputs: Sequence[Dict[str, Any]], any_size: bool = False
) -> torch.export.ExportedProgram:
    """Export `network` (in eval mode) with a batch dimension of 1 to 1024, without traces of its source files.

    any_size: images [N, C, H, W] with H and W free, as far as the network lets them be: `takes` tells.
    Raises `Mistake` where the network fixes its batch size.
    """
    batch = torch.export.Dim("batch", min=1, max=MAX_BATCH)
    sides = {2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO} if any_size else {}
    with torch.no_grad():
        try:
            free = tuple({0: batch, **sides} for _ in inputs)
            program = torch.export.export(network, example(inputs), dynamic_shapes=free)
        except torch._dynamo.exc.UserError as error:
            if "Dim" not in str(error) and "dynamic" not in str(error):
                raise
            reason = str(error).strip().splitlines()[0]
            raise Mistake(
                "the network works for one batch size only and cannot be exported for others: %s" % reason
            ) from error
    for module in program.graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            for node in module.graph.nodes:
                node.meta.pop("stack_trace", None)
    return program


def takes(program: torch.export.ExportedProgram, size: int) -> bool:
    """Whether a program takes images of `size` pixels, found by trying: PyTorch may keep to itself that it does not."""
    try:
        with torch.no_grad():
            program.module()(torch.zeros(EXAMPLE_BATCH, 3, size, size))
    except (RuntimeError, AssertionError):
        return False
    return True


def outputs(program: torch.export.ExportedProgram, names: Sequence[str]) -> List[Dict[str, Any]]:
    """Name, shape (with "batch" where it varies) and dtype of each output of `program`."""
    values = [node.meta["val"] for node in program.graph.output_node().args[0]]
    if len(names) != len(values):
        raise Mistake("outputs: %d named, but the network returns %d tensors" % (len(names), len(values)))
    return [
        {
            "name": name,
            "shape": [side if isinstance(side, int) else "batch" for side in value.shape],
            "dtype": str(value.dtype).replace("torch.", ""),
        }
        for name, value in zip(names, values)
    ]


def operators(program: torch.export.ExportedProgram) -> Dict[str, int]:
    """How many of each operator, by the dtype it returns: {"conv2d:float32": 33}."""
    counts: Dict[str, int] = {}
    for node in program.graph.nodes:
        value = node.meta.get("val")
        if node.op == "call_function" and isinstance(value, torch.Tensor):
            name = getattr(node.target, "__name__", str(node.target)).split(".")[0]
            key = "%s:%s" % (name, str(value.dtype).replace("torch.", ""))
            counts[key] = counts.get(key, 0) + 1
    return counts


def save_program(program: torch.export.ExportedProgram, path: Path) -> None:
    """Write `program`; the name of the file is part of its bytes."""
    torch.export.save(program, str(path))


def save_state(state: Dict[str, torch.Tensor], path: Path) -> None:
    """Write a state dict: contiguous CPU tensors that share nothing, in the network's order.

    The versions of its modules stay with it: some networks refuse weights that come without.
    """
    plain: "OrderedDict[str, torch.Tensor]" = OrderedDict()
    for key, tensor in state.items():
        plain[str(key)] = tensor.detach().cpu().contiguous().clone()
    if hasattr(state, "_metadata"):
        plain._metadata = state._metadata  # type: ignore[attr-defined]
    torch.save(plain, str(path))
