"""TensorFlow and Keras, imported so that nothing outside of the project decides what they do.

Keras would read its backend, its layout of images and its float type from a file in the user's home, and write one
there; TensorFlow would read flags of XLA's from the environment, under which it compiles what it was not asked to.
"""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["KERAS_HOME"] = os.devnull  # where no file can be
for flags in ("TF_XLA_FLAGS", "XLA_FLAGS"):
    os.environ.pop(flags, None)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402
from tensorflow.python.util import _pywrap_util_port  # noqa: E402

from scripts.core.verb import Unsupported  # noqa: E402
from scripts.nvidia.device import is_gpu, number  # noqa: E402

__all__ = ["has_onednn", "keras", "layers", "tf", "use", "use_cpu"]


def use(device: str, threads: int, precision: str = "fp32") -> None:
    """Run on `device`, `cpu` or `cuda:0`, and on no other GPU; on a GPU in `precision`, fp32 or tf32. Once a process.

    Raises Unsupported where TensorFlow reaches no such GPU: by itself it would take the CPU without a word.
    """
    if not is_gpu(device):
        use_cpu(threads)
        return
    gpus = tf.config.list_physical_devices("GPU")
    if number(device) >= len(gpus):
        raise Unsupported("no NVIDIA GPU that TensorFlow %s can use; asked for %s" % (tf.__version__, device))
    chosen = gpus[number(device)]
    tf.config.set_visible_devices([chosen], "GPU")
    tf.config.experimental.set_memory_growth(chosen, True)  # else it takes all of the GPU's memory at once
    tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")  # its own default is TF32
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def use_cpu(threads: int) -> None:
    """Run on the CPU with so many threads, whatever else there is. Once a process: TensorFlow keeps its first pools.

    The threads work within operators (intra_op); operators follow each other in one thread (inter_op). Raises
    RuntimeError where TensorFlow already runs on another number.
    """
    tf.config.set_visible_devices([], "GPU")
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def has_onednn() -> bool:
    """Whether TensorFlow's kernels are oneDNN's where it has one: TF_ENABLE_ONEDNN_OPTS decides, on by default."""
    return bool(_pywrap_util_port.IsMklEnabled())
