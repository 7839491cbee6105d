"""What converters ask of an exported program (`program.pt2`)."""

from pathlib import Path
from typing import Any, Tuple


def load(checkpoint: Path) -> Any:
    """The exported program of a checkpoint's folder. Ours, made by `prepare`: it runs no foreign code."""
    import torch

    return torch.export.load(str(checkpoint / "program.pt2"))


def example(program: Any, batch: int) -> Tuple[Any, ...]:
    """Zeros for its inputs, of its own shapes and dtypes, the dynamic dimension being `batch`."""
    import torch

    names = set(program.graph_signature.user_inputs)
    nodes = [node for node in program.graph.nodes if node.op == "placeholder" and node.name in names]
    shapes = [[size if isinstance(size, int) else batch for size in node.meta["val"].shape] for node in nodes]
    return tuple(torch.zeros(shape, dtype=node.meta["val"].dtype) for shape, node in zip(shapes, nodes))
