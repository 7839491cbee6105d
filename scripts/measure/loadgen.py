"""Where MLCommons LoadGen is: in an environment of its own, so that no runtime's environment holds it.

Its one compiled module is loaded from there by path; nothing else of that environment is seen. A compiled module fits
one minor version of Python. Standard library only, Python 3.8 on: the supervisor finds the folder, the worker loads.
"""

import importlib.util
import os
import subprocess
import sys
from importlib.machinery import PathFinder
from typing import Any

from scripts.core.verb import Unsupported

VARIABLE = "ASSAY_LOADGEN"
"""The folder that holds LoadGen's module, in the worker's environment."""
MODULE = "mlperf_loadgen"
WHERE = "import importlib.util, os; print(os.path.dirname(importlib.util.find_spec(%r).origin))" % MODULE


def folder_of(python: str) -> str:
    """The folder that holds LoadGen in the environment of the interpreter `python`; empty if it holds none."""
    done = subprocess.run([python, "-c", WHERE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return done.stdout.decode().strip()


def module() -> Any:
    """LoadGen. Raises Unsupported, with the reason, where it cannot be had in this process."""
    if MODULE in sys.modules:
        return sys.modules[MODULE]
    folder = os.environ.get(VARIABLE, "")
    spec = PathFinder.find_spec(MODULE, [folder]) if folder else None
    if spec is None or spec.loader is None:
        raise Unsupported("serving needs MLCommons LoadGen: " + _why_not(folder))
    loaded = sys.modules[MODULE] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def _why_not(folder: str) -> str:
    if not os.path.isdir(folder):
        return "its environment is not there"
    built = sorted(name for name in os.listdir(folder) if name.startswith(MODULE) and name.endswith(".so"))
    if not built:
        return "there is none in %s" % folder
    return "%s was built for another Python than this %d.%d" % (built[0], *sys.version_info[:2])
