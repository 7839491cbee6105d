"""What jobs depend on besides files and options, as short parameters: environments, users' code, templates.

Light: the Snakefile imports it.
"""

import hashlib
import os
import shutil
from functools import cache
from pathlib import Path
from typing import Any

from scripts.core.codehash import code_hash


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@cache
def lock_key(lock: Path) -> str:
    """What an environment made from this lock holds."""
    return hashlib.sha256(lock.read_bytes()).hexdigest()[:16]


def interpreter_key(python: str) -> str:
    """What an existing interpreter holds: its path and the packages beside it, by the names pip gives their folders."""
    packages = sorted(path.name for path in Path(python).parent.parent.glob("lib/python*/site-packages/*.dist-info"))
    return _short("\n".join([python, *packages]))


def cpp_compiler() -> str:
    """The C++ compiler that Inductor would call, by its path; empty where there is none."""
    return shutil.which(os.environ.get("CXX", "g++")) or ""


def file_key(file: Path) -> str:
    """The content of a file that need not be there."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16] if file.exists() else ""


def files_key(folder: Path) -> str:
    """Names and contents of the files below `folder`."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return _short(
        "".join(f"{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n" for path in files)
    )


def user_code_key(model: dict[str, Any]) -> str:
    """The code of a user's own network (`build: package.module:function`); empty for networks known by name."""
    return code_hash(model["build"].split(":")[0]) if model.get("build") else ""
