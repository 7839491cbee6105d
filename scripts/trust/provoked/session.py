"""A session whose toolchain is made to fall back in silence: what a drill provokes to see whether it is noticed.

`options["provoked"]` names the real room and what is done to its toolchain before the room opens the candidate. The
room itself is as it is for everybody.
"""

import importlib
from pathlib import Path
from typing import Any, Callable, Dict

from scripts.core.door import Session


def open(artifact: Path, options: Dict[str, Any]) -> Session:
    """Open the real candidate, its toolchain provoked."""
    provoked = options["provoked"]
    room = importlib.import_module("scripts.%s.session" % provoked["room"])
    PROVOCATIONS[provoked["how"]](room)
    session: Session = room.open(artifact, options)
    return session


def _claim_cuda(room: Any) -> None:
    """ONNX Runtime claims CUDA, as its GPU build does on a machine without a GPU. Asked for it, it takes the CPU."""
    there = room.ort.get_available_providers()
    room.ort.get_available_providers = lambda: ["CUDAExecutionProvider", *there]


def _without_xnnpack(room: Any) -> None:
    """LiteRT's interpreter as it is with its own kernels alone."""
    from ai_edge_litert.interpreter import OpResolverType

    interpreter: Callable[..., Any] = room.Interpreter
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    room.Interpreter = lambda *args, **more: interpreter(*args, experimental_op_resolver_type=plain, **more)


PROVOCATIONS: Dict[str, Callable[[Any], None]] = {
    "claim_cuda": _claim_cuda,
    "without_xnnpack": _without_xnnpack,
}
