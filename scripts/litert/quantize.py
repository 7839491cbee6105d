"""Reduce a float32 TFLite file to fp16, int8 or int8_dynamic by AI Edge Quantizer, LiteRT's own quantiser.

Sources: tflite (model.tflite, float32); for int8 also calibration. Options: precision, calibration ("auto", "minmax").
Writes model.tflite, whose inputs and outputs keep names, shapes and dtypes (the float32 stays at the door), and
quantised.json.
- fp16: the weights in float16, half the file; XNNPACK unpacks them when it loads and computes in float32.
- int8: weights int8 per output channel, activations int8 with a zero point per tensor, ranges found on the
  calibration batch, in float32, before anything is quantised.
- int8_dynamic: weights int8 per output channel; the kernels quantise their inputs anew for every request.

TensorFlow's converter is the other way to int8: the same scheme, with ranges from minimum to maximum over the batch,
which this verb asks for too (see `calibrated`). It is not more accurate. EfficientNet-Lite0 built anew in Keras
(logits within 1.1e-5) and converted by TensorFlow 2.21 on the same 100 calibration photos: 18.9 dB on 59 photos, errors
up to 1.18 (logits up to 13.3), the same class on 57. This file: 19.0 dB, 1.02, 57. Rounding the weights alone, whoever
does it, gives 20.7 dB. So the route that needs 1.4 GB of TensorFlow is not offered.
"""

from importlib.metadata import version
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple

from ai_edge_litert.interpreter import Interpreter, OpResolverType
from ai_edge_quantizer import Quantizer, qtyping, recipe
from ai_edge_quantizer.algorithm_manager import AlgorithmName
from ai_edge_quantizer.calibrator import Calibrator
from ai_edge_quantizer.recipe_manager import RecipeManager
from ai_edge_quantizer.utils.qsv_utils import min_max_update

from scripts.core.door import Arrays
from scripts.core.quantised import Recipe, int8_share
from scripts.core.verb import Facts, Job, Unsupported, main
from scripts.litert.layers import Layer, layers, operators
from scripts.measure.inputs import batch_of, stored

FILE = "model.tflite"
TOOLS = ("ai-edge-quantizer", "ai-edge-litert", "numpy")
EVERYTHING = ".*"
OPERATOR = qtyping.TFLOperationName


class Way(NamedTuple):
    """One way to reduce a file.

    recipe:  adds what AI Edge Quantizer is to do
    method:  for people
    int8:    whether it puts the layers' multiplications into integers
    """

    recipe: Callable[[RecipeManager], None]
    method: str
    int8: bool = True


def halved(recipes: RecipeManager) -> None:
    """Weights in float16, cast back before they are used."""
    for name in (OPERATOR.CONV_2D, OPERATOR.DEPTHWISE_CONV_2D, OPERATOR.FULLY_CONNECTED):
        recipes.add_weight_only_config(EVERYTHING, name, 16, algorithm_key=AlgorithmName.FLOAT_CASTING)


def static(recipes: RecipeManager) -> None:
    """All that has integer kernels, between float32 inputs and outputs."""
    recipes.load_quantization_recipe(recipe.static_wi8_ai8())
    for door in (OPERATOR.INPUT, OPERATOR.OUTPUT):
        recipes.add_quantization_config(EVERYTHING, door, algorithm_key=AlgorithmName.NO_QUANTIZE)


def dynamic(recipes: RecipeManager) -> None:
    """Weights alone; kernels with float inputs and int8 weights quantise their inputs."""
    recipes.load_quantization_recipe(recipe.dynamic_wi8_afp32())


WAYS = {
    "fp16": Way(halved, "weights in float16", int8=False),
    "int8": Way(static, "s8 activations (min-max), s8 weights per channel"),
    "int8_dynamic": Way(dynamic, "activations quantised while running, s8 weights per channel"),
}


def work(job: Job) -> Facts:
    """Write model.tflite and quantised.json."""
    way, source = WAYS[job.options["precision"]], job.sources["tflite"] / FILE
    method = job.options.get("calibration", "auto")
    if method == "percentile":
        raise Unsupported("AI Edge Quantizer finds ranges by minimum and maximum alone: it offers no percentiles")
    recipes = RecipeManager()
    way.recipe(recipes)
    ranges = calibrated(source, recipes, job.sources["calibration"]) if recipes.need_calibration() else None
    quantizer = Quantizer(str(source), recipes.get_quantization_recipe())
    made = quantizer.quantize(ranges, enable_progress_bar=False, enable_progress_report=False).quantized_model
    (job.out / FILE).write_bytes(bytes(made))
    if way.int8:
        declared(way, plain_layers(source)).write(job.out)
    return {
        "versions": {tool: version(tool) for tool in TOOLS},
        "operators": operators(opened(job.out / FILE)._get_ops_details()),
        "options": {"calibration": "minmax" if ranges else None, "method": way.method},
    }


def calibrated(source: Path, recipes: RecipeManager, calibration: Path) -> Dict[str, Any]:
    """Least and greatest value of every tensor over the whole calibration batch.

    The quantiser's default is a moving average over the inputs (0.95 of what was, 0.05 of what is new): ranges that
    half of the inputs do not fit into. What lies outside is clipped, the greatest logits first: on EfficientNet-Lite0
    errors up to 5.5 instead of 1.0, the same class on 83 % of the photos instead of 97 %.
    """
    calibrator = Calibrator(str(source), num_threads=1, qsv_update_func=min_max_update)
    (signature,) = calibrator.get_signature_list()
    calibrator.calibrate({signature: list(samples(source, calibration))}, recipes)
    ranges: Dict[str, Any] = calibrator.get_model_qsvs()
    return ranges


def samples(source: Path, calibration: Path) -> Iterator[Arrays]:
    """The calibration batch in pieces of the batch size that the file was exported for (1 for images)."""
    runner = opened(source).get_signature_runner()
    shapes = {name: detail["shape"] for name, detail in runner.get_input_details().items()}
    batch = max(int(shape[0]) for shape in shapes.values())
    inputs = stored(calibration, "inputs", list(shapes))
    for start in range(0, len(next(iter(inputs.values()))), batch):
        yield batch_of(inputs, batch, start)


def declared(way: Way, found: List[Layer]) -> Recipe:
    """What is meant to be quantised: every layer whose weights are constants."""
    share = int8_share((layer.macs, layer.weights == "float32") for layer in found)
    return Recipe(way.method, share or 0.0, [])


def plain_layers(source: Path) -> List[Layer]:
    """The layers of a file, without any delegate."""
    interpreter = opened(source)
    return layers(interpreter._get_ops_details(), interpreter.get_tensor_details())


def opened(path: Path) -> Interpreter:
    """A file's graph as it is written: no delegate, nothing allocated."""
    return Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
