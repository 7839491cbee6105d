"""Which PyTorch build this machine uses: its CPU build or PyPI's (CUDA) one. Chosen once, then kept in a file.

A machine without an NVIDIA GPU takes the CPU build where it can be had: from pip's find-links, else from PyTorch's
own index of CPU wheels (uv knows where that is). Otherwise PyPI's build, which is larger and runs everywhere.

Standard library only and quick: the Snakefile calls `choose`, which reads the file on every call but the first.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from scripts.core.host import has_nvidia_gpu
from scripts.core.verb import write_json

BUILDS = ("cpu", "cuda")
WANTED = ("auto", *BUILDS)
PROBE_SECONDS = 20


class Unavailable(Exception):
    """The build that the config names cannot be had here; the message says what to do."""


class Choice(NamedTuple):
    """What was chosen and why.

    wanted: what the config asked for; torch: the pin that was looked for
    find_links: folders and pages of wheels that uv and pip are to be given: the machine's own, and where the build is
    """

    wanted: str
    build: str
    torch: str
    reason: str
    find_links: list[str]


def choose(wanted: str, kept: Path, lock: Path) -> str:
    """The build, "cpu" or "cuda", for `wanted` ("auto", "cpu" or "cuda"); read from `kept` if the same was asked.

    lock: the lock of an environment with the CPU build; it says which version to look for.
    The first time, asks the machine (under a second as a rule, 20 at most), writes `kept` and prints one sentence.
    Raises `Unavailable` if "cpu" is asked for by name and cannot be had, ValueError on another word.
    """
    if wanted not in WANTED:
        raise ValueError(f"torch build {wanted!r} is none of {', '.join(WANTED)}")
    pin = pin_of(lock)
    before = read(kept)
    if before and (before.wanted, before.torch) == (wanted, pin):
        return before.build
    choice = decide(wanted, pin)
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_json(kept, choice._asdict())
    print(f"PyTorch: {choice.reason}. Kept in {kept} until the config or that file changes.", file=sys.stderr)
    return choice.build


def read(kept: Path) -> Choice | None:
    """What was chosen before; None if nothing was, or if the file cannot be understood."""
    try:
        values: dict[str, Any] = json.loads(kept.read_text())
        return Choice(**{name: values[name] for name in Choice._fields})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def decide(wanted: str, pin: str) -> Choice:
    """Look at the machine. `pin` is such as "torch==2.13.0+cpu". Raises as `choose` does."""
    own, version = find_links(), pin.replace("==", " ").split("+")[0]
    if wanted == "cuda":
        return Choice(wanted, "cuda", pin, f"PyPI's build ({version}), as the config says", own)
    if wanted == "auto" and has_nvidia_gpu():
        return Choice(wanted, "cuda", pin, f"PyPI's build ({version}), since this machine has an NVIDIA GPU", own)
    source = cpu_source(pin, own)
    if source:
        why = "as the config says" if wanted == "cpu" else "since this machine has no NVIDIA GPU"
        links = list(dict.fromkeys([*own, source]))
        return Choice(wanted, "cpu", pin, f"CPU build ({version}), {why}; found in {source}", links)
    if wanted == "cpu":
        raise Unavailable(
            f"PyTorch's CPU build ({pin}) is not in pip's find-links, and PyTorch's CPU index cannot be reached: "
            "name a folder that holds it in PIP_FIND_LINKS, or ask for `auto`, which then takes PyPI's build"
        )
    reason = f"PyPI's build ({version}), which runs without a GPU too, since the CPU build cannot be reached from here"
    return Choice(wanted, "cuda", pin, reason, own)


def cpu_source(pin: str, own: list[str]) -> str | None:
    """The folder or page that lists the wheel `pin`: one of `own`, else PyTorch's; None if it cannot be had."""
    for place in own:
        if _listed(pin, "--no-index", "--find-links", place):
            return place
    answer = _listed(pin, "--torch-backend", "cpu", "--emit-index-annotation")
    return page(answer) if answer else None


def page(answer: str) -> str | None:
    """The index's page of torch wheels, from uv's annotated answer.

    As a page among find-links it serves torch alone. The whole index would also serve other packages, in builds
    that are not the ones locked.
    """
    index = re.search(r"# from (\S+)", answer)
    return f"{index[1].rstrip('/')}/torch/" if index else None


def find_links() -> list[str]:
    """Where uv and pip are told to look for wheels on this machine: existing folders (absolute) and pages."""
    places = os.environ.get("UV_FIND_LINKS", "").split(",") + _pips_find_links()
    found = []
    for place in filter(None, (p.strip() for p in places)):
        place = place if "://" in place else os.path.abspath(os.path.expanduser(place))
        if place not in found and ("://" in place or os.path.exists(place)):
            found.append(place)
    return found


def _pips_find_links() -> list[str]:
    """From pip's own configuration files and variables; pip is asked, since only it knows them all."""
    pip = [sys.executable, "-m", "pip"] if _has_pip() else [shutil.which("pip") or shutil.which("pip3") or ""]
    if not pip[0]:
        return os.environ.get("PIP_FIND_LINKS", "").split()
    listing = subprocess.run([*pip, "config", "list"], capture_output=True, text=True, check=False).stdout
    values = re.findall(r"^(?:global|install|:env:)\.find-links=(.+)$", listing, re.MULTILINE)
    return [place for value in values for place in str(ast.literal_eval(value)).split()]


def _has_pip() -> bool:
    from importlib.util import find_spec

    return find_spec("pip") is not None


def _listed(pin: str, *where: str) -> str | None:
    """uv's answer if it finds `pin` there for Linux on x86-64, else None."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-deps", "--no-header"]
    command += ["--python-version", "3.11", "--python-platform", "x86_64-manylinux_2_28", *where, "-"]
    environment = {k: v for k, v in os.environ.items() if k != "UV_FIND_LINKS"}
    environment.update(UV_HTTP_TIMEOUT="5", UV_HTTP_RETRIES="0")
    try:
        done = subprocess.run(
            command, input=pin, env=environment, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout if done.returncode == 0 else None


def pin_of(lock: Path) -> str:
    """The lock's own line for torch, such as "torch==2.13.0+cpu"."""
    found = re.search(r"^torch===?\S+", lock.read_text(), re.MULTILINE)
    if found is None:
        raise ValueError(f"{lock} pins no torch")
    return found[0]
