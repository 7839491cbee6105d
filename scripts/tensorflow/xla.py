"""What XLA made, kept: its executables, which TensorFlow writes to a folder and looks for there before it compiles.

An executable is found by the function's name and its operators. `compile` has them written beside the network; a
session gets a copy, so that what it did not find there, and compiled anew, shows as a new file. TensorFlow reads the
folder's name once a process, when it first looks for devices: a process serves one artifact.

TensorFlow's log then says that the machine lacks `prefer-no-gather` and `prefer-no-scatter`, and warns of SIGILL: those
two are hints for tuning that the compiler gives itself, no instructions. Stages refuse what another CPU compiled.
"""

import atexit
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Dict, Optional, Set

from scripts.core.door import Options

FOLDER = "xla"
SUMMARY = "xla.json"
_FLAGS = "--tf_xla_persistent_cache_directory=%s --tf_xla_persistent_cache_prefix=assay"


class Store:
    """The folder that this process's XLA reads and writes, and what lay there at first."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._given = self._entries()
        os.environ["TF_XLA_FLAGS"] = _FLAGS % folder

    @property
    def given(self) -> int:
        """Executables that were there."""
        return len(self._given)

    @property
    def made(self) -> int:
        """Executables that were compiled since."""
        return len(self._entries() - self._given)

    def _entries(self) -> Set[str]:
        return {path.name for path in self._folder.glob("*.pb")}


def note(artifact: Path, options: Dict[str, Any]) -> None:
    """Leave beside the executables what they serve: one batch size and number of threads. XLA finds no others."""
    built = {name: options[name] for name in ("batch", "threads")}
    (artifact / SUMMARY).write_text(json.dumps(built, sort_keys=True) + "\n")


def check_built_for(artifact: Path, options: Options) -> None:
    """Raises Unsupported where the executables serve another batch size or, on the CPU, number of threads."""
    options.require_built_for(json.loads((artifact / SUMMARY).read_text()))


def compile_into(artifact: Path) -> Store:
    """Have this process's XLA write what it compiles into the artifact. Before TensorFlow first looks for devices."""
    return Store(artifact / FOLDER)


_of_process: Optional[Store] = None


def serve_from(artifact: Path) -> Store:
    """Have this process's XLA find what the artifact holds; where that is already so, only tell."""
    global _of_process
    if _of_process is None:
        scratch = Path(tempfile.mkdtemp(prefix="assay-xla-"))
        atexit.register(shutil.rmtree, str(scratch), ignore_errors=True)
        for path in (artifact / FOLDER).glob("*.pb"):
            shutil.copyfile(str(path), str(scratch / path.name))
        _of_process = Store(scratch)
    return _of_process
