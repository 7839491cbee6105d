"""The four ways in which TensorFlow runs a network, each a function from tensors by name to outputs by name.

 - tensorflow:      the SavedModel's signature, a graph (`tf.function`);
 - tensorflow_xla:  the same, compiled by XLA (`jit_compile=True`);
 - keras:           the model, called: each layer's operators one by one. Variant predict: `Model.predict`, as most call
                    it, which builds a data pipeline for each call and runs a graph;
 - keras_xla:       `compile(jit_compile=True)`, which holds for Keras's predict alone: `predict_on_batch`, one call of
                    the compiled graph. Variant predict: `Model.predict`.

A function is loaded once a process and shared: its name, by which XLA's executables are found, is told by a counter.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

from scripts.tensorflow.libraries import keras, tf

Function = Callable[[Dict[str, Any]], Dict[str, Any]]
GRAPHS = ("tensorflow", "tensorflow_xla")
XLA = ("tensorflow_xla", "keras_xla")
PREDICT = "predict"
SIGNATURE = "serving_default"


class Network(NamedTuple):
    """A network that can be called.

    takes_arrays:  NumPy's, which it hands over itself; else tensors
    inputs:        shape (images [N, H, W, C], None for the batch) and dtype of each, by name
    graphs:        the functions that TensorFlow traced so far; none where operators run one by one
    owner:         what holds the variables, and must live as long
    """

    call: Function
    takes_arrays: bool
    inputs: Dict[str, Tuple[List[Any], str]]
    graphs: Callable[[], List[Any]]
    owner: Any


@lru_cache(maxsize=None)
def load(artifact: Path, runtime: str, variant: str, batch: int) -> Network:
    """The network in the folder `artifact` as `runtime` runs it.

    batch: of `predict`, which else cuts what it is given into batches of 32.
    """
    with_xla = runtime in XLA
    return _graph(artifact, with_xla) if runtime in GRAPHS else _keras(artifact, with_xla, variant, batch)


def _graph(artifact: Path, with_xla: bool) -> Network:
    loaded = tf.saved_model.load(str(artifact))
    signature = loaded.signatures[SIGNATURE]

    def call(inputs: Dict[str, Any]) -> Any:
        return signature(**inputs)

    specs = signature.structured_input_signature[1]
    inputs = {name: (spec.shape.as_list(), spec.dtype.name) for name, spec in specs.items()}
    if not with_xla:
        return Network(call, False, inputs, lambda: [signature], loaded)
    compiled = tf.function(call, jit_compile=True, autograph=False)
    return Network(compiled, False, inputs, compiled._list_all_concrete_functions, loaded)


def _keras(artifact: Path, with_xla: bool, variant: str, batch: int) -> Network:
    model = keras.models.load_model(str(artifact / "model.keras"), compile=False)
    inputs = {each.name: (list(each.shape), each.dtype) for each in model.inputs}
    model.compile(jit_compile=with_xla)

    def graphs() -> List[Any]:
        return list(model.predict_function._list_all_concrete_functions()) if model.predict_function else []

    if variant == PREDICT:
        return Network(lambda given: model.predict(given, batch_size=batch, verbose=0), True, inputs, graphs, model)
    if with_xla:
        return Network(model.predict_on_batch, False, inputs, graphs, model)
    return Network(lambda given: model(given, training=False), False, inputs, graphs, model)


def operators(graph: Any) -> int:
    """Operators of a traced function and of those that it calls."""
    definition = graph.graph.as_graph_def()
    return len(definition.node) + sum(len(inner.node_def) for inner in definition.library.function)


def is_compiled(graphs: List[Any]) -> bool:
    """Whether a traced function, or one that it calls, must be compiled by XLA or fail."""
    inner = [each for graph in graphs for each in graph.graph.as_graph_def().library.function]
    return any(each.attr["_XlaMustCompile"].b for each in [*(graph.function_def for graph in graphs), *inner])
