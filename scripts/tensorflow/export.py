"""Keras to TensorFlow's SavedModel, its variables beside its graph; the batch stays free.

Source: `keras`, a folder with `model.keras`. One signature, `serving_default`, whose names are those of the network's
inputs and outputs; images are [N, H, W, C]. Equal bytes for equal networks: variables are saved in the network's order,
and `fingerprint.pb`, which holds a random number and which nothing here reads, is left out.
"""

from collections import Counter
from importlib.metadata import version
from typing import Any, Dict

from scripts.core.verb import Facts, Job, main
from scripts.tensorflow.libraries import keras, tf

SIGNATURE = "serving_default"
TOOLS = ("tensorflow-cpu", "keras")


def work(job: Job) -> Facts:
    model = keras.models.load_model(str(job.sources["keras"] / "model.keras"), compile=False)
    function = served(model)
    holder = tf.Module()
    holder.weights = [variable.value for variable in model.variables]
    tf.saved_model.save(holder, str(job.out), signatures={SIGNATURE: function})
    (job.out / "fingerprint.pb").unlink()
    return {
        "versions": {tool: version(tool) for tool in TOOLS},
        "operators": operators(function),
        "options": dict(job.options, signature=SIGNATURE),
    }


def served(model: keras.Model) -> Any:
    """The network as a traced function: keyword arguments and a dict, by the network's names."""

    def serve(**inputs: tf.Tensor) -> Dict[str, tf.Tensor]:
        made: Dict[str, tf.Tensor] = model(inputs, training=False)
        return made

    specs = {each.name: tf.TensorSpec(each.shape, each.dtype, each.name) for each in model.inputs}
    return tf.function(serve).get_concrete_function(**specs)


def operators(function: Any) -> Dict[str, int]:
    """How many of each operator of the graph, by the dtype of its first output: {"Conv2D:float32": 52, ...}."""
    found = [each for each in function.graph.get_operations() if each.outputs]
    return dict(Counter("%s:%s" % (each.type, each.outputs[0].dtype.name) for each in found))


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
