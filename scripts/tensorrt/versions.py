"""What differs between TensorRT 8.6, 10, 11 and TensorRT for RTX. The rest of the room knows one TensorRT.

`trt` is the module that this environment has, or None; `require` says what is missing.
"""

import ctypes
import glob
import importlib
import importlib.util
import os
import sys
from typing import Any, List, Optional, Tuple

from scripts.core.verb import Unsupported

TITLES = {"tensorrt": "TensorRT", "tensorrt_rtx": "TensorRT for RTX"}
TYPED = "tensorrt_typed"
"""The runtime that is TensorRT with strongly typed networks."""
MODULES = {"tensorrt": ("tensorrt", "tensorrt_bindings"), "tensorrt_rtx": ("tensorrt_rtx", "tensorrt_rtx_bindings")}
NEEDS = {
    "tensorrt": "NVIDIA's libraries (`tensorrt` 8.6, or newer by an interpreter that has them) and an NVIDIA GPU",
    "tensorrt_rtx": "the wheels `tensorrt-rtx-cu13-libs` and `tensorrt-rtx-cu13-bindings`",
}
LINKED = ("libcublasLt.so.12", "libcublas.so.12", "libcudnn.so.8")
"""What the libraries of TensorRT 8.6 are linked against and do not find in NVIDIA's other wheels by themselves."""


def _preload() -> None:
    """Load what TensorRT 8.6 is linked against from NVIDIA's wheels, where they are installed."""
    for name in LINKED:
        for folder in sys.path:
            for file in glob.glob(os.path.join(folder, "nvidia", "*", "lib", name)):
                ctypes.CDLL(file, mode=ctypes.RTLD_GLOBAL)


os.environ.setdefault("CUDA_MODULE_LOADING", "LAZY")
"""Load kernels when they are first called, as CUDA does by itself from 12.2 on: all of TensorRT 8.6's take 10 s."""


def _find() -> "Tuple[Any, Optional[str], str]":
    """The module, its runtime's name, and what was wrong with those that were tried."""
    wrong: List[str] = []
    for runtime, names in MODULES.items():
        if importlib.util.find_spec(names[0]) or importlib.util.find_spec(names[1]):
            _preload()
        for name in names:
            try:
                return importlib.import_module(name), runtime, ""
            except (ImportError, OSError) as error:
                wrong.append(str(error))
    return None, None, "; ".join(wrong)


trt, FOUND, WRONG = _find()


def require(runtime: str) -> str:
    """The version of `runtime` in this environment. Raises Unsupported, saying what is missing."""
    library = library_of(runtime)
    if library == FOUND:
        return str(trt.__version__)
    here = "it has %s" % TITLES[FOUND] if FOUND else WRONG
    raise Unsupported("%s is not in this environment (%s); it takes %s" % (TITLES[library], here, NEEDS[library]))


def library_of(runtime: str) -> str:
    """Which TensorRT a runtime is: that for RTX, or the other."""
    return "tensorrt" if runtime == TYPED else runtime


def builds_without_gpu(runtime: str) -> bool:
    """Whether engines are built ahead of time for a named GPU, rather than on the GPU that will run them."""
    return runtime == "tensorrt_rtx"


def logger() -> Any:
    """A TensorRT logger that keeps what it is told: `messages`, pairs of severity and text."""

    class Log(trt.ILogger):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.messages: List[Tuple[Any, str]] = []

        def log(self, severity: Any, message: str) -> None:
            self.messages.append((severity, message))

    return Log()


def complaints(log: Any) -> str:
    """What TensorRT complained about, in one line; for the end of an error's sentence."""
    severe = (trt.ILogger.Severity.ERROR, trt.ILogger.Severity.INTERNAL_ERROR)
    return " ".join(text.strip() for severity, text in log.messages if severity in severe) or "it does not say why"


def strongly_typed(runtime: str) -> bool:
    """Whether precision lies in the graph alone rather than in flags of the builder, which 11 no longer has."""
    return runtime != "tensorrt" or not _has_flags()


def _has_flags() -> bool:
    return hasattr(trt.BuilderFlag, "FP16")


FLAGS = {"fp32": (), "tf32": ("TF32",), "fp16": ("FP16",), "int8": ("INT8", "FP16")}
"""What the builder may use in a graph that does not say its own precisions; beside float32, always."""


def allow(config: Any, runtime: str, precision: str) -> None:
    """Let the builder compute in `precision`. Raises Unsupported where this version takes that from the graph alone.

    TF32, which it uses by default, is for those who ask for it.
    """
    config.clear_flag(trt.BuilderFlag.TF32)
    if strongly_typed(runtime):
        if runtime == "tensorrt" and precision not in ("fp32", "tf32"):
            words = "TensorRT %s takes precisions from the graph alone: ask for the runtime %s"
            raise Unsupported(words % (trt.__version__, TYPED))
        if precision == "tf32":
            config.set_flag(trt.BuilderFlag.TF32)
        return
    if precision not in FLAGS:
        raise Unsupported("TensorRT %s does not compute in %s" % (trt.__version__, precision))
    for name in FLAGS[precision]:
        config.set_flag(getattr(trt.BuilderFlag, name))


def create_network(builder: Any, runtime: str) -> Any:
    """An empty network of the kind that this version wants. Raises Unsupported where it has no such kind."""
    flags = trt.NetworkDefinitionCreationFlag
    if strongly_typed(runtime):
        if not hasattr(flags, "STRONGLY_TYPED"):
            words = "TensorRT %s has no strongly typed networks, 10 and newer do: ask for the runtime tensorrt"
            raise Unsupported(words % trt.__version__)
        return builder.create_network(1 << int(flags.STRONGLY_TYPED))
    return builder.create_network(1 << int(flags.EXPLICIT_BATCH) if hasattr(flags, "EXPLICIT_BATCH") else 0)


def parser_error(error: Any) -> str:
    """One sentence for what the ONNX parser refused."""
    name = error.node_name() if hasattr(error, "node_name") else ""
    kind = error.node_operator() if hasattr(error, "node_operator") else ""
    node = "node %d" % error.node() + (" (%s %s)" % (kind, name) if kind else "")
    return "%s: %s" % (node, error.desc().strip())


def targets() -> "List[str]":
    """The GPUs that an engine can be built for without having one: "sm75", "sm80", ..."""
    return [name.lower() for name in trt.ComputeCapability.__members__ if name.startswith("SM")]


def set_target(config: Any, target: str) -> None:
    """Build for the GPU `target`, such as "sm86". Raises Unsupported if this version cannot."""
    if target not in targets():
        raise Unsupported(
            "TensorRT for RTX %s builds for %s; not for %s" % (trt.__version__, ", ".join(targets()), target)
        )
    config.num_compute_capabilities = 1
    config.set_compute_capability(getattr(trt.ComputeCapability, target.upper()), 0)
