"""What happened on the host while the samples were taken: counters read right before and right after them.

    with Window(device) as window:
        samples = sample(session, inputs, protocol)
    facts["window"] = window.facts

Nothing is read in between. ASSAY_SAMPLERS=off reads nothing at all, here and in the supervisor, so that a proof can
hold the one against the other. Standard library only, Python 3.8 on.
"""

import os
from typing import Any, Dict

from scripts.measure import counters, energy
from scripts.nvidia import nvml
from scripts.nvidia.device import is_gpu

SAMPLERS_VARIABLE = "ASSAY_SAMPLERS"


def on() -> bool:
    """Whether anything but the samples is read."""
    return os.environ.get(SAMPLERS_VARIABLE) != "off"


def _now(device: str) -> Dict[str, Any]:
    """All counters at this moment, the energy's (microjoules, by name) under `energy_uj`, a GPU's state under `gpu`."""
    gpu = {"gpu": nvml.state(device)} if is_gpu(device) else {}
    return {**counters.own(), **gpu, "energy_uj": energy.read(device=device), **counters.host()}


class Window:
    """`facts` has the counters `before` and `after`, by name; empty with samplers off. device: the candidate's."""

    def __init__(self, device: str = "cpu") -> None:
        self.device = device
        self.facts: Dict[str, Dict[str, Any]] = {}

    def __enter__(self) -> "Window":
        if on():
            self.facts["before"] = _now(self.device)
        return self

    def __exit__(self, *_error: object) -> None:
        if on():
            self.facts["after"] = _now(self.device)
