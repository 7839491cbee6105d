"""A session that is slower than it need be, by a known share: what a proof plants to see whether it is found.

`options["planted"]` names the real room and the share, such as {"room": "onnxruntime", "slower": 0.05}: after each
execution it waits, busy, for that share of the time the execution took.
"""

import importlib
from pathlib import Path
from time import perf_counter_ns
from typing import Any, Dict, Optional

from scripts.core.door import Arrays, Placement, Session


def open(artifact: Path, options: Dict[str, Any]) -> Session:
    """Open the real candidate and slow it down."""
    planted = options["planted"]
    room = importlib.import_module("scripts.%s.session" % planted["room"])
    return Planted(room.open(artifact, options), planted["slower"])


class Planted(Session):
    """The real session; only `execute` takes longer, by the share `slower`."""

    def __init__(self, session: Session, slower: float) -> None:
        self._session, self._factor = session, 1 + slower

    def put(self, inputs: Arrays) -> None:
        self._session.put(inputs)

    def execute(self) -> None:
        start = perf_counter_ns()
        self._session.execute()
        until = start + int((perf_counter_ns() - start) * self._factor)
        while perf_counter_ns() < until:
            pass

    def get(self) -> Arrays:
        return self._session.get()

    def threads(self) -> Optional[int]:
        return self._session.threads()

    def placement(self) -> Placement:
        return self._session.placement()

    def close(self) -> None:
        self._session.close()
