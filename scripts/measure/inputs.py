"""The real inputs and reference outputs that verify and measure share. Standard library and NumPy, Python 3.8 on."""

import json
from pathlib import Path
from typing import Any, Dict, List

import numpy as np

from scripts.core.door import Arrays


def read_model(checkpoint: Path) -> Dict[str, Any]:
    """The network's description, `model.json`."""
    described: Dict[str, Any] = json.loads((checkpoint / "model.json").read_text())
    return described


def with_names(options: Dict[str, Any], model: Dict[str, Any]) -> Dict[str, Any]:
    """A session's options, completed by the names of the network's inputs and outputs."""
    names = {key: [tensor["name"] for tensor in model[key]] for key in ("inputs", "outputs")}
    return dict(options, **names)


def stored(reference: Path, kind: str, names: List[str]) -> Arrays:
    """The reference's arrays ("inputs" or "logits") by tensor name, [N, ...], mapped from disk."""
    if len(names) == 1:
        return {names[0]: np.load(str(reference / (kind + ".npy")), mmap_mode="r")}
    return {name: np.load(str(reference / ("%s.%s.npy" % (kind, name))), mmap_mode="r") for name in names}


def batch_of(arrays: Arrays, batch: int, start: int = 0) -> Arrays:
    """`batch` rows from `start` on, C-contiguous and owned; the last row is repeated where there are too few."""
    picked = {}
    for name, values in arrays.items():
        rows = np.minimum(np.arange(start, start + batch), len(values) - 1)
        picked[name] = np.ascontiguousarray(values[rows])
    return picked
