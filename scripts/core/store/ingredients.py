"""What the making of an artifact and the answer to a measurement depend on, by name: the key of their entries.

Hardware counts only as far as a compiler or a measurement depends on it. `--depends-on` of a rule names those parts.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from scripts.core import host, records
from scripts.core.codehash import code_hash

Values = dict[str, Any]


def _isa() -> list[str]:
    """Instruction sets of this CPU, all that it names: compilers for the CPU choose kernels by them."""
    return host.instruction_sets()


@cache
def _toolchain() -> list[str]:
    """The C++ compiler that Inductor calls, and what `-march=native` means to it here."""
    compiler = os.environ.get("CXX", "g++")
    if shutil.which(compiler) is None:
        return [compiler, "absent"]
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False).stdout
    asked = [compiler, "-march=native", "-E", "-v", "-x", "c++", "/dev/null"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": "C"}).stderr
    native = [word for line in said.splitlines() if "cc1" in line for word in line.split() if word.startswith("-m")]
    return [version.splitlines()[0] if version else "", hashlib.sha256(" ".join(native).encode()).hexdigest()[:16]]


def _gpu() -> Values | None:
    """Name, compute capability and driver of the GPU: an engine is bound to them."""
    found = host.gpu()
    return {key: found[key] for key in ("name", "capability", "driver")} if found else None


PARTS: dict[str, Callable[[], Any]] = {
    "isa": _isa, "toolchain": _toolchain, "gpu": _gpu, "intel_gpu": host.intel_gpus,
}  # fmt: skip
"""Parts of the host that a compiler may depend on."""
INTERPRETER = "interpreter"
"""The place of the Python: torch.compile's cache holds it."""
NOTHING = "nothing"
BINDING = ("isa", "gpu", "intel_gpu")
"""Parts without which what was compiled must not be loaded: another C++ compiler's code runs as well."""


def parts_of(text: str) -> list[str]:
    """The names in `isa,toolchain`; empty for `nothing`. Raises ValueError for one that there is not."""
    names = [] if text == NOTHING else text.split(",")
    if unknown := sorted(set(names) - {*PARTS, INTERPRETER}):
        raise ValueError(f"no part of a host is called {unknown[0]}; there are {', '.join(PARTS)} and {INTERPRETER}")
    return names


def host_parts(names: Sequence[str]) -> Values:
    """The named parts of this host."""
    return {name: PARTS[name]() for name in names if name in PARTS}


def foreign(built_for: Values) -> str | None:
    """Why something compiled for the host parts `built_for` must not be loaded here; None if it may be."""
    here = host_parts([name for name in built_for if name in BINDING])
    for name, found in here.items():
        if (wanted := built_for[name]) != found:
            return f"compiled for another host: its {name} is {_shown(wanted, found)}; compile it here"
    return None


def _shown(wanted: Any, found: Any) -> str:
    """What differs, for a sentence."""
    if isinstance(wanted, list) and isinstance(found, list):
        lacks, more = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
        parts = [f"{' '.join(lacks)} are missing here"] * bool(lacks) + [f"{' '.join(more)} are here only"] * bool(more)
        return "another (" + ", ".join(parts) + ")"
    return f"{wanted}, here it is {found}"


def software(environment: Path | None, with_path: bool = False) -> Values:
    """What an environment holds: the interpreter's version and every package; and the interpreter's place if asked."""
    if environment is None:
        return {}
    record = records.load(environment)
    found = {"interpreter": record["interpreter"], "packages": record["packages"]}
    return found | ({"place": record["python"]} if with_path else {})


def sources_of(folders: dict[str, Path]) -> dict[str, str]:
    """sha256 of each source artifact, by name."""
    return {name: records.load(folder / "artifact.json").get("sha256") or "" for name, folder in folders.items()}


def of_artifact(
    verb: str, sources: dict[str, Path], options: Values, environment: Path | None, depends_on: Sequence[str]
) -> Values:
    """What an artifact made by `verb` depends on."""
    return {
        "stage": "artifact", "verb": verb, "code": code_hash(verb), "sources": sources_of(sources), "options": options,
        "software": software(environment, INTERPRETER in depends_on), "host": host_parts(depends_on),
    }  # fmt: skip


def of_cache(name: str, environment: Path | None, depends_on: Sequence[str]) -> Values:
    """What the cache `name` that a compiler keeps for itself depends on: no input, for one warms the next."""
    where = INTERPRETER in depends_on
    return {"stage": "cache", "name": name, "software": software(environment, where), "host": host_parts(depends_on)}


def of_answer(
    stage: str, modules: Sequence[str], sources: Values, options: Values, environments: Sequence[Path],
    fingerprint: Values, **more: Any,
) -> Values:  # fmt: skip
    """What a verification or a trial depends on; sources: what it reads of them (`reads.py`).

    more: the trial's number and the kind of its session.
    """
    return {
        "stage": stage, "code": code_hash(*modules), "sources": sources, "options": options,
        "software": [software(path) for path in environments], "host": fingerprint, **more,
    }  # fmt: skip


def differences(one: Values, other: Values, path: str = "") -> list[str]:
    """Where two sets of ingredients differ, each as one line: name, one value, the other."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = sorted(set(one) | set(other))
        return [
            line
            for name in names
            for line in differences(one.get(name, "absent"), other.get(name, "absent"), f"{path}.{name}".lstrip("."))
        ]
    return [] if one == other else [f"{path}: {one} / {other}"]
