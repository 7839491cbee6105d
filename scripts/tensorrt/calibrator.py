"""TensorRT's own calibrator: it finds the ranges of int8 itself, by running the float32 network on these inputs.

So int8 came about before graphs said their own ranges by Q/DQ pairs; TensorRT 8.6 and 10 still take it, 11 does not.
The engine may then leave in float what is faster so: nothing in the graph says otherwise.
"""

from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np

from scripts.core.verb import Unsupported
from scripts.nvidia import cuda, device
from scripts.tensorrt import versions
from scripts.tensorrt.ranges import FILE, batches, kind_of


def calibrator(portable: Path, network: Any, options: Dict[str, Any]) -> Any:
    """What the builder asks for inputs, on the GPU that it builds on; it must outlive the build.

    Raises Unsupported where the engine is to take images of another size than those that were kept.
    """
    with np.load(str(portable / FILE), allow_pickle=False) as stored:
        inputs = {name: stored[name] for name in stored.files}
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        kept = inputs[tensor.name].shape[1:]
        if tuple(tensor.shape)[1:] != kept:
            words = "its calibrator takes inputs %s as they were kept, and the engine is to take %s"
            raise Unsupported(words % (list(kept), list(tensor.shape)[1:]))
    cuda.use(device.number(options["device"]))
    base = getattr(versions.trt, kind_of(options["calibration"]))

    class Calibrator(base):  # type: ignore[misc,valid-type]
        def __init__(self) -> None:
            base.__init__(self)
            self._left = batches(inputs, options["batch"])
            self._stream = cuda.Stream()
            self._buffers = {name: cuda.Buffer(array.shape, array.dtype) for name, array in self._left[0].items()}

        def get_batch_size(self) -> int:
            return int(options["batch"])

        def get_batch(self, names: List[str]) -> Optional[List[int]]:
            if not self._left:
                return None
            batch = self._left.pop(0)
            for name in names:
                self._buffers[name].upload(batch[name], self._stream)
            self._stream.wait()
            return [self._buffers[name].address for name in names]

        def read_calibration_cache(self) -> None:
            """None: it is to look for itself."""

        def write_calibration_cache(self, cache: Any) -> None:
            """The engine has the ranges; nothing else needs them."""

        def close(self) -> None:
            for buffer in self._buffers.values():
                buffer.close()
            self._stream.close()

    return Calibrator()
