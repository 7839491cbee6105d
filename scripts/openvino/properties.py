"""How OpenVINO is set up here, shared by `compile` and `session`: a blob does not remember any of it.

(Tried with 2026.4: a blob exported with f32 and one thread, imported without properties, runs in bf16 on two.)
"""

from typing import Any, Dict

import openvino as ov
import openvino.properties as props
import openvino.properties.device as device_props
import openvino.properties.hint as hint

from scripts.core.verb import Unsupported

PRECISIONS = {"fp32": ov.Type.f32, "fp16": ov.Type.f16, "bf16": ov.Type.bf16, "int8": ov.Type.f32}
"""The inference precision to ask for, of what is not quantised. Without it a CPU with bf16 takes bf16."""
CAPABILITIES = {"fp16": "FP16", "bf16": "BF16"}
"""What OpenVINO calls a device's ability to compute in a precision. It has f32 and int8 everywhere."""

CPU = "CPU"
"""OpenVINO's name for it; only there it has threads of its own."""

DTYPES = {"f32": "float32", "f16": "float16", "bf16": "bfloat16", "f64": "float64", "i8": "int8", "u8": "uint8"}
"""NumPy's names for those dtypes of OpenVINO that records count; others keep OpenVINO's own."""


def inference_precision(precision: str, device: str) -> ov.Type:
    """What the parts that are not quantised are to run in on OpenVINO's `device`.

    fp16 is first of all how weights are stored: where the device has no kernels in fp16, they are made f32 when the
    model is loaded, as OpenVINO does by default. Raises Unsupported for an unknown precision, and for bf16 on a
    device without.
    """
    if precision not in PRECISIONS:
        raise Unsupported("this room runs OpenVINO in %s; %s is not among them" % (", ".join(PRECISIONS), precision))
    needed = CAPABILITIES.get(precision)
    here = ov.Core().get_property(device, device_props.capabilities()) if needed else ()
    if needed is None or needed in here:
        return PRECISIONS[precision]
    if precision == "bf16":
        raise Unsupported("this %s does not compute in bf16; OpenVINO finds %s" % (device, ", ".join(here)))
    return ov.Type.f32


def properties(precision: str, device: str, threads: int, streams: int = 1) -> Dict[Any, Any]:
    """Properties for `streams` requests at a time on `threads` threads in all.

    Raises Unsupported for a precision that is unknown or not to be had on OpenVINO's `device`.
    """
    found = {
        hint.inference_precision(): inference_precision(precision, device),
        hint.performance_mode(): hint.PerformanceMode.LATENCY if streams == 1 else hint.PerformanceMode.THROUGHPUT,
        props.num_streams(): streams,
    }
    if device == CPU:
        found[props.inference_num_threads()] = threads
    return found


def device_of(device: str) -> str:
    """OpenVINO's name for a device. Raises Unsupported where OpenVINO does not find it here."""
    name = {"cpu": CPU, "intel_gpu": "GPU"}.get(device)
    here = ov.Core().available_devices
    if name not in here:
        raise Unsupported("OpenVINO %s finds no device %s here; it finds %s" % (version(), device, ", ".join(here)))
    return str(name)


def version() -> str:
    """OpenVINO's version without the build's number and branch, such as "2026.4.1"."""
    return str(ov.__version__).split("-")[0]
