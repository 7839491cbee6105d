"""The door of every backend: `scripts.ROOM.session.open(artifact, options) -> Session`.

`verify` and `measure` know runtimes only through it. A room's `session.py` imports its toolchain at
the top (the worker times that import), sets threads through the runtime's own interface, and never
falls back in silence: what the runtime really did is read back in `placement()`.

Standard library and NumPy only, Python 3.8 on.
"""

from typing import Any, Dict, List, NamedTuple, Optional

import numpy as np

from scripts.core.verb import Unsupported
from scripts.nvidia.device import is_gpu

Arrays = Dict[str, np.ndarray]


class Placement(NamedTuple):
    """Where the work really ran.

    summary:   one short phrase for people, such as "66 of 66 nodes on CPUExecutionProvider"
    share:     share of operators on the asked-for device or delegate, 0 to 1; None if not readable
    degraded:  why this is not what was asked for; None if it is
    int8_share:  share of the network's multiplications (MACs) that run in integers, 0 to 1; None if not readable
    """

    summary: str
    share: Optional[float] = None
    degraded: Optional[str] = None
    int8_share: Optional[float] = None


class Options(NamedTuple):
    """What a session is opened with.

    threads:  of all streams together
    inputs, outputs:  the model's tensor names, in order
    streams:  requests in flight at a time: the opened session and so many clones less one, each driven by a Python
        thread of its own. A room that cannot have so many raises NotImplementedError.
    """

    runtime: str
    precision: str
    variant: str
    device: str
    threads: int
    batch: int
    image_size: int
    inputs: List[str]
    outputs: List[str]
    streams: int = 1

    @classmethod
    def of(cls, values: Dict[str, Any]) -> "Options":
        """From a dict that may hold more keys than these."""
        return cls(**{name: values[name] for name in cls._fields if name in values or name not in cls._field_defaults})

    @property
    def threads_each(self) -> int:
        """Threads of one stream, where streams have threads of their own."""
        return max(1, self.threads // self.streams)

    def require_built_for(self, built: Dict[str, Any]) -> None:
        """Raise Unsupported where what was compiled serves another batch size or, on the CPU, number of threads."""
        for name in ("batch",) if is_gpu(self.device) else ("threads", "batch"):
            asked = getattr(self, name)
            if built[name] != asked:
                raise Unsupported("compiled for %s %d; asked for %d: compile it again" % (name, built[name], asked))


class Session:
    """One loaded candidate. A sample is put, execute, get: host arrays in, host arrays out.

    Arrays are C-contiguous, of the model's own input dtype (float32, NCHW for image networks), with
    the batch size the session was opened for. A room whose runtime wants another layout converts in `put`
    and `get`, so that the cost is counted.
    """

    def put(self, inputs: Arrays) -> None:
        """Hand the host arrays to the runtime."""
        raise NotImplementedError

    def execute(self) -> None:
        """Run once, synchronised: on return the outputs exist."""
        raise NotImplementedError

    def get(self) -> Arrays:
        """The outputs as host arrays, by the model's output names."""
        raise NotImplementedError

    def clone(self) -> "Session":
        """A second independent stream or context over the same weights."""
        raise NotImplementedError("this runtime offers no second stream here")

    def threads(self) -> Optional[int]:
        """The number of threads of this stream as read back from the runtime; None where it cannot be read."""
        return None

    def placement(self) -> Placement:
        """Where the work really ran, read back from the runtime."""
        return Placement("not readable")

    def device_ns(self) -> Optional[int]:
        """Nanoseconds that the device took for the last `execute`, by its own clock; None where there is no such clock.

        Asked for after `get`, outside of what is timed.
        """
        return None

    def device_memory(self) -> Optional[int]:
        """Bytes of device memory that this process's sessions hold, or held at their peak; None on the CPU."""
        return None

    def forget_device_peak(self) -> None:
        """Have `device_memory` tell nothing of what was there before; only where it tells a peak."""

    def close(self) -> None:
        """Release what `open` took."""
