"""How ONNX Runtime is set up here: providers, session options, dtypes. Shared by `compile` and `session`."""

import platform
from pathlib import Path

import numpy as np
import onnxruntime as ort

from scripts.core.verb import Unsupported

PRECISIONS = ("fp32", "fp16", "int8", "int8_dynamic")
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}


def provider_of(device: str) -> str:
    """The execution provider for a device such as `cpu` or `cuda:0`. Raises Unsupported where this build lacks it."""
    provider = PROVIDERS.get(device.split(":")[0])
    here = ort.get_available_providers()
    if provider not in here:
        asked = "%s (for device %s)" % (provider, device) if provider else "a provider for device %s" % device
        raise Unsupported("ONNX Runtime %s here has no %s; it has %s" % (ort.__version__, asked, ", ".join(here)))
    return str(provider)


def saturates() -> bool:
    """Whether ONNX Runtime's products of u8 and s8 may overflow on this CPU: on x86-64 without VNNI.

    There it adds pairs of them in 16 bits. What it offers against that costs speed on CPUs that have no need of it, and
    it does not look for VNNI itself.
    """
    if platform.machine() not in ("x86_64", "AMD64"):
        return False
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    return not {"avx512_vnni", "avx_vnni"} & set(flags)


def settings(threads: int) -> ort.SessionOptions:
    """Session options that leave nothing to the environment: `threads` in all, graph taken as it is."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    return options
