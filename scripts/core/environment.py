"""Make (or reuse) the software environment of one toolchain from its hashed lock, and record what is in it.

    python -m scripts.core.environment --name onnxruntime --lock envs/onnxruntime.lock.txt --record OUT.json

Environments lie in the user's cache, by the hash of their lock, and are shared by checkouts. One is whole if its
marker, written last, is there: an install that was killed is never taken for a whole one.
With `--interpreter` (or `--conda-python`) nothing is made: what that Python holds is recorded.
A failed install is a result: its record says which package and why, and the exit status is 0.

Standard library only; the light functions on top are for the Snakefile.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.core import install_errors, torch_build
from scripts.core.catalogue import TORCH_ENVS
from scripts.core.paths import ROOT
from scripts.core.verb import write_json

ENVS = ROOT / "envs"
MARKER = ".assay-whole.json"
DESCRIBE = """
import importlib.metadata, json, platform, re, sys
packages = {}
for found in importlib.metadata.distributions():
    if found.metadata["Name"]:  # what an import finds is the first of a name
        packages.setdefault(re.sub("[-_.]+", "-", found.metadata["Name"]).lower(), found.version)
interpreter = platform.python_implementation() + " " + " ".join(sys.version.split())
print(json.dumps({"interpreter": interpreter, "packages": packages}))
"""


class Failed(Exception):
    """The environment could not be made; the message is for people."""


def lock_name(env: str, build: str) -> str:
    """The lock of environment `env`: those that hold PyTorch have one for each of its builds."""
    return f"{env}_{build}" if env in TORCH_ENVS else env


def default_cache() -> Path:
    """Where environments lie: ASSAY_ENVS, else `assay/envs` in the user's cache."""
    if named := os.environ.get("ASSAY_ENVS"):
        return Path(named).expanduser().absolute()
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "assay" / "envs"


def folder(lock: Path, cache: Path) -> Path:
    """The environment's folder: its name and the hash of the lock's bytes, which say the Python version too."""
    return cache / f"{lock.name.split('.')[0]}-{lock_hash(lock)[:12]}"


def python_path(lock: Path, cache: Path) -> Path:
    """The environment's interpreter."""
    return folder(lock, cache) / "bin" / "python"


def lock_hash(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def python_of(env: str, kept: Path = ROOT / "artifacts" / "torch_build.json") -> Path:
    """The interpreter of the catalogue's environment `env` of this checkout, made if need be. Raises `Failed`.

    kept: where the choice of PyTorch build is kept.
    """
    choice = torch_build.read(kept) or torch_build.decide("auto", torch_build.pin_of(ENVS / "torch_cpu.lock.txt"))
    lock = ENVS / f"{lock_name(env, choice.build)}.lock.txt"
    return Path(make(env, lock, default_cache(), choice.find_links)["python"])


def make(name: str, lock: Path, cache: Path, extra_links: list[str]) -> dict[str, Any]:
    """Make the environment unless it is whole; return what is in it. Raises `Failed`.

    Keys: interpreter, packages {name: version}, python (path), install_s (0 if it was there).
    """
    place = folder(lock, cache)
    if whole := _whole(place):
        return whole
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / f"{place.name}.lock") as held:
        if whole := _whole(place):  # another checkout made it while we waited
            return whole
        shutil.rmtree(place, ignore_errors=True)  # unmarked: an install that did not end
        started = time.monotonic()
        try:
            _install(name, lock, place, extra_links, held)
        except Failed:
            shutil.rmtree(place, ignore_errors=True)
            raise
        made = {**describe(place / "bin" / "python"), "install_s": round(time.monotonic() - started, 2)}
        write_json(place / MARKER, made)
    return made


def describe(python: Path) -> dict[str, Any]:
    """Interpreter, packages and path of an existing Python. Raises `Failed` if it does not run."""
    try:
        environment = {**os.environ, "PYTHONNOUSERSITE": "1"}  # as workers run
        done = subprocess.run(
            [str(python), "-c", DESCRIBE], env=environment, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
        raise Failed(f"{python} does not run ({said}); what to do: name a Python 3 that does") from error
    return {**json.loads(done.stdout), "python": str(python)}


def require_numpy(name: str, python: Path, lock: Path) -> None:
    """Raises `Failed` where an interpreter that is there already lacks NumPy, which whatever runs in it hands over."""
    if not re.search(r"^numpy==", lock.read_text(), re.MULTILINE):
        return
    done = subprocess.run([str(python), "-c", "import numpy"], capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1]
        raise Failed(
            f"{python} cannot import NumPy ({said}); what to do: install the packages of envs/{name}.in there, or "
            f"name another Python under interpreters.{name}"
        )


def _whole(place: Path) -> dict[str, Any] | None:
    """The marker's content, if the environment is whole and its base interpreter is still there."""
    if not os.access(place / "bin" / "python", os.X_OK):
        return None
    try:
        made = json.loads((place / MARKER).read_text())
    except (OSError, ValueError):
        return None
    return {**made, "python": str(place / "bin" / "python"), "install_s": 0.0}


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[int]:
    """Hold the kernel's lock on `path`. Children that inherit the descriptor keep it held after our death."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _install(name: str, lock: Path, place: Path, extra_links: list[str], held: int) -> None:
    if not importlib.util.find_spec("uv"):
        raise Failed(install_errors.no_installer(name))
    version, python = _python_version(lock), str(place / "bin" / "python")
    links = list(dict.fromkeys(extra_links + torch_build.find_links()))
    done = _uv(["venv", "--no-project", "--python", _base(version), str(place)], links, held)
    if done.returncode:
        raise Failed(install_errors.no_python(name, version, done.stderr))
    sync = ["pip", "sync", "--require-hashes", "--only-binary", ":all:", "--compile-bytecode"]
    sync += ["--no-index"] if _no_index() else []
    done = _uv([*sync, "--python", python, str(lock)], links, held)
    if done.returncode:
        raise Failed(install_errors.no_package(name, lock, done.stderr))
    if _uv(["pip", "check", "--python", python], links, held).returncode:
        print(f"environment {name}: uv pip check disagrees with the lock (above); the lock decides", file=sys.stderr)


def _no_index() -> bool:
    """Whether pip is told to ask no index, which uv does not hear."""
    return os.environ.get("PIP_NO_INDEX", "").lower() in ("1", "true", "yes", "on", "y", "t")


def _python_version(lock: Path) -> str:
    said = re.search(r"^# python: (\S+)$", lock.read_text(), re.MULTILINE)
    if said is None:
        raise Failed(f"{lock} does not say which Python it is for: make it with `python -m scripts.core.locks`")
    return said[1]


def _base(version: str) -> str:
    """The interpreter to make environments with: ours, if it is of that version; else uv looks for one."""
    own = getattr(sys, "_base_executable", sys.executable)
    return own if version == ".".join(map(str, sys.version_info[:2])) else version


def _uv(arguments: list[str], links: list[str], held: int) -> subprocess.CompletedProcess[str]:
    """Run uv with find-links `links`; what it says goes to standard error, and is returned."""
    left_out = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV")
    environment = {k: v for k, v in os.environ.items() if k not in left_out}
    if links:
        environment["UV_FIND_LINKS"] = ",".join(links)
    environment["UV_COMPILE_BYTECODE_TIMEOUT"] = "600"
    done = subprocess.run(
        [sys.executable, "-m", "uv", *arguments],
        env=environment, pass_fds=(held,), preexec_fn=_die_with_parent, stdout=sys.stderr, stderr=subprocess.PIPE,
        text=True, check=False,
    )  # fmt: skip
    print(done.stderr, end="", file=sys.stderr)
    return done


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def record(args: argparse.Namespace) -> dict[str, Any]:
    """Make what the command line asks for; the record (an environment.json), whatever came of it."""
    existing = args.interpreter or args.conda_python
    mode = "interpreter" if args.interpreter else "conda" if args.conda_python else "uv"
    base = {"schema": 1, "kind": "environment", "stage": "environment", "name": args.name, "mode": mode}
    base.update(lock_sha256=lock_hash(args.lock), status="ok", reason=None)
    try:
        if existing:
            described = describe(Path(os.path.abspath(existing)))
            require_numpy(args.name, Path(described["python"]), args.lock)
            return {**base, **described, "install_s": 0.0}
        choice = torch_build.read(args.torch_choice) if args.torch_choice else None
        return {**base, **make(args.name, args.lock, args.cache, choice.find_links if choice else [])}
    except Failed as error:
        text = str(error)
        reason = text if text.startswith("environment ") else f"environment {args.name}: {text}"
        return {**base, "status": "failed", "reason": reason, "interpreter": None, "packages": {}, "install_s": None}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", required=True, help="the environment's name in the catalogue")
    parser.add_argument("--lock", required=True, type=Path)
    parser.add_argument("--record", required=True, type=Path, metavar="FILE")
    parser.add_argument("--cache", type=Path, default=default_cache(), metavar="DIR")
    parser.add_argument("--torch-choice", type=Path, metavar="FILE", help="what torch_build.choose wrote")
    parser.add_argument("--interpreter", metavar="PATH", help="record this Python instead of making one")
    parser.add_argument("--conda-python", metavar="PATH", help="the same, for one that conda made")
    args = parser.parse_args(argv)
    if not args.lock.is_file():
        parser.error(f"{args.lock} is not there; `python -m scripts.core.locks` makes locks")
    from scripts.core.guard import become_guard  # here: the Snakefile imports this module and may lack psutil

    become_guard()
    result = record(args)
    args.record.parent.mkdir(parents=True, exist_ok=True)
    write_json(args.record, result)
    if result["status"] != "ok":
        print(result["reason"], file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
