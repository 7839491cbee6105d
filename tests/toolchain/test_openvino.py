"""OpenVINO on the small network: ONNX to IR, IR to a blob for this host, opened through the door."""

import json
import shutil
from pathlib import Path

import pytest

from tests.toolchain.door_case import check_door, make_arrays_model

CONVERT = {"precision": "fp32", "variant": "default", "batch": None}


def converted(verb, onnx: Path, out: Path, **variables: str):
    return verb("openvino", "scripts.openvino.convert", out, {"onnx": onnx}, CONVERT, variables=variables or None)


def compiled(verb, ir: Path, out: Path, batch: int, **options):
    asked = {**CONVERT, "runtime": "openvino", "device": "cpu", "batch": batch, "threads": 2, **options}
    return verb("openvino", "scripts.openvino.compile", out, {"portable": ir}, asked)


@pytest.fixture(scope="module")
def ir(verb, tiny_onnx, tmp_path_factory) -> Path:
    result = converted(verb, tiny_onnx, tmp_path_factory.mktemp("ir") / "files")
    assert result.code == 0, result.stderr
    assert result.facts["operators"]["Convolution:float32"] == 4
    assert result.facts["operators"]["GroupConvolution:float32"] == 2
    return result.out


@pytest.fixture(scope="module", params=[1, 8])
def blob(verb, ir, tmp_path_factory, request) -> tuple[Path, int]:
    result = compiled(verb, ir, tmp_path_factory.mktemp("blob") / "files", request.param)
    assert result.code == 0, result.stderr
    assert [path.name for path in result.out.iterdir()] == ["model.blob"]
    assert result.facts["operators"]["Convolution:float32"] == 6
    return result.out, request.param


def test_agrees_in_fp32_on_every_batch(session, blob, tiny_reference):
    artifact, batch = blob
    opened = session("openvino", "openvino", artifact, tiny_reference, runtime="openvino", batch=batch)
    assert opened.samples >= 200 and opened.top1_agreement == 1.0 and opened.sqnr_db > 80
    assert opened.threads == 2
    assert opened.placement["share"] == 1.0 and opened.placement["degraded"] is None
    assert "kernels in f32" in opened.placement["summary"]
    assert not {"torch", "onnx"} & set(opened.modules)


def test_the_door(python, blob, tiny_reference):
    artifact, batch = blob
    check_door(python, "openvino", "openvino", artifact, tiny_reference, runtime="openvino", batch=batch)


def test_a_network_of_arrays(verb, python, tmp_path):
    onnx, reference, names = make_arrays_model(verb, tmp_path)
    ir = converted(verb, onnx, tmp_path / "ir")
    assert ir.code == 0, ir.stderr
    made = compiled(verb, ir.out, tmp_path / "files", batch=4)
    assert made.code == 0, made.stderr
    check_door(python, "openvino", "openvino", made.out, reference, runtime="openvino", batch=4, **names)


TWICE = """
import json, pathlib, sys
from scripts.core.verb import Job
from scripts.openvino.convert import work
for out in sys.argv[2:]:
    pathlib.Path(out).mkdir()
    work(Job({"onnx": pathlib.Path(sys.argv[1])}, pathlib.Path(out), {"precision": "fp32"}))
"""


def test_equal_bytes_from_another_folder_and_after_other_networks(python, ir, tiny_onnx, tmp_path):
    elsewhere = Path(shutil.copytree(tiny_onnx, tmp_path / "another" / "place"))
    python("openvino", TWICE, str(elsewhere), str(tmp_path / "first"), str(tmp_path / "second"))
    for folder in (tmp_path / "first", tmp_path / "second"):
        for name in ("model.xml", "model.bin"):
            assert (folder / name).read_bytes() == (ir / name).read_bytes(), (folder.name, name)
    assert str(tiny_onnx) not in (ir / "model.xml").read_text()


def test_nothing_is_reported_to_anyone(verb, tiny_onnx, tmp_path):
    """OpenVINO's telemetry keeps its identifiers in the home folder: none come to be."""
    (tmp_path / "home").mkdir()
    result = converted(verb, tiny_onnx, tmp_path / "files", HOME=str(tmp_path / "home"))
    assert result.code == 0, result.stderr
    assert not list((tmp_path / "home").iterdir())


LOWER = """
import json, pathlib, sys
from scripts.core.door import Options
from scripts.openvino import session
import openvino as ov
options = json.loads(sys.argv[2])
blob = ov.Tensor(session.np.fromfile(sys.argv[1] + "/model.blob", "u1"))
compiled = ov.Core().import_model(blob, "CPU", {"INFERENCE_PRECISION_HINT": "bf16"})
opened = session.OpenVino(compiled, Options.of(options), blob)
print(json.dumps([str(compiled.get_property("INFERENCE_PRECISION_HINT")), opened.placement()._asdict()]))
"""
OPEN = {"runtime": "openvino", "precision": "fp32", "variant": "default", "device": "cpu", "image_size": 32}
OPEN |= {"inputs": ["input"], "outputs": ["logits"]}


def test_fp32_that_runs_in_bf16_is_degraded(python, blob):
    artifact, batch = blob
    done = python("openvino", LOWER, str(artifact), json.dumps({**OPEN, "batch": batch, "threads": 2}))
    hint, placement = json.loads(done.stdout.splitlines()[-1])
    if "bfloat16" not in hint:
        pytest.skip("this CPU has no bf16: OpenVINO cannot be made to take it")
    assert placement["share"] < 1.0
    assert "asked for f32, OpenVINO took bf16" in placement["degraded"]


THREADS = """
import json, pathlib, sys
from scripts.openvino import session
print(session.open(pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])).threads())
"""


def test_threads_are_the_sessions_not_the_compilers(python, blob):
    """The blob was compiled for two threads; what Snakemake exports decides nothing either."""
    artifact, batch = blob
    options = json.dumps({**OPEN, "batch": batch, "threads": 1})
    done = python("openvino", THREADS, str(artifact), options, variables={"OMP_NUM_THREADS": "2"})
    assert done.stdout.split() == ["1"]


def test_an_absent_device_is_refused(verb, ir, tmp_path):
    refused = compiled(verb, ir, tmp_path / "files", batch=1, device="cuda:0")
    assert refused.code == 3 and "finds no device cuda:0 here; it finds CPU" in refused.facts["reason"]
