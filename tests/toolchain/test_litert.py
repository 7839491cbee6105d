"""LiteRT on the small network: converted once, resized to every batch, on XNNPACK."""

import json
import shutil
from pathlib import Path

import pytest

from tests.toolchain.door_case import check_door, make_arrays_model
from tests.toolchain.tiny_arrays import prepared


@pytest.fixture(scope="module")
def result(verb, tiny_checkpoint, tmp_path_factory):
    out = tmp_path_factory.mktemp("litert") / "files"
    result = verb("litert_convert", "scripts.litert.convert", out, {"checkpoint": tiny_checkpoint})
    assert result.code == 0, result.stderr
    return result


@pytest.mark.parametrize("batch", [1, 8])
def test_one_file_serves_every_batch_and_agrees(session, result, tiny_reference, batch):
    opened = session("litert", "litert", result.out, tiny_reference, runtime="litert", batch=batch)
    assert opened.samples >= 200 and opened.top1_agreement == 1.0 and opened.sqnr_db > 80
    assert opened.placement["share"] == 1.0 and opened.placement["degraded"] is None
    assert not {"torch", "tensorflow", "onnx"} & set(opened.modules)


@pytest.mark.parametrize("batch", [1, 8])
def test_the_door(python, result, tiny_reference, batch):
    check_door(python, "litert", "litert", result.out, tiny_reference, runtime="litert", batch=batch)


def test_equal_bytes_from_another_folder(verb, result, tiny_checkpoint, tmp_path):
    elsewhere = Path(shutil.copytree(tiny_checkpoint, tmp_path / "another" / "place"))
    again = verb(
        "litert_convert", "scripts.litert.convert", tmp_path / "files", {"checkpoint": elsewhere}, cwd=tmp_path
    )
    assert again.code == 0, again.stderr
    assert (again.out / "model.tflite").read_bytes() == (result.out / "model.tflite").read_bytes()


def test_facts_name_operators_and_versions(result):
    assert result.facts["operators"]["DEPTHWISE_CONV_2D:float32"] == 2
    assert {"torch", "litert-torch"} <= set(result.facts["versions"])


THREADS = """
import json, pathlib, sys
from scripts.litert import session
print(session.open(pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])).threads())
"""


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_are_read_back(python, result, threads):
    options = {"runtime": "litert", "precision": "fp32", "variant": "default", "device": "cpu", "threads": threads}
    options |= {"batch": 1, "image_size": 32, "inputs": ["input"], "outputs": ["logits"]}
    assert python("litert", THREADS, str(result.out), json.dumps(options)).stdout.split()[-1] == str(threads)


WITHOUT_XNNPACK = """
import functools, json, pathlib, sys
from ai_edge_litert import interpreter
from scripts.litert import session
bare = interpreter.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
session.Interpreter = functools.partial(session.Interpreter, experimental_op_resolver_type=bare)
print(json.dumps(session.open(pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])).placement()._asdict()))
"""


def test_without_xnnpack_it_is_degraded(python, result):
    options = {"runtime": "litert", "precision": "fp32", "variant": "default", "device": "cpu", "threads": 1}
    options |= {"batch": 1, "image_size": 32, "inputs": ["input"], "outputs": ["logits"]}
    placement = json.loads(
        python("litert", WITHOUT_XNNPACK, str(result.out), json.dumps(options)).stdout.splitlines()[-1]
    )
    assert placement["share"] == 0 and "XNNPACK took none" in placement["degraded"]


def test_a_network_of_arrays(verb, python, tmp_path):
    """Inputs of 64-bit integers stay what they are, and every tensor keeps its name. Its batch must be asked for."""
    _, reference, names = make_arrays_model(verb, tmp_path)
    sources, options = {"checkpoint": tmp_path / "checkpoint"}, {"batch": 4}
    made = verb("litert_convert", "scripts.litert.convert", tmp_path / "files", sources, options)
    assert made.code == 0, made.stderr
    check_door(python, "litert", "litert", made.out, reference, runtime="litert", batch=4, **names)


@pytest.fixture(scope="module")
def sums(verb, tmp_path_factory) -> tuple[Path, Path]:
    """Files and reference of a network with an operator that XNNPACK lacks and a batch that cannot be resized."""
    checkpoint, reference = prepared(verb, tmp_path_factory.mktemp("sums"))
    out = checkpoint.with_name("files")
    made = verb("litert_convert", "scripts.litert.convert", out, {"checkpoint": checkpoint})
    assert made.code == 0, made.stderr
    return made.out, reference


def test_what_xnnpack_leaves_is_told(session, sums):
    opened = session("litert", "litert", *sums, runtime="litert", batch=1)
    assert opened.sqnr_db > 80
    assert 0 < opened.placement["share"] < 1 and opened.placement["degraded"] is None
    assert "the rest (CUMSUM) on LiteRT's own kernels" in opened.placement["summary"]


REFUSED = """
import json, pathlib, sys
from scripts.core.verb import Unsupported
from scripts.litert import session
try:
    session.open(pathlib.Path(sys.argv[1]), json.loads(sys.argv[2]))
except Unsupported as error:
    print(error)
"""


def test_a_batch_that_the_file_cannot_take_is_unsupported(python, sums):
    options = {"runtime": "litert", "precision": "fp32", "variant": "default", "device": "cpu", "threads": 1}
    options |= {"batch": 8, "image_size": 32, "inputs": ["input"], "outputs": ["logits"]}
    said = python("litert", REFUSED, str(sums[0]), json.dumps(options)).stdout
    assert "fixes the batch size it was exported for (1): LiteRT cannot run it at 8" in said
