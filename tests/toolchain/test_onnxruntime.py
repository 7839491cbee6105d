"""ONNX Runtime on the small network: compiled for this host, opened through the door."""

import json
import shutil
from pathlib import Path

import pytest

from tests.toolchain.door_case import check_door, make_arrays_model

OPTIONS = {"runtime": "onnxruntime", "precision": "fp32", "variant": "default", "device": "cpu", "batch": None}


def compiled(verb, onnx: Path, out: Path, **options):
    return verb("onnxruntime", "scripts.onnxruntime.compile", out, {"portable": onnx}, {**OPTIONS, **options})


@pytest.fixture(scope="module")
def result(verb, tiny_onnx, tmp_path_factory):
    result = compiled(verb, tiny_onnx, tmp_path_factory.mktemp("onnxruntime") / "files")
    assert result.code == 0, result.stderr
    return result


@pytest.fixture(scope="module")
def artifact(result, tmp_path_factory) -> Path:
    """The compiled files alone, moved to another folder."""
    return Path(shutil.copytree(result.out, tmp_path_factory.mktemp("elsewhere") / "files"))


@pytest.mark.parametrize("batch", [1, 8])
def test_one_file_serves_every_batch_and_agrees(session, artifact, tiny_reference, batch):
    opened = session("onnxruntime", "onnxruntime", artifact, tiny_reference, runtime="onnxruntime", batch=batch)
    assert opened.samples >= 200 and opened.top1_agreement == 1.0 and opened.sqnr_db > 80
    assert opened.threads == 2
    assert opened.placement["share"] == 1.0 and opened.placement["degraded"] is None
    assert "CPUExecutionProvider" in opened.placement["summary"]
    assert not {"torch", "onnx"} & set(opened.modules)


@pytest.mark.parametrize("batch", [1, 8])
def test_the_door(python, artifact, tiny_reference, batch):
    check_door(python, "onnxruntime", "onnxruntime", artifact, tiny_reference, runtime="onnxruntime", batch=batch)


def test_a_network_of_arrays(verb, python, tmp_path):
    onnx, reference, names = make_arrays_model(verb, tmp_path)
    made = compiled(verb, onnx, tmp_path / "files")
    assert made.code == 0, made.stderr
    check_door(python, "onnxruntime", "onnxruntime", made.out, reference, runtime="onnxruntime", batch=4, **names)


def test_what_is_compiled_is_the_optimised_graph(result, tiny_onnx, verb, tmp_path):
    """Nothing is left to optimise: activations are inside the convolutions, and the record counts what runs."""
    counts = result.facts["operators"]
    assert counts["Conv:float32"] == 6
    assert not [name for name in counts if name.startswith(("Relu", "Clip", "BatchNormalization"))]
    assert result.facts["options"]["graph_optimization"] == "ORT_ENABLE_ALL"
    again = compiled(verb, result.out, tmp_path / "files")
    assert again.facts["operators"] == counts


def test_equal_bytes_from_another_folder(verb, result, tiny_onnx, tmp_path):
    elsewhere = Path(shutil.copytree(tiny_onnx, tmp_path / "another" / "place"))
    again = compiled(verb, elsewhere, tmp_path / "files")
    assert sorted(path.name for path in again.out.iterdir()) == ["kernels.json", "model.onnx"]
    for path in again.out.iterdir():
        assert path.read_bytes() == (result.out / path.name).read_bytes(), path.name


THREADS = """
import json, os, pathlib, sys
from scripts.onnxruntime import session
before = len(os.listdir("/proc/self/task"))
opened = session.open(pathlib.Path(sys.argv[1]), json.loads(sys.argv[2]))
print(opened.threads(), len(os.listdir("/proc/self/task")) - before + 1)
"""


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_are_those_asked_for(python, artifact, threads):
    """Counted by the kernel too; what Snakemake exports decides nothing."""
    options = {**OPTIONS, "threads": threads, "batch": 1, "image_size": 32, "inputs": ["input"], "outputs": ["logits"]}
    variables = {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}
    done = python("onnxruntime", THREADS, str(artifact), json.dumps(options), variables=variables)
    assert done.stdout.split() == [str(threads), str(threads)]


def test_an_absent_provider_is_refused_and_never_replaced(verb, session, tiny_onnx, artifact, tiny_reference, tmp_path):
    refused = compiled(verb, tiny_onnx, tmp_path / "files", device="cuda:0")
    assert refused.code == 3 and "has no CUDAExecutionProvider" in refused.facts["reason"]
    assert "CPUExecutionProvider" in refused.facts["reason"]  # what there is instead
    with pytest.raises(AssertionError, match="has no CUDAExecutionProvider"):
        session("onnxruntime", "onnxruntime", artifact, tiny_reference, runtime="onnxruntime", device="cuda:0")


TOO_LARGE = """
import sys
from scripts.core.verb import Unsupported
from scripts.onnxruntime.gpu import OnnxRuntimeGpu

class Session:
    def run_with_iobinding(self, binding):
        raise RuntimeError(sys.argv[1])

opened = object.__new__(OnnxRuntimeGpu)
opened._session, opened._binding = Session(), None
try:
    opened.run()
except Unsupported as error:
    print("unsupported:", error)
except RuntimeError as error:
    print("failed:", error)
"""
CUDNN = (
    "Error in execution: Non-zero status code returned while running Conv node. Name:'node_Conv_754' Status Message: "
    "CUDNN failure 3000: CUDNN_STATUS_NOT_SUPPORTED ; GPU=0 ; line=82 ; expr=cudnnSetTensorNdDescriptor(tensor_, "
    "dataType, static_cast<int>(rank), dims.data(), strides.data()); "
)
"""What ONNX Runtime 1.31.1 said on an H100 of ResNet-50 at batch 1024 and 640 pixels."""


def test_an_array_too_large_for_cudnn_is_told_as_such(python):
    assert python("onnxruntime", TOO_LARGE, CUDNN).stdout.strip() == (
        "unsupported: an array of this batch and size is larger than cuDNN takes (Conv node_Conv_754): ask for a "
        "smaller batch"
    )
    other = CUDNN.replace("cudnnSetTensorNdDescriptor", "cudnnConvolutionForward")
    assert python("onnxruntime", TOO_LARGE, other).stdout.startswith("failed: ")
