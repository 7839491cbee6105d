"""ONNX to ONNX in a lower precision, as ONNX Runtime wants it on a CPU: `model.onnx`, batch left free.

Sources: `onnx`, a folder with the fp32 `model.onnx`; for int8 `calibration`, a folder with inputs.npy.
Inputs and outputs stay float32. The same bytes serve every x86-64 CPU.

fp16: weights and activations in fp16. ONNX Runtime has hardly any kernels in fp16 for CPUs: it casts and computes in
float32. The session tells.

int8: static, for networks of convolutions as ONNX Runtime recommends. u8 activations, s8 weights per channel: on CPUs
with VNNI twice as fast as s8 activations. Without VNNI such sums may overflow; the recommended remedy, weights of
7 bits (reduce_range), would cost everybody a bit, so weights keep 8 and the compiler of such a host takes kernels that
do not overflow.

int8_dynamic: products of matrices, not convolutions. Recommended for recurrent networks and transformers; ONNX
Runtime's dynamic convolutions (ConvInteger) are slower than fp32.
"""

import tempfile
from pathlib import Path
from typing import Dict, Iterable, List, Optional

import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quant_pre_process,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.onnx_model import ONNXModel
from onnxruntime.quantization.registry import IntegerOpsRegistry, QLinearOpsRegistry
from onnxruntime.transformers.float16 import convert_float_to_float16

from scripts.core.quantised import Recipe, int8_share
from scripts.core.verb import Facts, Job, Unsupported, main
from scripts.measure.inputs import batch_of, stored
from scripts.onnxruntime.kernels import kernels
from scripts.onnxruntime.proto import operators, save
from scripts.onnxruntime.schemes import METHODS, Scheme, chosen, most_harmful
from scripts.onnxruntime.settings import PROVIDERS

FILE = "model.onnx"
STATIC = sorted(QLinearOpsRegistry)
"""Operators that ONNX Runtime has kernels in integers for. Its default adds some that would run in float between."""
DYNAMIC = sorted(set(IntegerOpsRegistry) - {"Conv"})
BATCH = 8
"""Samples at a time while calibrating: percentiles need all activations of a batch in memory."""


class Batches(CalibrationDataReader):  # type: ignore[misc]
    """The calibration inputs, a batch at a time. ONNX Runtime asks for ranges of batches by `set_range`."""

    def __init__(self, arrays: Dict[str, np.ndarray]) -> None:
        self._arrays = arrays
        self._count = len(next(iter(arrays.values())))
        self.set_range(0, len(self))

    def __len__(self) -> int:
        return -(-self._count // BATCH)

    def set_range(self, start_index: int, end_index: int) -> None:
        self._left = iter(range(start_index, end_index))

    def get_next(self) -> Optional[Dict[str, np.ndarray]]:
        """The next batch by input name; None at the end of the range."""
        start = next(self._left, None)
        if start is None:
            return None
        size = min(BATCH, self._count - start * BATCH)
        return batch_of(self._arrays, size, start * BATCH)


def fp16(source: Path) -> onnx.ModelProto:
    """The graph with weights and activations in fp16, its inputs and outputs cast."""
    model = ONNXModel(convert_float_to_float16(onnx.load(str(source)), keep_io_types=True))
    model.topological_sort()  # the casts of inputs come last
    return model.model


def static(
    source: Path, target: Path, arrays: Dict[str, np.ndarray], method: str, scheme: Scheme, kept: Iterable[str] = ()
) -> None:
    """Write the graph at `source` with pairs of QuantizeLinear and DequantizeLinear to `target`, but for `kept`."""
    quantize_static(
        str(source),
        str(target),
        Batches(arrays),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=STATIC,
        nodes_to_exclude=list(kept),
        per_channel=scheme.per_channel,
        activation_type=scheme.activation_type,
        weight_type=QuantType.QInt8,
        calibrate_method=METHODS[method],
        calibration_providers=[PROVIDERS["cpu"]],
        # CalibStridedMinMax, of every method: one batch at a time, or all activations are kept.
        extra_options={"CalibStridedMinMax": 1, "ActivationSymmetric": scheme.symmetric},
    )


def dynamic(source: Path, target: Path) -> None:
    """Write the graph at `source` with products of matrices whose inputs are quantised as it runs to `target`."""
    proto = onnx.load(str(source))
    del proto.graph.value_info[:]  # else what it is told does not fit what it makes of Gemm
    quantize_dynamic(proto, str(target), op_types_to_quantize=DYNAMIC, per_channel=True, weight_type=QuantType.QInt8)


def recipe(source: Path, method: str, quantised: Iterable[str], without: Iterable[str] = ()) -> Recipe:
    """What quantising all operators in `quantised` of the fp32 graph at `source`, but those named, would come to."""
    found = [kernel for kernel in kernels(source, PROVIDERS["cpu"]) if kernel.macs]
    kinds, named = set(quantised), set(without)
    kept = sorted(kernel.name for kernel in found if kernel.kind not in kinds or kernel.name in named)
    share = int8_share((kernel.macs, kernel.name not in kept) for kernel in found)
    if not share:
        raise Unsupported("nothing to quantise: the network has no %s" % " or ".join(sorted(kinds & MULTIPLYING)))
    return Recipe(method, share, kept)


MULTIPLYING = {"Conv", "Gemm", "MatMul"}


def quantise(job: Job, source: Path, target: Path) -> Recipe:
    """Write the int8 graph of `source` to `target`; return what it means to quantise."""
    if job.options["precision"] == "int8_dynamic":
        declared = recipe(source, "u8 activations as they come, s8 weights per channel", [*DYNAMIC, "Gemm"])
        dynamic(source, target)
        return declared
    scheme, method = chosen(job.options["variant"], job.options["calibration"])
    names = [node.name for node in onnx.load(str(source)).graph.input]
    arrays = stored(job.sources["calibration"], "inputs", names)
    count = len(next(iter(arrays.values())))
    kept: List[str] = []
    if scheme.kept:
        kept = most_harmful(source, batch_of(arrays, min(BATCH, count)), scheme.kept)
    declared = recipe(source, scheme.words(method, count), STATIC, kept)
    static(source, target, arrays, method, scheme, kept)
    return declared


def work(job: Job) -> Facts:
    source, options = job.sources["onnx"] / FILE, job.options
    facts: Facts = {}
    if options["precision"] == "fp16":
        proto = fp16(source)
    elif options["precision"] in ("int8", "int8_dynamic"):
        with tempfile.TemporaryDirectory() as scratch:
            prepared, made = Path(scratch) / "prepared.onnx", Path(scratch) / "made.onnx"
            quant_pre_process(str(source), str(prepared))
            declared = quantise(job, prepared, made)
            proto = onnx.load(str(made))
        declared.write(job.out)
        facts = {"recipe": declared._asdict()}
    else:
        raise Unsupported("ONNX Runtime runs no %s on a CPU" % options["precision"])
    save(proto, job.out / FILE)
    versions: List[str] = [ort.__version__, onnx.__version__, np.__version__]
    return dict(
        facts,
        versions=dict(zip(("onnxruntime", "onnx", "numpy"), versions)),
        operators=operators(proto),
        options=dict(options),
    )


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
