"""A small network of one's own, as a user would bring it: every kind of layer that the classifiers here have."""

import torch
from torch import nn


class Block(nn.Module):
    """Depthwise and pointwise convolution, with a residual connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU6(),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x)


class Tiny(nn.Module):
    """10 classes from 3 x 32 x 32 pixels; 3,690 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.blocks = nn.Sequential(Block(16), nn.MaxPool2d(2), Block(16))
        self.widen = nn.Sequential(nn.Conv2d(16, 64, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classify = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.widen(self.blocks(self.stem(x)))
        return self.classify(torch.flatten(self.pool(x), 1))


def build() -> nn.Module:
    return Tiny()


class Mixer(nn.Module):
    """Takes arrays, not photos: two inputs of different kinds, two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(20, 8)
        self.dense = nn.Linear(12, 8)
        self.head = nn.Linear(8, 5)

    def forward(self, values: torch.Tensor, words: torch.Tensor):
        mixed = torch.tanh(self.dense(values)) + self.embed(words).mean(1)
        return self.head(mixed), mixed


def mixer() -> nn.Module:
    return Mixer()
