"""The library, which no environment of ours holds: NVIDIA's own index has what it stands on."""

from typing import Any

from scripts.core.verb import Unsupported

try:
    import torch_tensorrt

    WRONG = ""
except (ImportError, OSError) as error:
    torch_tensorrt, WRONG = None, str(error)


def require() -> Any:
    """The module. Raises Unsupported, saying what to do, where this Python has none that can be loaded."""
    if torch_tensorrt is None:
        raise Unsupported(
            "Torch-TensorRT is not in this environment (%s); name a Python that has PyTorch, torch-tensorrt and "
            "NVIDIA's TensorRT libraries under interpreters.torch" % WRONG
        )
    return torch_tensorrt
