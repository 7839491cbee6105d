"""Inputs of networks that take arrays instead of photos: drawn from a fixed seed, or read from an `.npz`."""

from pathlib import Path
from typing import Any, Dict, List, Sequence

import numpy as np

from scripts.core.verb import Mistake

SEED = 20240601


def drawn(inputs: Sequence[Dict[str, Any]], count: int) -> List[np.ndarray]:
    """`count` samples of each declared input: standard normal floats; integers from 0 up to `high` (2)."""
    random = np.random.default_rng(SEED)
    return [_draw(random, tensor, (count,) + tuple(tensor["shape"][1:])) for tensor in inputs]


def _draw(random: np.random.Generator, tensor: Dict[str, Any], shape: Sequence[int]) -> np.ndarray:
    name = tensor["dtype"]
    if name == "bool":
        return random.integers(0, 2, shape).astype(np.bool_)
    if "int" in name:
        return random.integers(0, tensor.get("high", 2), shape).astype(name)
    return random.standard_normal(shape, dtype=np.float32).astype(name)


def read(path: Path, inputs: Sequence[Dict[str, Any]]) -> List[np.ndarray]:
    """The declared inputs out of an `.npz`, by name, each [N, ...]; raises `Mistake` where they do not fit."""
    try:
        with np.load(str(path), allow_pickle=False) as stored:
            found = {name: stored[name] for name in stored.files}
    except (OSError, ValueError) as error:
        raise Mistake("samples: %s cannot be read as an .npz of arrays (%s)" % (path, error)) from None
    values = []
    for tensor in inputs:
        value = found.get(tensor["name"])
        if value is None:
            raise Mistake(
                "samples: %s holds no %s; it holds %s" % (path, tensor["name"], ", ".join(found) or "nothing")
            )
        if list(value.shape[1:]) != tensor["shape"][1:] or str(value.dtype) != tensor["dtype"]:
            raise Mistake(
                "samples: %s in %s is %s %s; the config declares %s %s"
                % (tensor["name"], path, value.dtype, list(value.shape), tensor["dtype"], tensor["shape"])
            )
        values.append(np.ascontiguousarray(value))
    if len({len(value) for value in values}) > 1 or not len(values[0]):
        raise Mistake("samples: the arrays in %s hold different numbers of samples, or none" % path)
    return values
