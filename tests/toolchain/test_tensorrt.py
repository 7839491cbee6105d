"""TensorRT for RTX: engines are built and inspected here for GPUs that are not here, and not run."""

import json
from pathlib import Path

import pytest

from scripts.core.host import has_nvidia_gpu

ENV = "tensorrt_rtx"


def built(verb, onnx: Path, out: Path, cache: Path | None = None, **options):
    asked = {"runtime": "tensorrt_rtx", "precision": "fp32", "variant": "default", "device": "cuda:0", "batch": 2}
    asked |= {"target": "sm86", **options}
    return verb(ENV, "scripts.tensorrt.compile", out, {"portable": onnx}, asked, cache=cache)


@pytest.mark.parametrize("target", ["sm86", "sm89", "sm120"])
def test_an_engine_is_built_for_each_target_and_inspected(verb, tiny_onnx, tmp_path, target):
    result = built(verb, tiny_onnx, tmp_path / "files", target=target)
    assert result.code == 0, result.stderr
    assert sorted(path.name for path in result.out.iterdir()) == ["model.engine", "multiplications.json"]
    layers = result.facts["layers"]
    assert sum(result.facts["operators"].values()) == len(layers) >= 6  # six convolutions, what surrounds them fused
    assert {layer["dtype"] for layer in layers} == {"float32"}
    assert result.facts["multiplications"] == {"float32": 1.0}
    used = result.facts["options"]
    assert used["target"] == target and used["tf32"] is False and used["strongly_typed"] is True
    assert result.facts["versions"]["tensorrt_rtx"].startswith("1.")


def test_the_engine_is_for_the_batch_and_the_target(verb, tiny_onnx, tmp_path):
    """The same question gives the same bytes; another batch or target another engine."""
    asked = [{}, {}, {"batch": 4}, {"target": "sm120"}]
    results = [built(verb, tiny_onnx, tmp_path / str(place), **options) for place, options in enumerate(asked)]
    engines = [(result.out / "model.engine").read_bytes() for result in results]
    assert engines[0] == engines[1]
    assert len(set(engines)) == 3


def test_one_engine_for_a_range_of_batches(verb, tiny_onnx, tmp_path):
    """Its kernels are those of the usual batch; the network's multiplications are told all the same."""
    result = built(verb, tiny_onnx, tmp_path / "files", variant="profile", batch=None, profile=[1, 4, 16])
    assert result.code == 0, result.stderr
    assert result.facts["multiplications"] == {"float32": 1.0}
    usual = built(verb, tiny_onnx, tmp_path / "other", variant="profile", batch=None, profile=[1, 8, 16])
    assert (result.out / "model.engine").read_bytes() != (usual.out / "model.engine").read_bytes()


def test_the_builder_does_as_it_is_told(verb, tiny_onnx, tmp_path):
    lazy = built(verb, tiny_onnx, tmp_path / "lazy", optimization_level=0, workspace_mb=64)
    assert lazy.code == 0, lazy.stderr
    assert lazy.facts["options"]["optimization_level"] == 0
    assert lazy.facts["options"]["workspace_bytes"] == 64_000_000
    assert built(verb, tiny_onnx, tmp_path / "usual").facts["options"]["optimization_level"] == 3


def test_a_build_takes_up_what_an_earlier_one_timed(verb, tiny_onnx, tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    results = [built(verb, tiny_onnx, tmp_path / str(place), cache) for place in range(2)]
    assert [result.facts["warmth"] for result in results] == ["cold", "warm"]
    assert all(result.code == 0 and (result.out / "model.engine").stat().st_size > 0 for result in results)


def test_a_target_that_this_version_cannot_build_for(verb, tiny_onnx, tmp_path):
    result = built(verb, tiny_onnx, tmp_path / "files", target="sm90")
    assert result.code == 3
    assert "sm86" in result.facts["reason"] and result.facts["reason"].endswith("not for sm90")


FOREIGN = """
import sys
import onnx
from onnx import TensorProto, helper
shape = ["batch", 4]
tensors = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("input", "logits")]
node = helper.make_node("Whirl", ["input"], ["logits"], name="whirl_1", domain="com.example")
graph = helper.make_graph([node], "foreign", tensors[:1], tensors[1:])
opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.example", 1)]
onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), sys.argv[1])
"""


def test_an_operator_that_tensorrt_does_not_know_is_named(verb, python, tmp_path):
    (tmp_path / "onnx").mkdir()
    python("torch", FOREIGN, str(tmp_path / "onnx" / "model.onnx"))
    result = built(verb, tmp_path / "onnx", tmp_path / "files")
    assert result.code == 3 and result.facts["status"] == "unsupported"
    assert "parser refuses this graph at node 0 (Whirl whirl_1)" in result.facts["reason"]


def test_a_file_that_is_no_onnx(verb, tmp_path):
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / "model.onnx").write_bytes(b"\xff" * 64)
    result = built(verb, tmp_path / "onnx", tmp_path / "files")
    assert result.code == 1 and "model.onnx is no ONNX file that TensorRT can read" in result.facts["reason"]


@pytest.mark.parametrize("runtime", ["tensorrt", "tensorrt_typed"])
def test_tensorrt_where_its_library_is_missing(verb, tiny_onnx, tmp_path, runtime):
    result = built(verb, tiny_onnx, tmp_path / "files", runtime=runtime)
    assert result.code == 3
    assert "TensorRT is not in this environment" in result.facts["reason"]
    assert "NVIDIA GPU" in result.facts["reason"]  # what it would take


OPEN = """
import json, pathlib, sys
from scripts.core.verb import Unsupported
from scripts.tensorrt import session
try:
    session.open(pathlib.Path(sys.argv[1]), json.loads(sys.argv[2]))
except Unsupported as error:
    print(error)
"""


@pytest.mark.skipif(has_nvidia_gpu(), reason="this host has an NVIDIA GPU")
def test_a_session_without_a_gpu_says_so(verb, python, tiny_onnx, tmp_path):
    engine = built(verb, tiny_onnx, tmp_path / "files").out
    options = {"runtime": "tensorrt_rtx", "precision": "fp32", "variant": "default", "device": "cuda:0", "threads": 1}
    options |= {"batch": 2, "image_size": 32, "inputs": ["input"], "outputs": ["logits"]}
    done = python(ENV, OPEN, str(engine), json.dumps(options))
    assert done.stdout.startswith("no NVIDIA GPU here: ")
