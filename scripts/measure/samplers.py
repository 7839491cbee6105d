"""What happened on the host while the samples were taken: counters read right before and right after them.

    with Window() as window:
        samples = sample(session, inputs, protocol)
    facts["window"] = window.facts

Nothing is read in between. ASSAY_SAMPLERS=off reads nothing at all, here and in the supervisor, so that a proof can
hold the one against the other. Standard library only, Python 3.8 on.
"""

import os
from typing import Any, Dict

from scripts.measure import counters, energy

SAMPLERS_VARIABLE = "ASSAY_SAMPLERS"


def on() -> bool:
    """Whether anything but the samples is read."""
    return os.environ.get(SAMPLERS_VARIABLE) != "off"


def _now() -> Dict[str, Any]:
    """All counters at this moment, the energy's (microjoules, by name) under `energy_uj`."""
    return {**counters.own(), "energy_uj": energy.read(), **counters.host()}


class Window:
    """`facts` has the counters `before` and `after`, by name; it is empty with samplers off."""

    def __init__(self) -> None:
        self.facts: Dict[str, Dict[str, Any]] = {}

    def __enter__(self) -> "Window":
        if on():
            self.facts["before"] = _now()
        return self

    def __exit__(self, *_error: object) -> None:
        if on():
            self.facts["after"] = _now()
