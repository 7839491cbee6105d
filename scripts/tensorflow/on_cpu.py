"""A network of TensorFlow's or Keras's on the CPU.

Images come as [N, C, H, W] and are laid out as [N, H, W, C] in `put`, outputs that are images back in `get`. Keras's
`predict` takes and gives NumPy's arrays: what it hands over is part of its `execute`. `predict_on_batch` gives arrays.
"""

from typing import Any, Dict, Optional

import numpy as np

from scripts.core.door import Arrays, Options, Placement, Session
from scripts.tensorflow import xla
from scripts.tensorflow.functions import Network, is_compiled, operators
from scripts.tensorflow.libraries import has_onednn, tf

IMAGE = 4
TO_NHWC, TO_NCHW = (0, 2, 3, 1), (0, 3, 1, 2)


class TensorFlow(Session):
    """One network; clones call the same one, and share the process's threads."""

    def __init__(self, network: Network, options: Options, store: Optional[xla.Store]) -> None:
        self._network, self._options, self._store = network, options, store
        self._inputs: Dict[str, Any] = {}
        self._outputs: Dict[str, Any] = {}

    def put(self, inputs: Arrays) -> None:
        arrays = {name: reordered(inputs[name], TO_NHWC) for name in self._options.inputs}
        handed = arrays if self._network.takes_arrays else {n: tf.constant(array) for n, array in arrays.items()}
        self._inputs = dict(handed)

    def execute(self) -> None:
        self._outputs = self._network.call(self._inputs)

    def get(self) -> Arrays:
        return {name: reordered(np.asarray(self._outputs[name]), TO_NCHW) for name in self._options.outputs}

    def clone(self) -> Session:
        return type(self)(self._network, self._options, self._store)

    def threads(self) -> Optional[int]:
        """This stream's share of the threads that work within operators, as TensorFlow has them."""
        return int(tf.config.threading.get_intra_op_parallelism_threads()) // self._options.streams

    def placement(self) -> Placement:
        """What TensorFlow traced, where, and whether XLA compiled it; only after the first `execute`.

        Degraded if XLA did not compile what it was asked to, if it compiled what it was not asked to, or if it found
        nothing of what was compiled ahead.
        """
        devices = sorted({device.name.split("device:")[-1] for device in tf.config.list_logical_devices()})
        graphs = self._network.graphs()
        what = "%d operators in a graph" % sum(map(operators, graphs)) if graphs else "operators one by one"
        with_xla = is_compiled(graphs)
        how = "compiled by XLA" if with_xla else self.kernels()
        summary = "%s on %s, %s" % (what, ", ".join(devices), how)
        return Placement(summary, float(all("CPU" in device for device in devices)), self._other_than_asked(with_xla))

    def kernels(self) -> str:
        """What computes where XLA does not."""
        return "oneDNN %s" % ("on" if has_onednn() else "off")

    def _other_than_asked(self, with_xla: bool) -> Optional[str]:
        if self._store is None:
            return "XLA compiled what was to run without it" if with_xla else None
        if not with_xla:
            return "asked for XLA, TensorFlow runs the graph without it"
        if self._store.made:
            return "what XLA had compiled (%d) did not fit: it compiled %d anew" % (self._store.given, self._store.made)
        return None

    def close(self) -> None:
        self._inputs, self._outputs = {}, {}


def reordered(array: np.ndarray, order: Any) -> np.ndarray:
    """Images with their dimensions in another order, C-contiguous; anything else as it is."""
    return np.ascontiguousarray(array.transpose(order)) if array.ndim == IMAGE else array
