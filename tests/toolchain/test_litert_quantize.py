"""LiteRT's lower precisions on a small network, and the ways in which they go wrong silently."""

import json
import shutil
from pathlib import Path

import pytest

from tests.toolchain.conftest import made

PRECISIONS = ("fp16", "int8", "int8_dynamic")
LEAST_DB = {"fp16": 55.0, "int8": 25.0, "int8_dynamic": 25.0}
VERB = "scripts.litert.quantize"


@pytest.fixture(scope="module")
def sources(verb, tiny_checkpoint, tiny_calibration, tmp_path_factory) -> dict[str, Path]:
    """The float32 file and the calibration batch."""
    out = tmp_path_factory.mktemp("litert") / "tflite"
    tflite = made(verb("litert_convert", "scripts.litert.convert", out, {"checkpoint": tiny_checkpoint}))
    return {"tflite": tflite, "calibration": tiny_calibration}


@pytest.fixture(scope="module")
def reduced(verb, sources, tmp_path_factory):
    """Results by precision."""
    folder, results = tmp_path_factory.mktemp("reduced"), {}
    for precision in PRECISIONS:
        given = sources if precision == "int8" else {"tflite": sources["tflite"]}
        results[precision] = verb("litert_quantize", VERB, folder / precision, given, {"precision": precision})
        assert results[precision].code == 0, results[precision].stderr
    return results


@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_it_agrees_in_every_batch_with_floats_at_the_door(session, reduced, tiny_reference, precision, batch):
    made = reduced[precision].out
    options = {"runtime": "litert", "precision": precision, "batch": batch}
    opened = session("litert", "litert", made, tiny_reference, **options)
    assert opened.sqnr_db > LEAST_DB[precision] and opened.placement["degraded"] is None, opened
    assert opened.placement["int8_share"] == (0.0 if precision == "fp16" else 1.0)
    assert not {"torch", "tensorflow", "ai_edge_quantizer"} & set(opened.modules)


@pytest.mark.parametrize("precision", ["int8", "int8_dynamic"])
def test_the_recipe_says_what_is_meant(reduced, precision):
    recipe = json.loads((reduced[precision].out / "quantised.json").read_text())
    assert recipe["share"] == 1.0 and recipe["kept"] == [] and "s8 weights per channel" in recipe["method"]


def test_half_precision_halves_the_weights(session, reduced, sources, tiny_reference):
    assert not (reduced["fp16"].out / "quantised.json").exists()
    opened = session("litert", "litert", reduced["fp16"].out, tiny_reference, runtime="litert", precision="fp16")
    assert "weights of 7 layers in float16, computed in float32" in opened.placement["summary"]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_file_in_which_nothing_was_reduced_is_degraded(session, sources, tiny_reference, precision):
    opened = session("litert", "litert", sources["tflite"], tiny_reference, runtime="litert", precision=precision)
    assert opened.placement["degraded"] in (
        f"asked for {precision}, nothing is quantised", "asked for fp16, no weights are in float16",
    )  # fmt: skip


def test_less_than_the_recipe_declares_is_degraded(session, reduced, sources, tiny_reference, tmp_path):
    """As when the quantiser leaves a layer out without a word: here all but the classifier."""
    partly = Path(shutil.copytree(reduced["int8"].out, tmp_path / "partly"))
    quantise_only(partly, sources["tflite"], "FULLY_CONNECTED")
    opened = session("litert", "litert", partly, tiny_reference, runtime="litert", precision="int8_dynamic")
    assert 0 < opened.placement["int8_share"] < 0.1
    assert opened.placement["degraded"].startswith("the recipe declares 100.0 % of the multiplications in integers")


def quantise_only(folder: Path, tflite: Path, operator: str) -> None:
    """Overwrite the folder's file by one in which one kind of operator alone is quantised."""
    from tests.toolchain.conftest import run_python

    run_python("litert_quantize", ONLY, str(tflite / "model.tflite"), str(folder / "model.tflite"), operator)


ONLY = """
import pathlib, sys
from ai_edge_quantizer import Quantizer, qtyping
quantizer = Quantizer(sys.argv[1])
quantizer.add_dynamic_config(".*", qtyping.TFLOperationName(sys.argv[3]), 8)
pathlib.Path(sys.argv[2]).write_bytes(bytes(quantizer.quantize(enable_progress_report=False).quantized_model))
"""

RANGES = """
import json, sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
interpreter = Interpreter(sys.argv[1], experimental_op_resolver_type=plain)
nodes, tensors = interpreter._get_ops_details(), {t["index"]: t for t in interpreter.get_tensor_details()}
last = next(node for node in nodes if node["op_name"] == "FULLY_CONNECTED")
found = tensors[int(last["outputs"][0])]["quantization_parameters"]
scale, zero = float(found["scales"][0]), int(found["zero_points"][0])
print(json.dumps([(-128 - zero) * scale, (127 - zero) * scale]))
"""


def test_the_ranges_hold_every_calibration_photo(python, reduced, sources):
    """AI Edge Quantizer's own way is a moving average of extremes, into which half the photos do not fit."""
    import numpy as np

    said = python("litert_quantize", RANGES, str(reduced["int8"].out / "model.tflite")).stdout
    least, greatest = json.loads(said.splitlines()[-1])
    logits = np.load(sources["calibration"] / "logits.npy")
    step = (greatest - least) / 255
    assert least <= logits.min() + step and greatest >= logits.max() - step
    assert greatest - least < 1.1 * (logits.max() - min(0, logits.min()))


def test_the_signature_keeps_its_names_and_types(python, reduced):
    for precision in PRECISIONS:
        said = python("litert", SIGNATURE, str(reduced[precision].out / "model.tflite")).stdout
        assert json.loads(said.splitlines()[-1]) == {"input": "float32", "logits": "float32"}


SIGNATURE = """
import json, sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
runner = Interpreter(sys.argv[1]).get_signature_runner()
told = {**runner.get_input_details(), **runner.get_output_details()}
print(json.dumps({name: np.dtype(detail["dtype"]).name for name, detail in told.items()}))
"""


@pytest.mark.parametrize("precision", PRECISIONS)
def test_equal_bytes_from_another_folder(verb, reduced, sources, tmp_path, precision):
    elsewhere = {name: Path(shutil.copytree(folder, tmp_path / "far" / name)) for name, folder in sources.items()}
    again = verb("litert_quantize", VERB, tmp_path / "files", elsewhere, {"precision": precision}, cwd=tmp_path)
    assert again.code == 0, again.stderr
    for path in reduced[precision].out.iterdir():
        assert (again.out / path.name).read_bytes() == path.read_bytes()


def test_a_calibration_method_that_it_lacks_is_unsupported(verb, sources, tmp_path):
    options = {"precision": "int8", "calibration": "percentile"}
    refused = verb("litert_quantize", VERB, tmp_path / "files", sources, options)
    assert refused.code == 3 and "offers no percentiles" in refused.facts["reason"]
