"""A small network that XNNPACK takes only in part, and that LiteRT cannot give another batch size."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

SOURCE = """
import torch
from torch import nn


class Sums(nn.Module):
    def __init__(self):
        super().__init__()
        self.mix = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        x = torch.relu(self.mix(x))
        x = x.view(x.shape[0], 2, 2, 8, 8).transpose(1, 2).reshape(x.shape)  # the batch becomes a number in the file
        return torch.cumsum(x, 1)  # XNNPACK has no such operator


def build():
    torch.manual_seed(1)
    return Sums()
"""


def prepared(verb: Callable[..., Any], folder: Path) -> tuple[Path, Path]:
    """Its checkpoint and reference folders: one input and one output, both [batch, 4, 8, 8]."""
    (folder / "sums.py").write_text(SOURCE)
    model = {"name": "sums", "weights": "untrained", "build": "sums:build", "folder": str(folder)}
    model |= {"inputs": [{"name": "input", "shape": ["batch", 4, 8, 8], "dtype": "float32"}], "outputs": ["logits"]}
    options = {"model": model}
    checkpoint = verb("torch", "scripts.models.prepare", folder / "checkpoint", {}, options)
    assert checkpoint.code == 0, checkpoint.stderr
    reference = verb("torch", "scripts.models.reference", folder / "ref", {"checkpoint": checkpoint.out}, options)
    assert reference.code == 0, reference.stderr
    return checkpoint.out, reference.out
