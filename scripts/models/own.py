"""A user's own network: `build: "package.module:function"`, a function without arguments that returns an nn.Module."""

import importlib
import os
import sys
import traceback
from types import ModuleType
from typing import Optional

import torch

from scripts.core.verb import Mistake
from scripts.models import torchvision_models


def _imported(name: str) -> ModuleType:
    """The module, also where it imports torchvision beside a PyTorch that torchvision was not built for."""
    try:
        return importlib.import_module(name)
    except RuntimeError as error:
        if not torchvision_models.is_missing_operators(error):
            raise
        torchvision_models.module()
        return importlib.import_module(name)


def build(path: str, folder: Optional[str] = None) -> torch.nn.Module:
    """Import the function that `path` names and call it.

    `folder`, relative to the working directory (which is searched in any case), is searched first.
    What goes wrong is a `Mistake`; errors of the user's own code print their traceback before it.
    """
    name, _, attribute = path.partition(":")
    if not name or not attribute:
        raise Mistake('build: %r is no path to a function; write "package.module:function"' % path)
    for entry in (os.getcwd(), os.path.abspath(folder) if folder else os.getcwd()):
        if entry not in sys.path:
            sys.path.insert(0, entry)
    try:
        module = _imported(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name + ".").startswith(error.name + "."):
            raise Mistake("build: %s imports %s, which is not installed here" % (name, error.name)) from None
        where = os.path.abspath(folder or ".")
        raise Mistake(
            "build: there is no module %s in %s or among the installed packages" % (error.name, where)
        ) from None
    function = getattr(module, attribute, None)
    if not callable(function):
        there = sorted(key for key, value in vars(module).items() if callable(value) and not key.startswith("_"))
        raise Mistake("build: %s has no function %s; it has %s" % (name, attribute, ", ".join(there) or "none"))
    try:
        network = function()
    except Exception as error:
        traceback.print_exc()
        raise Mistake("build: %s raised %s: %s" % (path, type(error).__name__, error)) from None
    if not isinstance(network, torch.nn.Module):
        raise Mistake("build: %s returned %s; it must return a torch.nn.Module" % (path, type(network).__name__))
    return network
