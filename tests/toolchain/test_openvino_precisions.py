"""OpenVINO in lower precisions on the small network: stored, hinted or quantised, and held to what was declared."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.toolchain.conftest import made

FLOORS = {"fp16": (45.0, 0.98), "bf16": (25.0, 0.9), "int8": (20.0, 0.9)}
"""Least SQNR in dB and top-1 agreement."""


@pytest.fixture(scope="module")
def ir(verb, tiny_onnx, tmp_path_factory):
    """`ir(precision)`: the converter's IR in it."""
    folder = tmp_path_factory.mktemp("ir")

    def run(precision: str) -> Path:
        if not (folder / precision).exists():
            options = {"precision": precision, "variant": "default", "batch": None}
            made(verb("openvino", "scripts.openvino.convert", folder / precision, {"onnx": tiny_onnx}, options))
        return folder / precision

    return run


@pytest.fixture(scope="module")
def quantise(verb, ir, tiny_calibration):
    def run(out: Path, source: Path | None = None, variant: str = "default", method: str = "auto", **more):
        options = {"precision": "int8", "variant": variant, "batch": None, "calibration": method}
        sources = {"ir": source or ir("fp32"), "calibration": tiny_calibration}
        return verb(
            "openvino_quantize", "scripts.openvino.quantize", out, sources, options | more.pop("options", {}), **more
        )

    return run


@pytest.fixture(scope="module")
def compiled(verb):
    def run(precision: str, portable: Path, out: Path, batch: int = 1):
        options = {"runtime": "openvino", "precision": precision, "variant": "default", "device": "cpu", "threads": 2}
        sources, options = {"portable": portable}, options | {"batch": batch}
        return verb("openvino", "scripts.openvino.compile", out, sources, options)

    return run


@pytest.fixture(scope="module")
def portable(ir, quantise, tmp_path_factory):
    """`portable(precision)`: what a candidate in it is compiled from."""
    folder = tmp_path_factory.mktemp("int8") / "files"

    def run(precision: str) -> Path:
        if precision != "int8":
            return ir("fp16" if precision == "fp16" else "fp32")
        return folder if folder.exists() else made(quantise(folder))

    return run


@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize("precision", FLOORS)
def test_agrees_within_its_floor(session, portable, compiled, tiny_reference, tmp_path, precision, batch):
    result = compiled(precision, portable(precision), tmp_path / "files", batch)
    if precision == "bf16" and result.code == 3:
        pytest.skip(result.facts["reason"])
    artifact = made(result)
    opened = session(
        "openvino", "openvino", artifact, tiny_reference, runtime="openvino", precision=precision, batch=batch
    )
    sqnr, agreement = FLOORS[precision]
    assert opened.samples >= 200 and opened.sqnr_db > sqnr and opened.top1_agreement > agreement
    placement = opened.placement
    assert placement["degraded"] is None and placement["share"] == 1.0
    assert placement["int8_share"] == result.facts["int8_share"] == (1.0 if precision == "int8" else 0.0)
    if precision == "int8":
        assert json.loads((artifact / "quantised.json").read_text())["share"] == 1.0
    words = {"fp16": "weights stored in fp16", "bf16": "kernels in bf16", "int8": "7 quantised"}
    assert words[precision] in placement["summary"]
    assert not {"torch", "onnx", "nncf"} & set(opened.modules)


def test_weights_in_fp16_take_half_the_space(ir, portable):
    sizes = [(folder / "model.bin").stat().st_size for folder in (ir("fp32"), portable("fp16"))]
    assert sizes[1] < 0.6 * sizes[0]


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_equal_bytes_from_another_folder(verb, portable, quantise, ir, tiny_onnx, tmp_path, precision):
    if precision == "int8":
        elsewhere = Path(shutil.copytree(ir("fp32"), tmp_path / "another" / "place"))
        again = quantise(tmp_path / "again", elsewhere, variables={"PYTHONHASHSEED": "7"})
    else:
        elsewhere = Path(shutil.copytree(tiny_onnx, tmp_path / "another" / "place"))
        options = {"precision": "fp16", "variant": "default", "batch": None}
        again = verb("openvino", "scripts.openvino.convert", tmp_path / "again", {"onnx": elsewhere}, options)
    first = portable(precision)
    assert sorted(path.name for path in made(again).iterdir()) == ["model.bin", "model.xml", "quantised.json"]
    for path in again.out.iterdir():
        assert path.read_bytes() == (first / path.name).read_bytes(), path.name
    for place in (elsewhere, again.out, first):
        assert str(place) not in (first / "model.xml").read_text()


TWICE = """
import json, pathlib, sys
from scripts.core.verb import Job
from scripts.openvino.quantize import work
sources = {"ir": pathlib.Path(sys.argv[1]), "calibration": pathlib.Path(sys.argv[2])}
for out in sys.argv[3:]:
    pathlib.Path(out).mkdir()
    work(Job(sources, pathlib.Path(out), {"precision": "int8", "variant": "default", "calibration": "auto"}))
"""


def test_equal_bytes_after_other_networks_in_the_same_process(python, portable, ir, tiny_calibration, tmp_path):
    """OpenVINO's made-up names count all operators of the process."""
    python(
        "openvino_quantize",
        TWICE,
        str(ir("fp32")),
        str(tiny_calibration),
        str(tmp_path / "first"),
        str(tmp_path / "second"),
    )
    for folder in (tmp_path / "first", tmp_path / "second"):
        for path in portable("int8").iterdir():
            assert path.read_bytes() == (folder / path.name).read_bytes(), (folder.name, path.name)


def test_every_method_of_calibration_makes_another_file(quantise, portable, tmp_path):
    files = [portable("int8"), *(made(quantise(tmp_path / name, method=name)) for name in ("minmax", "percentile"))]
    assert len({(folder / "model.xml").read_bytes() + (folder / "model.bin").read_bytes() for folder in files}) == 3
    refused = quantise(tmp_path / "entropy", method="entropy")
    assert refused.code == 3 and "entropy is not among them" in refused.facts["reason"]


WEIGHTS = """
import json, sys
import openvino as ov
from scripts.openvino.graph import weighted
model = ov.Core().read_model(sys.argv[1] + "/model.xml")
first = next(layer.name for layer in weighted(model))
operator = next(operator for operator in model.get_ordered_ops() if operator.get_friendly_name() == first)
while operator.get_type_name() != "Constant":
    operator = operator.input_value(0 if operator.get_type_name() in ("Convert", "Multiply") else 1).get_node()
print(json.dumps([int(operator.data.min()), int(operator.data.max())]))
"""


def test_the_first_layer_keeps_all_8_bits(python, portable):
    """NNCF gives it 7 by default, and OpenVINO then took another class than ONNX Runtime in int8."""
    low, high = json.loads(python("openvino_quantize", WEIGHTS, str(portable("int8"))).stdout.splitlines()[-1])
    assert max(-low, high) > 100


def test_accuracy_control_reverts_no_more_than_it_has_to(
    session, quantise, compiled, portable, tiny_reference, tmp_path
):
    """What it reverts it names; the rest runs in integers, and is not degraded for it."""
    result = quantise(tmp_path / "portable", variant="accuracy_control")
    recipe = result.facts["recipe"]
    artifact = made(compiled("int8", made(result), tmp_path / "files"))
    opened = session("openvino", "openvino", artifact, tiny_reference, runtime="openvino", precision="int8")
    assert 0 < recipe["share"] <= 1.0 and bool(recipe["kept"]) == (recipe["share"] < 1.0)
    assert opened.placement["int8_share"] == pytest.approx(recipe["share"], abs=0.005)
    assert opened.placement["degraded"] is None
    plain = made(compiled("int8", portable("int8"), tmp_path / "plain"))
    before = session("openvino", "openvino", plain, tiny_reference, runtime="openvino", precision="int8")
    assert opened.top1_agreement >= before.top1_agreement - 0.01


@pytest.mark.parametrize("declared", [False, True])
def test_a_file_in_which_nothing_was_quantised_is_degraded(
    session, ir, portable, compiled, tiny_reference, tmp_path, declared
):
    """An fp32 file, alone and beside the recipe of an int8 one."""
    artifact = made(compiled("int8", ir("fp32"), tmp_path / "files"))
    if declared:
        shutil.copy(portable("int8") / "quantised.json", artifact)
    opened = session("openvino", "openvino", artifact, tiny_reference, runtime="openvino", precision="int8")
    assert opened.placement["degraded"] == "asked for int8, nothing is quantised"
    assert opened.placement["int8_share"] == 0.0


def test_fp16_of_a_file_with_weights_in_fp32_is_degraded(session, ir, compiled, tiny_reference, tmp_path):
    artifact = made(compiled("fp16", ir("fp32"), tmp_path / "files"))
    opened = session("openvino", "openvino", artifact, tiny_reference, runtime="openvino", precision="fp16")
    assert opened.placement["degraded"] == "asked for fp16, the weights are not stored in it"


def test_bf16_that_runs_in_f32_is_degraded(session, portable, compiled, tiny_reference, tmp_path, python):
    result = compiled("bf16", portable("bf16"), tmp_path / "files")
    if result.code == 3:
        pytest.skip(result.facts["reason"])
    options = {
        "runtime": "openvino",
        "precision": "bf16",
        "variant": "default",
        "device": "cpu",
        "threads": 2,
        "batch": 1,
    }
    options |= {"image_size": 32, "inputs": ["input"], "outputs": ["logits"]}
    done = python("openvino", IN_F32, str(made(result)), json.dumps(options))
    placement = json.loads(done.stdout.splitlines()[-1])
    assert placement["share"] == 0.0 and "asked for bf16, OpenVINO took f32" in placement["degraded"]


IN_F32 = """
import json, sys
from scripts.core.door import Options
from scripts.openvino import session
import openvino as ov
blob = ov.Tensor(session.np.fromfile(sys.argv[1] + "/model.blob", "u1"))
compiled = ov.Core().import_model(blob, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
print(json.dumps(session.OpenVino(compiled, Options.of(json.loads(sys.argv[2])), blob).placement()._asdict()))
"""
NO_BF16 = """
import sys
from scripts.openvino import compile, properties
class Core(properties.ov.Core):
    def get_property(self, *args):
        return [name for name in super().get_property(*args) if name != "BF16"]
properties.ov.Core = Core
raise SystemExit(compile.main(compile.work, argv=sys.argv[1:]))
"""


def test_bf16_on_a_cpu_without_is_unsupported_with_a_sentence(python, ir, tmp_path):
    options = {"precision": "bf16", "variant": "default", "device": "cpu", "threads": 1, "batch": 1}
    arguments = ["--source", f"portable={ir('fp32')}", "--out", str(tmp_path), "--options", json.dumps(options)]
    done = python("openvino", NO_BF16, *arguments, check=False)
    assert done.returncode == 3 and "this CPU does not compute in bf16; OpenVINO finds" in done.stderr


def test_what_is_not_to_be_had_is_refused_with_a_sentence(verb, ir, compiled, quantise, tiny_onnx, tmp_path):
    refused = verb("openvino", "scripts.openvino.convert", tmp_path / "a", {"onnx": tiny_onnx}, {"precision": "fp8"})
    assert refused.code == 3 and "fp8 is not among its precisions" in refused.facts["reason"]
    refused = compiled("int8_dynamic", ir("fp32"), tmp_path / "b")
    assert refused.code == 3 and "int8_dynamic is not among them" in refused.facts["reason"]
    refused = quantise(tmp_path / "c", options={"precision": "fp8"})
    assert refused.code == 3 and "fp8 is not among its precisions" in refused.facts["reason"]


def test_nothing_is_reported_to_anyone(quantise, tmp_path):
    """NNCF's telemetry keeps its identifiers in the home folder: none come to be, and nobody is called."""
    (tmp_path / "home").mkdir()
    result = quantise(tmp_path / "files", variables={"HOME": str(tmp_path / "home")})
    assert result.code == 0, result.stderr
    assert not list((tmp_path / "home").iterdir())


def test_a_network_without_classes_has_no_accuracy_control(quantise, tiny_calibration, verb, ir, tmp_path):
    """Calibration outputs that are no classes: [N, 10, 1, 1]."""
    folder = Path(shutil.copytree(tiny_calibration, tmp_path / "calibration"))
    np.save(folder / "logits.npy", np.load(folder / "logits.npy")[..., None, None])
    options = {"precision": "int8", "variant": "accuracy_control", "calibration": "auto"}
    sources = {"ir": ir("fp32"), "calibration": folder}
    refused = verb("openvino_quantize", "scripts.openvino.quantize", tmp_path / "files", sources, options)
    assert refused.code == 3 and "this network gives none" in refused.facts["reason"]
