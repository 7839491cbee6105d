"""Have XLA compile a network for this host and one batch size, by a first call (options: runtime, variant).

Source: `portable`, a folder with a SavedModel or `model.keras`. Options used: runtime, precision, variant, batch,
threads, device. Raises Unsupported for a GPU that TensorFlow does not reach.
Writes a copy of the source, which a session needs beside it, `xla/` with the executables (one of TensorFlow's own
entries for each function that XLA compiled), and `xla.json`, the batch size and number of threads that they serve.
`jit_compile=True` alone would compile in every process again; with these a process traces the network and loads them.
"""

import shutil

import numpy as np

from scripts.core.verb import Facts, Job, main
from scripts.tensorflow import xla
from scripts.tensorflow.functions import is_compiled, load
from scripts.tensorflow.libraries import keras, tf, use


def work(job: Job) -> Facts:
    options = job.options
    shutil.copytree(str(job.sources["portable"]), str(job.out), dirs_exist_ok=True)
    store = xla.compile_into(job.out)
    use(options["device"], options["threads"], options["precision"])
    network = load(job.out, options["runtime"], options["variant"], options["batch"])
    zeros = {
        name: np.zeros([options["batch"] if side is None else side for side in shape], dtype)
        for name, (shape, dtype) in network.inputs.items()
    }
    network.call(zeros if network.takes_arrays else {name: tf.constant(array) for name, array in zeros.items()})
    if not store.made or not is_compiled(network.graphs()):
        raise RuntimeError("TensorFlow ran the network, and XLA compiled nothing")
    xla.note(job.out, options)
    return {
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
        "operators": {"XLA executable": store.made},
        "options": dict(options, threads=tf.config.threading.get_intra_op_parallelism_threads(), jit_compile=True),
    }


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
