"""Which artifact serves which batch and image size."""

import pytest

from scripts.core import paths

CPU, GPU = "cpu", "cuda:0"


@pytest.mark.parametrize(
    ("candidate", "shape", "portable"),
    [
        (("pytorch", "fp32", "default", CPU), "dyn", "dyn"),
        (("torchscript", "fp32", "default", CPU), "dyn", "dyn"),
        (("onnxruntime", "int8", "default", CPU), "any", "any"),
        (("onnxruntime", "fp32", "default", GPU), "any", "any"),
        (("openvino", "fp32", "default", CPU), "b8x256", "any"),
        (("torch_compile", "fp32", "default", CPU), "b8x256", "dynx256"),
        (("torch_compile", "int8", "default", CPU), "b8x256", "dynx256"),
        (("executorch", "fp32", "default", CPU), "b8x256", "b8x256"),
        (("litert", "fp32", "default", CPU), "dynx256", "dynx256"),
        (("keras", "fp32", "default", CPU), "dynx256", "dynx256"),
        (("tensorrt", "fp16", "default", GPU), "b8x256", "any"),
        (("tensorrt", "fp16", "profile", GPU), "dynx256", "any"),
    ],
)
def test_another_image_size(candidate: tuple[str, str, str, str], shape: str, portable: str) -> None:
    from scripts.core.catalogue import on

    assert paths.deployable_shape(candidate, 8, 256, 224) == shape
    assert paths.portable_shape(on(candidate[0], candidate[3]).format_of(candidate[1]), shape, 224) == portable


@pytest.mark.parametrize("runtime", ["pytorch", "onnxruntime", "openvino", "litert", "torch_compile"])
def test_the_own_image_size_is_served_by_what_serves_every_batch(runtime: str) -> None:
    candidate = (runtime, "fp32", "default", CPU)
    shape = paths.deployable_shape(candidate, 8, 224, 224)
    assert shape == ("b8x224" if runtime in ("openvino", "torch_compile") else "dyn")
    assert paths.portable_shape("onnx", shape, 224) == paths.portable_shape("tflite", shape, 224) == "dyn"


def test_what_serves_one_size_is_made_from_its_like() -> None:
    assert paths.source_shape("onnx", "dynx256", 224) == "dynx256"  # of Keras
    assert paths.source_shape("checkpoint", "b8x256", 224) == "dynx256"  # of ExecuTorch
    assert paths.source_shape("checkpoint", "any", 224) == "dyn"
    assert paths.source_shape("onnx", "any", 224) == "any"
    assert paths.source_shape("checkpoint", "b8x224", 224) == "dyn"


def test_networks_that_take_arrays_have_no_size() -> None:
    assert paths.deployable_shape(("openvino", "fp32", "default", CPU), 8, None, None) == "b8"
    assert paths.portable_shape("ir", "b8", None) == "dyn"
