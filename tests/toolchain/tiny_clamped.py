"""A small network as EfficientNet-Lite builds them: what quantisers get wrong silently.

Its convolutions are of a class of their own and pad bottom and right alone; what goes into ReLU6 is far wider than the
6 that come out of it.
"""

import torch
from torch import nn


class Same(nn.Conv2d):
    """A 3 x 3 convolution of stride 2 with TensorFlow's "same" padding of even sizes."""

    def __init__(self, inputs: int, outputs: int, groups: int = 1) -> None:
        super().__init__(inputs, outputs, 3, stride=2, groups=groups, bias=False)
        self.static_padding = nn.ZeroPad2d((0, 1, 0, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.conv2d(self.static_padding(x), self.weight, None, self.stride, groups=self.groups)


def wide(channels: int) -> nn.BatchNorm2d:
    """A normalisation to standard deviations of 1 to 16: ReLU6 takes its 6 out of a range of a hundred."""
    norm = nn.BatchNorm2d(channels)
    with torch.no_grad():
        norm.weight.copy_(torch.logspace(0, 4, channels, 2.0))
    return norm


class Clamped(nn.Module):
    """10 classes from 3 x 32 x 32 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(Same(3, 16), wide(16), nn.ReLU6())
        self.depthwise = nn.Sequential(Same(16, 16, groups=16), wide(16), nn.ReLU6())
        self.project = nn.Sequential(nn.Conv2d(16, 32, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU6(inplace=True))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classify = nn.Linear(32, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.project(self.depthwise(self.stem(x)))
        return self.classify(torch.flatten(self.pool(x), 1))


def build() -> nn.Module:
    return Clamped()
