"""What a compiled OpenVINO model consists of, read from its runtime model."""

from collections import Counter
from math import prod
from typing import Any, List, NamedTuple, Optional

import openvino as ov

from scripts.core import quantised

FLOATS = ("f32", "f16", "bf16", "f64")
INTEGERS = ("u8", "i8")


class Layer(NamedTuple):
    """One executed layer.

    kind:       its type, such as "Convolution"
    precision:  what it runs in, such as "f32"
    kernel:     such as "brgconv_avx512_1x1"
    macs:       its multiplications for one batch; 0 for all but convolutions and products of matrices
    """

    kind: str
    precision: str
    kernel: str
    macs: float

    @property
    def in_integers(self) -> bool:
        """Whether it multiplies integers; others may move or convert them."""
        return self.macs > 0 and self.precision in INTEGERS


def layers(compiled: ov.CompiledModel) -> List[Layer]:
    """The layers that run a kernel; constants, the graph's ends and layers that move no data are left out."""
    found = []
    for operator in compiled.get_runtime_model().get_ordered_ops():
        about = operator.get_rt_info()
        kind, precision, primitive = (
            about[key].astype(str) for key in ("layerType", "runtimePrecision", "primitiveType")
        )
        if not primitive.startswith("unknown"):
            kernel, _, computes = primitive.rpartition("_")
            if computes in FLOATS:  # with weights stored in f16 an f32 kernel is told to be f16 otherwise
                precision, primitive = computes, kernel
            found.append(Layer(kind, precision, primitive, multiplications(kind, operator)))
    return found


def multiplications(kind: str, operator: Any) -> float:
    """Multiplications of one run of a layer of the type `kind`, from the shapes of its inputs and its output."""
    if kind in ("Convolution", "Deconvolution"):
        weights, made = operator.get_input_shape(1), operator.get_output_shape(0)
        image = operator.get_input_shape(0) if kind == "Deconvolution" else made
        return quantised.macs(prod(image), prod(weights), image[1])
    if kind in ("FullyConnected", "MatMul"):
        made = operator.get_output_shape(0)
        return float(prod(operator.get_input_shape(0)) * (made[-1] if len(made) else 1))
    return 0.0


def int8_share(found: "List[Layer]") -> Optional[float]:
    """Share of the multiplications that run in integers, 0 to 1; None of a network without any."""
    return quantised.int8_share((layer.macs, layer.in_integers) for layer in found)


def summary(found: "List[Layer]") -> str:
    """One phrase such as "55 kernels in f32: 34 brgconv_avx512_1x1, 17 brgconv_avx512_dw, 4 others"."""
    precisions = Counter(layer.precision for layer in found).most_common()
    kernels = Counter(layer.kernel for layer in found).most_common()
    shown = ["%d %s" % (count, name) for name, count in kernels[:2]]
    others = sum(count for _, count in kernels[2:])
    spread = " and ".join("%d kernels in %s" % (count, precision) for precision, count in precisions)
    return "%s: %s" % (spread, ", ".join(shown + (["%d others" % others] if others else [])))
