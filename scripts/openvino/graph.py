"""OpenVINO's graphs before they are compiled: names that follow from the graph, operators, layers with weights."""

import re
from collections import Counter
from math import prod
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

import openvino as ov

from scripts.core.quantised import USUAL_SIZE, macs
from scripts.openvino.properties import DTYPES

COUNTED = re.compile(r"[A-Z][A-Za-z]*_\d+")
"""A name OpenVINO made up: an operator's type and a counter that runs over all networks of the process."""
TRANSPOSED = ("ConvolutionBackpropData", "GroupConvolutionBackpropData")
MULTIPLYING = ("Convolution", "GroupConvolution", "MatMul", *TRANSPOSED)
STORING = ("Convert", "Multiply", "Subtract", "Reshape", "FakeQuantize")
"""What may lie between stored weights and the layer that they belong to."""
PASSING = ("Relu", "Clamp", "MaxPool", "Pad", "Reshape", "Squeeze", "Unsqueeze", "Transpose", "Split", "VariadicSplit")
"""What may lie between where activations are quantised and the layer that multiplies them, in integers itself."""


class Weighted(NamedTuple):
    """A convolution or a product of matrices.

    macs:    its multiplications for one sample
    stored:  dtype that its weights are stored in ("f32", "f16", "i8"); "" of a product of two activations
    integers:  whether both sides of what it multiplies are quantised
    """

    name: str
    macs: float
    stored: str
    integers: bool


def fix_shape(model: ov.Model, batch: int, image_size: Optional[int]) -> None:
    """Set what is free in every input's shape: the first dimension is the batch, others are sides of images."""
    shapes = {port: port.get_partial_shape() for port in model.inputs}
    for shape in shapes.values():
        for place, side in enumerate(shape):
            if side.is_dynamic:
                shape[place] = image_size if place else batch
    model.reshape(shapes)


def name_by_place(model: ov.Model) -> None:
    """Give operators with made-up names one that follows from the graph alone. Tensor names stay."""
    for place, operator in enumerate(model.get_ordered_ops()):
        if COUNTED.fullmatch(operator.get_friendly_name()):
            operator.set_friendly_name("%s.%d" % (operator.get_type_name(), place))


def operators(model: ov.Model) -> Dict[str, int]:
    """Operators counted by type and dtype of their first output, constants and the graph's ends left out."""
    ends = ("Constant", "Parameter", "Result")
    kinds = [operator for operator in model.get_ordered_ops() if operator.get_type_name() not in ends]
    names = [(operator.get_type_name(), operator.get_output_element_type(0).get_type_name()) for operator in kinds]
    return dict(Counter("%s:%s" % (kind, DTYPES.get(dtype, dtype)) for kind, dtype in names))


def weighted(model: ov.Model) -> List[Weighted]:
    """The layers that multiply, in order. The model stays as it is."""
    copy = model.clone()
    fix_shape(copy, 1, USUAL_SIZE)
    return list(_weighted(copy))


def _weighted(model: ov.Model) -> Iterator[Weighted]:
    for operator in model.get_ordered_ops():
        if operator.get_type_name() in MULTIPLYING:
            weights = list(_path(operator, 1, STORING))
            constant = weights[-1].get_type_name() == "Constant"
            stored = weights[-1].get_output_element_type(0).get_type_name() if constant else ""
            sides = [weights if constant else list(_path(operator, 1, PASSING)), list(_path(operator, 0, PASSING))]
            integers = all(any(map(_quantised, side)) for side in sides)
            yield Weighted(operator.get_friendly_name(), multiplications(operator), stored, integers)


def _path(operator: Any, port: int, over: Tuple[str, ...]) -> Iterator[Any]:
    """What feeds an operator's input, back over operators of the types `over`."""
    source = operator.input_value(port).get_node()
    yield source
    while source.get_type_name() in over:
        source = source.input_value(0).get_node()
        yield source


def _quantised(operator: Any) -> bool:
    """Whether an operator gives integers, or what stands for them."""
    if operator.get_type_name() == "Constant":
        return operator.get_output_element_type(0) in (ov.Type.i8, ov.Type.u8)
    return str(operator.get_type_name()) == "FakeQuantize"


def multiplications(operator: Any) -> float:
    """Multiplications of a convolution or a product of matrices, from its static shapes."""
    first, second, made = operator.get_input_shape(0), operator.get_input_shape(1), operator.get_output_shape(0)
    kind = operator.get_type_name()
    if kind == "MatMul":
        return float(prod(first) * (made[-1] if len(made) else 1))
    image = first if kind in TRANSPOSED else made
    return macs(prod(image), prod(second), image[1])
