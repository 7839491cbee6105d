"""LiteRT on the small network: converted once, resized to every batch, on XNNPACK."""

import json
import shutil
from pathlib import Path

import pytest

from tests.toolchain.door_case import check_door


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
