"""EfficientNet-Lite0 as careless converters make it: what the gate must catch. Its weights fit all of these."""

import torch
from efficientnet_lite_pytorch import EfficientNet
from torch import nn


def build(kind: type[nn.Module]) -> nn.Module:
    return kind.from_name("efficientnet-lite0", image_size=224)


class WrongMean(EfficientNet):
    """torchvision's mean and deviation of pixels in place of the network's own 127 and 128."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward((x * 128.0 + 127.0 - 0.485 * 255) / (0.229 * 255))


class Swapped(EfficientNet):
    """Blue, green, red."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.flip(1))


def wrong_mean() -> nn.Module:
    return build(WrongMean)


def swapped() -> nn.Module:
    return build(Swapped)


def symmetric() -> nn.Module:
    """As many zeros left and above as right and below, where the weights were trained with one side only."""
    network = build(EfficientNet)
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and isinstance(getattr(module, "static_padding", None), nn.ZeroPad2d):
            module.static_padding = nn.Identity()
            module.padding = tuple(side // 2 for side in module.kernel_size)
    return network
