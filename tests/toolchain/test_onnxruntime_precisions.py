"""ONNX Runtime in lower precisions on the small network: quantised, compiled, and held to what was declared."""

import json
import shutil
from pathlib import Path

import pytest

from tests.toolchain.conftest import made

COMPILE = {"runtime": "onnxruntime", "variant": "default", "device": "cpu", "batch": None}
FLOORS = {"fp16": (55.0, 0.98), "int8": (20.0, 0.9), "int8_dynamic": (35.0, 0.95)}
"""Least SQNR in dB and top-1 agreement."""


@pytest.fixture(scope="module")
def quantise(verb, tiny_onnx, tiny_calibration):
    """`quantise(precision, out)` as the rule does it: only int8 has calibration inputs and a method."""

    def run(precision: str, out: Path, onnx: Path = tiny_onnx, method: str = "auto", **more):
        sources, options = {"onnx": onnx}, {"precision": precision, "variant": "default", "batch": None}
        if precision == "int8":
            sources, options = sources | {"calibration": tiny_calibration}, options | {"calibration": method}
        return verb("onnxruntime_quantize", "scripts.onnxruntime.quantize", out, sources, options, **more)

    return run


@pytest.fixture(scope="module")
def compiled(verb):
    def run(precision: str, portable: Path, out: Path) -> Path:
        options = {**COMPILE, "precision": precision}
        return made(verb("onnxruntime", "scripts.onnxruntime.compile", out, {"portable": portable}, options))

    return run


@pytest.fixture(scope="module", params=FLOORS)
def reduced(quantise, compiled, tmp_path_factory, request):
    """A precision, what the quantiser said, the compiled artifact."""
    folder = tmp_path_factory.mktemp(request.param)
    result = quantise(request.param, folder / "portable")
    assert result.code == 0, result.stderr
    return request.param, result, compiled(request.param, result.out, folder / "compiled")


@pytest.mark.parametrize("batch", [1, 8])
def test_agrees_within_its_floor(session, reduced, tiny_reference, batch):
    precision, result, artifact = reduced
    opened = session("onnxruntime", "onnxruntime", artifact, tiny_reference, precision=precision,
                     runtime="onnxruntime", batch=batch)  # fmt: skip
    sqnr, agreement = FLOORS[precision]
    assert opened.samples >= 200 and opened.sqnr_db > sqnr and opened.top1_agreement > agreement
    assert opened.placement["share"] == 1.0
    if precision == "fp16":
        assert "7 of 7 kernels that multiply in float32" in opened.placement["degraded"]
        assert opened.placement["int8_share"] == 0.0
    else:
        assert opened.placement["degraded"] is None
        assert opened.placement["int8_share"] == pytest.approx(result.facts["recipe"]["share"], abs=1e-6)
    assert not {"torch", "onnx"} & set(opened.modules)


def test_convolutions_are_quantised_statically_and_matrices_dynamically(reduced):
    """Dynamic convolutions (ConvInteger) are slower than fp32: there are none."""
    precision, result, artifact = reduced
    kinds = {kernel[1] for kernel in json.loads((artifact / "kernels.json").read_text())["multiplying"]}
    if precision == "int8":
        assert result.facts["recipe"]["share"] == 1.0 and kinds == {"QLinearConv", "QGemm"}
    elif precision == "int8_dynamic":
        assert 0 < result.facts["recipe"]["share"] < 0.05 and len(result.facts["recipe"]["kept"]) == 6
        assert "ConvInteger" not in kinds and "DynamicQuantizeMatMul" in kinds


@pytest.mark.parametrize("precision", FLOORS)
def test_equal_bytes_from_another_folder(quantise, tiny_onnx, tmp_path, precision):
    """Whatever order Python's sets come in."""
    first = quantise(precision, tmp_path / "first", variables={"PYTHONHASHSEED": "1"})
    elsewhere = Path(shutil.copytree(tiny_onnx, tmp_path / "another" / "place"))
    again = quantise(precision, tmp_path / "again", elsewhere, variables={"PYTHONHASHSEED": "2"})
    assert first.code == again.code == 0, first.stderr + again.stderr
    names = sorted(path.name for path in first.out.iterdir())
    assert names == ["model.onnx"] + ["quantised.json"] * (precision != "fp16")
    for name in names:
        assert (first.out / name).read_bytes() == (again.out / name).read_bytes(), name


def test_every_method_of_calibration_makes_another_file(quantise, tmp_path):
    """Entropy made the same bytes as MinMax: it is not offered."""
    files = {method: quantise("int8", tmp_path / method, method=method) for method in ("minmax", "percentile")}
    assert all(result.code == 0 for result in files.values())
    assert len({(result.out / "model.onnx").read_bytes() for result in files.values()}) == 2
    refused = quantise("int8", tmp_path / "entropy", method="entropy")
    assert refused.code == 3 and "entropy is not among them" in refused.facts["reason"]


VALUE_INFO = """
import sys, onnx
model = onnx.shape_inference.infer_shapes(onnx.load(sys.argv[1] + "/model.onnx"))
for tensor in model.graph.initializer:
    model.graph.value_info.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
onnx.save(model, sys.argv[2] + "/model.onnx")
"""


def test_shapes_that_a_file_brings_do_not_stop_the_dynamic_quantiser(quantise, python, tiny_onnx, tmp_path):
    """PyTorch's exporter gives those of weights too, and the quantiser turns those of Gemm around."""
    (tmp_path / "shaped").mkdir()
    python("onnxruntime_quantize", VALUE_INFO, str(tiny_onnx), str(tmp_path / "shaped"))
    result = quantise("int8_dynamic", tmp_path / "files", tmp_path / "shaped")
    assert result.code == 0, result.stderr
    assert result.facts["operators"]["MatMulInteger:int32"] == 1


def test_a_file_in_which_nothing_was_quantised_is_degraded(
    session, quantise, compiled, tiny_onnx, tiny_reference, tmp_path
):
    """An fp32 file beside the recipe of an int8 one."""
    fooled = Path(shutil.copytree(tiny_onnx, tmp_path / "fooled"))
    artifact = compiled("int8", fooled, tmp_path / "compiled")
    for declared in (False, True):
        if declared:
            shutil.copy(made(quantise("int8", tmp_path / "int8")) / "quantised.json", artifact)
        opened = session(
            "onnxruntime", "onnxruntime", artifact, tiny_reference, precision="int8", runtime="onnxruntime"
        )
        assert opened.placement["degraded"] == "asked for int8, nothing is quantised"
        assert opened.placement["int8_share"] == 0.0


HALF = """
import sys, onnx
from onnxruntime.quantization import QuantType, quantize_static
from scripts.onnxruntime import quantize
def skipping(real):
    def run(*args, **options):
        names = [node.name for node in onnx.load(args[0]).graph.node if node.op_type == "Conv"]
        real(*args, **dict(options, nodes_to_exclude=names[:3]))
    return run
quantize.quantize_static = skipping(quantize_static)
raise SystemExit(quantize.main(quantize.work, argv=sys.argv[1:]))
"""


def test_layers_that_the_quantiser_left_out_without_a_word_are_noticed(
    session, python, compiled, tiny_onnx, tiny_calibration, tiny_reference, tmp_path
):
    options = {"precision": "int8", "variant": "default", "calibration": "auto"}
    arguments = ["--source", f"onnx={tiny_onnx}", "--source", f"calibration={tiny_calibration}"]
    arguments += ["--out", str(tmp_path / "half"), "--options", json.dumps(options)]
    python("onnxruntime_quantize", HALF, *arguments)
    artifact = compiled("int8", tmp_path / "half", tmp_path / "compiled")
    opened = session("onnxruntime", "onnxruntime", artifact, tiny_reference, precision="int8", runtime="onnxruntime")
    assert 0 < opened.placement["int8_share"] < 0.9
    assert "declares 100.0 % of the multiplications in integers" in opened.placement["degraded"]


NO_VNNI = """
import sys
from scripts.onnxruntime import compile
compile.saturates = lambda: True
raise SystemExit(compile.main(compile.work, argv=sys.argv[1:]))
"""


def test_a_cpu_without_vnni_gets_kernels_that_do_not_overflow(
    session, python, quantise, compiled, tiny_reference, tmp_path
):
    """Of the same portable file: weights become u8 there, and mean the same."""
    portable = made(quantise("int8", tmp_path / "portable"))
    arguments = ["--source", f"portable={portable}", "--out", str(tmp_path / "old")]
    arguments += ["--options", json.dumps({**COMPILE, "precision": "int8"})]
    python("onnxruntime", NO_VNNI, *arguments)
    new = compiled("int8", portable, tmp_path / "new")
    assert (tmp_path / "old" / "model.onnx").read_bytes() != (new / "model.onnx").read_bytes()
    opened = session(
        "onnxruntime", "onnxruntime", tmp_path / "old", tiny_reference, precision="int8", runtime="onnxruntime"
    )
    assert opened.sqnr_db > FLOORS["int8"][0] and opened.placement["int8_share"] == 1.0


def test_what_is_not_to_be_had_is_refused_with_a_sentence(quantise, verb, tiny_onnx, tmp_path):
    refused = quantise("bf16", tmp_path / "bf16")
    assert refused.code == 3 and "ONNX Runtime runs no bf16 on a CPU" in refused.facts["reason"]
    options = {**COMPILE, "precision": "fp8"}
    refused = verb("onnxruntime", "scripts.onnxruntime.compile", tmp_path / "fp8", {"portable": tiny_onnx}, options)
    assert refused.code == 3 and "fp8 is not among them" in refused.facts["reason"]
