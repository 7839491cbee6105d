"""A network built from its description (`model.json`): for `prepare`, for converters and for PyTorch's sessions.

Imports PyTorch and what the one network needs, no more: measured processes use it.
"""

import os

import torch

from scripts.models import description as descriptions
from scripts.models import efficientnet, heads, own, torchvision_models

TORCHVISION = "torchvision:"


def build(description: descriptions.Description) -> torch.nn.Module:
    """The network of a description with fresh weights, in eval mode."""
    path = description["build"]
    if path == efficientnet.NAME:
        network = efficientnet.build(description["preprocess"]["size"])
    elif path.startswith(TORCHVISION):
        network = torchvision_models.build(path[len(TORCHVISION) :])
    else:
        network = own.build(path, description.get("folder"))
    if description.get("head"):
        heads.replace(network, description["head"]["layer"], description["head"]["outputs"])
    return network.eval()


def load(folder: "os.PathLike[str]") -> torch.nn.Module:
    """The network of a checkpoint's `files/` folder: built, with its weights, in eval mode.

    A checkpoint that was an exported program has no other network than that program.
    """
    description = descriptions.read(folder)
    if description["build"] == descriptions.PROGRAM:
        return torch.export.load(os.path.join(folder, descriptions.PROGRAM)).module()
    network = build(description)
    state = torch.load(os.path.join(folder, descriptions.WEIGHTS), map_location="cpu", weights_only=True)
    network.load_state_dict(state)
    return network
