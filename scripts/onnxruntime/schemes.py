"""Ways to static int8 in ONNX Runtime: the usual one (`default`), and those that `tune` tries."""

from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

import numpy as np
import onnx
import onnxruntime as ort
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationMethod, QuantType

from scripts.core.verb import Unsupported
from scripts.onnxruntime.kernels import kernels
from scripts.onnxruntime.proto import is_transposed
from scripts.onnxruntime.settings import PROVIDERS, settings

METHODS = {
    "auto": CalibrationMethod.MinMax,  # ONNX Runtime's default
    "minmax": CalibrationMethod.MinMax,
    "percentile": CalibrationMethod.Percentile,
}


class Scheme(NamedTuple):
    """One way.

    method:       of calibration, in place of the config's
    per_channel:  whether each output channel's weights have a scale of their own
    symmetric:    s8 activations around zero instead of u8 ones with a zero point
    kept:         how many layers stay in float32: those whose rounding harms most
    """

    method: Optional[str] = None
    per_channel: bool = True
    symmetric: bool = False
    kept: int = 0

    @property
    def activation_type(self) -> QuantType:
        """The dtype of the activations."""
        return QuantType.QInt8 if self.symmetric else QuantType.QUInt8

    def words(self, method: str, samples: int) -> str:
        """For people; method: of calibration, as asked."""
        named = METHODS[method].name
        activations = "%s activations (%s of %d samples)" % ("s8" if self.symmetric else "u8", named, samples)
        return "%s, s8 weights per %s" % (activations, "channel" if self.per_channel else "tensor")


SCHEMES = {
    "default": Scheme(),
    "percentile": Scheme(method="percentile"),
    "per_tensor": Scheme(per_channel=False),
    "symmetric": Scheme(symmetric=True),
    "mixed": Scheme(kept=5),
}


def chosen(variant: str, asked: str) -> "tuple[Scheme, str]":
    """The scheme of a variant and its method of calibration. asked: the config's, where the scheme has none."""
    scheme = SCHEMES[variant]
    method = scheme.method or asked
    if method not in METHODS:
        words = "ONNX Runtime is calibrated here by %s; %s is not among them"
        raise Unsupported(words % (", ".join(METHODS), method))
    return scheme, method


def most_harmful(source: Path, arrays: Dict[str, np.ndarray], count: int) -> List[str]:
    """The names of the `count` layers whose rounded weights change the outputs most, the worst first.

    source: the float32 graph; arrays: a few inputs, by name. Each layer in turn gets the weights that int8 would leave
    it (symmetric, per output channel), all else stays: the squared error of the outputs is that layer's own.
    """
    proto = onnx.load(str(source))
    weights = {tensor.name: tensor for tensor in proto.graph.initializer}
    layers = {kernel.name for kernel in kernels(source, PROVIDERS["cpu"]) if kernel.macs}
    wanted, errors = _outputs(proto, arrays), {}
    for node in proto.graph.node:
        if node.name in layers and len(node.input) > 1 and node.input[1] in weights:
            tensor = weights[node.input[1]]
            kept = onnx.TensorProto.FromString(tensor.SerializeToString())
            axis = 1 if node.op_type in ("Gemm", "MatMul") and not is_transposed(node) else 0
            tensor.CopyFrom(numpy_helper.from_array(rounded(numpy_helper.to_array(kept), axis), kept.name))
            got = _outputs(proto, arrays)
            errors[node.name] = sum(float(np.sum((a - b) ** 2)) for a, b in zip(got, wanted))
            tensor.CopyFrom(kept)
    return sorted(errors, key=lambda name: -errors[name])[:count]


def rounded(weights: np.ndarray, axis: int) -> np.ndarray:
    """float32 weights as int8 leaves them: 127 steps either side of zero for each channel along `axis`."""
    others = tuple(i for i in range(weights.ndim) if i != axis)
    scale = np.maximum(np.abs(weights).max(axis=others, keepdims=True) / 127, np.finfo(np.float32).tiny)
    near: np.ndarray = (np.round(weights / scale) * scale).astype(np.float32)
    return near


def _outputs(proto: onnx.ModelProto, arrays: Dict[str, np.ndarray]) -> List[np.ndarray]:
    session = ort.InferenceSession(proto.SerializeToString(), settings(threads=1), providers=[PROVIDERS["cpu"]])
    found: List[np.ndarray] = session.run(None, arrays)
    return found
