"""A network of TensorFlow's or Keras's on an NVIDIA GPU. It has been written, and not been run on one yet.

Images are copied from the caller's page-locked memory as they are, [N, C, H, W], and laid out as [N, H, W, C] there.
Each step ends synchronised. TensorFlow tells no time of the GPU's own for a call, so there is no `device_ms`.
"""

from typing import Any, List, Optional

import numpy as np

from scripts.core.door import Arrays, Options, Placement
from scripts.nvidia import cuda
from scripts.tensorflow import xla
from scripts.tensorflow.functions import Network
from scripts.tensorflow.libraries import tf
from scripts.tensorflow.on_cpu import IMAGE, TO_NHWC, TensorFlow

GPU = "GPU:0"
"""TensorFlow's name for the one that it was left."""


class TensorFlowGpu(TensorFlow):
    """One network; clones call the same one, and share the stream that TensorFlow computes in."""

    def __init__(self, network: Network, options: Options, store: Optional[xla.Store]) -> None:
        super().__init__(network, options, store)
        self._locked = {name: cuda.PageLocked() for name in options.inputs}

    def put(self, inputs: Arrays) -> None:
        if self._network.takes_arrays:
            super().put(inputs)
            return
        for name, locked in self._locked.items():
            locked.hold(inputs[name])
        with tf.device(GPU):
            self._inputs = {name: _laid_out(inputs[name]) for name in self._options.inputs}
        tf.test.experimental.sync_devices()

    def execute(self) -> None:
        super().execute()
        tf.test.experimental.sync_devices()

    def threads(self) -> Optional[int]:
        return None

    def placement(self) -> Placement:
        """What TensorFlow computed, and on which device its results lie; degraded if that is not the GPU."""
        found, tf32 = super().placement(), tf.config.experimental.tensor_float_32_execution_enabled()
        away = [tensor.device for tensor in self._results() if GPU not in tensor.device]
        reason = "asked for the GPU, and TensorFlow used %s" % away[0] if away else found.degraded
        return Placement("%s; TF32 %s" % (found.summary, "on" if tf32 else "off"), 0.0 if away else 1.0, reason)

    def kernels(self) -> str:
        return "CUDA's kernels"

    def _results(self) -> List[Any]:
        """Its outputs; of `predict`, which gives arrays, the weights."""
        tensors = [output for output in self._outputs.values() if isinstance(output, tf.Tensor)]
        return tensors or [variable.value for variable in self._network.owner.variables]

    def device_memory(self) -> Optional[int]:
        """The greatest number of bytes that TensorFlow's allocator held on the GPU."""
        return int(tf.config.experimental.get_memory_info(GPU)["peak"])

    def forget_device_peak(self) -> None:
        tf.config.experimental.reset_memory_stats(GPU)

    def close(self) -> None:
        for locked in self._locked.values():
            locked.release()
        super().close()


def _laid_out(array: np.ndarray) -> Any:
    """On the GPU, an image as TensorFlow wants it; anything else as it is."""
    tensor = tf.constant(array)
    return tf.transpose(tensor, TO_NHWC) if array.ndim == IMAGE else tensor
