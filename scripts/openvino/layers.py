"""What a compiled OpenVINO model consists of, read from its runtime model."""

from collections import Counter
from typing import List, NamedTuple

import openvino as ov

MULTIPLYING = ("Convolution", "Deconvolution", "FullyConnected", "MatMul")
"""Types of layers that do the work; others only move or convert integers."""


class Layer(NamedTuple):
    """One executed layer: its type, the precision it runs in ("f32"), its kernel ("brgconv_avx512_1x1")."""

    kind: str
    precision: str
    kernel: str


def layers(compiled: ov.CompiledModel) -> List[Layer]:
    """The layers that run a kernel; constants, the graph's ends and layers that move no data are left out."""
    found = []
    for operator in compiled.get_runtime_model().get_ordered_ops():
        about = operator.get_rt_info()
        kind, precision, primitive = (
            about[key].astype(str) for key in ("layerType", "runtimePrecision", "primitiveType")
        )
        if not primitive.startswith("unknown"):
            found.append(Layer(kind, precision, primitive.replace("_" + precision, "")))
    return found


def integers(found: "List[Layer]") -> int:
    """How many layers multiply integers."""
    return sum(layer.kind in MULTIPLYING and layer.precision in ("u8", "i8") for layer in found)


def summary(found: "List[Layer]") -> str:
    """One phrase such as "55 kernels in f32: 34 brgconv_avx512_1x1, 17 brgconv_avx512_dw, 4 others"."""
    precisions = Counter(layer.precision for layer in found).most_common()
    kernels = Counter(layer.kernel for layer in found).most_common()
    shown = ["%d %s" % (count, name) for name, count in kernels[:2]]
    others = sum(count for _, count in kernels[2:])
    spread = " and ".join("%d kernels in %s" % (count, precision) for precision, count in precisions)
    return "%s: %s" % (spread, ", ".join(shown + (["%d others" % others] if others else [])))
