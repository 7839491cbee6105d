"""The inputs on which TensorRT's calibrator finds the ranges of int8, and which calibrator that is."""

from typing import Dict, List

import numpy as np

from scripts.core.verb import Unsupported

VARIANT = "calibrator"
"""Of int8: TensorRT finds the ranges itself, rather than reading them from the graph."""
FILE = "calibration.npz"
"""Beside the portable graph of that variant: the inputs [N, ...] by name."""
KINDS = {"auto": "IInt8EntropyCalibrator2", "minmax": "IInt8MinMaxCalibrator"}
"""TensorRT's classes by the config's `calibration.method`."""

Arrays = Dict[str, np.ndarray]


def kind_of(method: str) -> str:
    """TensorRT's class for a way of finding ranges. Raises Unsupported if it has none such."""
    if method not in KINDS:
        words = "TensorRT's calibrators find ranges by entropy or by the largest value, not by %s; ask for "
        raise Unsupported((words + "calibration.method: auto or minmax") % method)
    return KINDS[method]


def batches(inputs: Arrays, batch: int) -> List[Arrays]:
    """All inputs [N, ...], `batch` of them at a time [batch, ...]; the last is filled up from the beginning."""
    count = len(next(iter(inputs.values())))
    places = [np.arange(start, start + batch) % count for start in range(0, count, batch)]
    return [{name: np.ascontiguousarray(values[place]) for name, values in inputs.items()} for place in places]
