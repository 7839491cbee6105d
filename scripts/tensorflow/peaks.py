"""What TensorFlow reaches at its best on this CPU: a large product of matrices in fp32.

Options: {"threads": 2}. No sources. The facts hold `peaks`: operations per second by precision, two for each
multiplication. Keras and XLA are held against it, too.
"""

from typing import Any, Callable

from scripts.core.verb import Facts, Job, main
from scripts.measure.products import peaks
from scripts.tensorflow.libraries import tf, use_cpu


def _fp32(side: int) -> Callable[[], Any]:
    a, b = (tf.random.normal((side, side)) for _ in range(2))
    graph = tf.function(lambda given: tf.linalg.matmul(given, b))
    return lambda: graph(a).numpy()


def measure(job: Job) -> Facts:
    use_cpu(job.options["threads"])
    return {"versions": {"tensorflow": tf.__version__}, "peaks": peaks({"fp32": _fp32})}


if __name__ == "__main__":
    raise SystemExit(main(measure, __doc__))
