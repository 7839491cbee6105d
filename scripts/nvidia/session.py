"""Sessions whose tensors lie in page-locked memory and on the GPU: copying there and back, the GPU's clock.

The caller's arrays are page-locked where they lie, as a server would receive them; outputs are copied into page-locked
memory that the session owns.
"""

from typing import Dict, Optional

from scripts.core.door import Arrays, Session
from scripts.nvidia import cuda


class BufferedSession(Session):
    """A stream, a clock, and a buffer for every input and output, which the room fills in and binds."""

    def __init__(self) -> None:
        self._stream, self._clock = cuda.Stream(), cuda.Clock()
        self._inputs: Dict[str, cuda.Buffer] = {}
        self._outputs: Dict[str, cuda.Buffer] = {}
        self._locked: Dict[str, cuda.PageLocked] = {}

    def take(self, inputs: Dict[str, cuda.Buffer], outputs: Dict[str, cuda.Buffer]) -> None:
        """Own these buffers."""
        self._inputs, self._outputs = inputs, outputs
        self._locked = {name: cuda.PageLocked() for name in inputs}

    def put(self, inputs: Arrays) -> None:
        for name, buffer in self._inputs.items():
            self._locked[name].hold(inputs[name])
            buffer.upload(inputs[name], self._stream)
        self._stream.wait()

    def run(self) -> None:
        """Queue one run in the session's stream."""
        raise NotImplementedError

    def execute(self) -> None:
        self._clock.start(self._stream)
        self.run()
        self._clock.stop(self._stream)
        self._stream.wait()

    def get(self) -> Arrays:
        """Valid until the next `get`, which copies into the same memory."""
        for buffer in self._outputs.values():
            buffer.download(self._stream)
        self._stream.wait()
        return {name: buffer.array for name, buffer in self._outputs.items()}

    def device_ns(self) -> Optional[int]:
        return self._clock.nanoseconds()

    def device_memory(self) -> Optional[int]:
        """Bytes of the GPU that this process has taken by now, for all of its sessions.

        Some runtimes take what their layers need at the first run: asked before it, they seem to need next to nothing.
        """
        return cuda.taken_memory()

    def close(self) -> None:
        for locked in self._locked.values():
            locked.release()
        for buffer in [*self._inputs.values(), *self._outputs.values()]:
            buffer.close()
        self._inputs, self._outputs = {}, {}
        self._clock.close()
        self._stream.close()
