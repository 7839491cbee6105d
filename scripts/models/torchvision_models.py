"""torchvision's classification models: builders, preprocessing, labels, published weights."""

import re
from types import ModuleType
from typing import Any, Dict, List, Tuple

import torch

# What torchvision itself passes to these builders when it loads its weights into them.
BUILD_OPTIONS: Dict[str, Dict[str, Any]] = {
    "googlenet": {"transform_input": True, "aux_logits": True, "init_weights": True},
    "inception_v3": {"transform_input": True, "aux_logits": True, "init_weights": True},
}
_DENSENET_KEY = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\.(?:weight|bias|running_mean|running_var))$")
_libraries: List[Any] = []


def is_missing_operators(error: RuntimeError) -> bool:
    """Whether importing torchvision failed because its extension is for another build of PyTorch."""
    return "torchvision::" in str(error)


def module() -> ModuleType:
    """`torchvision.models`, also beside a PyTorch that torchvision was not built for.

    Beside another build of PyTorch, torchvision's extension does not load and its import fails, because it
    registers kernels of operators that only the extension defines. Defining the two is enough: classifiers do
    not use them.
    """
    try:
        import torchvision.models
    except RuntimeError as error:
        if not is_missing_operators(error):
            raise
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _libraries.append(library)  # the definitions live as long as this object
        import torchvision.models
    models: ModuleType = torchvision.models
    return models


def names() -> List[str]:
    """The classification models that torchvision can build."""
    models = module()
    return list(models.list_models(module=models))


def build(name: str) -> torch.nn.Module:
    """The network `name` with fresh weights."""
    return module().get_model(name, weights=None, **BUILD_OPTIONS.get(name, {}))


def preprocess(name: str) -> Dict[str, Any]:
    """The preprocessing that torchvision publishes with the default weights of `name`."""
    transforms = module().get_model_weights(name).DEFAULT.transforms()
    return {
        "size": transforms.crop_size[0],
        "resize": transforms.resize_size[0],
        "interpolation": transforms.interpolation.value,
        "crop": "center",
        "mean": list(transforms.mean),
        "std": list(transforms.std),
        "scale": 255,
        "channels": "rgb",
    }


def labels(name: str) -> List[str]:
    """The names of the classes of `name`'s default weights, in order."""
    return list(module().get_model_weights(name).DEFAULT.meta["categories"])


def published(name: str) -> Tuple[str, str]:
    """Where the default weights of `name` are published, and the hexadecimal digits their sha256 begins with."""
    url: str = module().get_model_weights(name).DEFAULT.url
    match = re.search(r"-([0-9a-f]{8,})\.pth$", url)
    if match is None:
        raise RuntimeError("torchvision's weights of %s carry no sha256 in their name: %s" % (name, url))
    return url, match.group(1)


def renamed(state: Dict[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
    """DenseNet's published weights use older names (norm.1 for norm1): renamed in place, all other keys stay."""
    for key in list(state):
        if _DENSENET_KEY.match(key):
            state[_DENSENET_KEY.sub(r"\1\2", key)] = state.pop(key)
    return state
