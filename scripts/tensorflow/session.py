"""TensorFlow and Keras behind the door: four runtimes (`functions.py` says how each runs), on the CPU or a GPU.

XLA's executables are those of the artifact: the first `execute` traces the network and loads what was compiled. Where
it does not fit, XLA compiles anew, which `placement` says.
"""

from pathlib import Path
from typing import Any, Dict

from scripts.core.door import Options, Session
from scripts.core.verb import Unsupported
from scripts.nvidia import cuda
from scripts.nvidia.device import is_gpu, number
from scripts.tensorflow import xla
from scripts.tensorflow.functions import PREDICT, XLA, load
from scripts.tensorflow.libraries import use
from scripts.tensorflow.on_cpu import TensorFlow
from scripts.tensorflow.on_gpu import TensorFlowGpu

PRECISIONS = {False: ("fp32",), True: ("fp32", "tf32")}
"""What TensorFlow is driven in, by whether that is on a GPU."""


def open(artifact: Path, options: Dict[str, Any]) -> Session:  # noqa: A001 - the name that every room shares
    """Load the candidate that `options` name.

    Raises Unsupported for what is not driven here, was compiled for another batch or number of threads, or asks for a
    GPU that is not there; NotImplementedError for streams of `predict`, which keeps the state of a call in the model.
    """
    asked = Options.of(options)
    on_gpu = is_gpu(asked.device)
    if asked.precision not in PRECISIONS[on_gpu]:
        words = "TensorFlow and Keras are driven in fp32, on a GPU also in tf32; asked for %s on %s"
        raise Unsupported(words % (asked.precision, asked.device))
    if asked.streams > 1 and asked.variant == PREDICT:
        raise NotImplementedError("Keras's predict serves one call at a time")
    if on_gpu:
        cuda.use(number(asked.device))
    store = None
    if asked.runtime in XLA:
        xla.check_built_for(artifact, asked)
        store = xla.serve_from(artifact)
    use(asked.device, asked.threads, asked.precision)
    network = load(artifact, asked.runtime, asked.variant, asked.batch)
    return (TensorFlowGpu if on_gpu else TensorFlow)(network, asked, store)
