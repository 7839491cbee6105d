"""`model.json`: what the later stages know of a network. Standard library only.

Keys: name, weights, trained, build, folder (of a user's own network, if not the working directory), task
("classification" or "arrays"), inputs and outputs (name, shape with "batch" first, dtype), preprocess, labels,
parameters, source; of a pruned network `pruned`: method, amount, sparsity (share of zeros in the weights of
convolutions and linear layers), parameters, macs, bytes and compressed (bytes of weights.pt as shipped and through
zlib), each before and after, and fine_tuned (epochs, photos and losses; None where nothing was trained).
Of a network that was fine-tuned on a folder of classes `fine_tuned`: photos, epochs, layers (all or head), losses and
test (photos, right, accuracy); where its last layer was made anew `head`: layer (the module's path), outputs.
"""

import json
import os
from typing import Any, Dict

FILE = "model.json"
PROGRAM = "program.pt2"
WEIGHTS = "weights.pt"
TRAINING = "training.json"
"""Beside weights that were fine-tuned on a folder of classes: how, and what came of it."""

Description = Dict[str, Any]


def read(folder: "os.PathLike[str]") -> Description:
    """The `model.json` of a checkpoint's `files/` folder."""
    with open(os.path.join(folder, FILE), encoding="utf-8") as stream:
        value: Description = json.load(stream)
    return value
