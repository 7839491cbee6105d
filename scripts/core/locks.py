"""Lock the software environments: NAME.in (what we ask for) -> NAME.lock.txt (hashed pins) -> NAME.yaml (conda).

    python -m scripts.core.locks            make all locks and conda files afresh (asks the package index)
    python -m scripts.core.locks NAME ...   only these
    python -m scripts.core.locks --check    say where they disagree; needs no network

An environment that holds PyTorch has two locks, `NAME_cpu` and `NAME_cuda`, from one `NAME.in`.
`requirements.in`, `requirements-dev.in` and `tests/conda/requirements.in` are locked the same way, without conda files.
A lock is for Linux on x86-64 and names no index: where packages come from is the installing machine's affair.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.core import torch_build
from scripts.core.catalogue import TORCH_ENVS

PYTHON = "3.11"
PLATFORM = "x86_64-manylinux_2_28"
REQUIREMENTS = ("requirements", "requirements-dev", "tests/conda/requirements")


@dataclass(frozen=True)
class Lock:
    """One lock: the `.in` it comes from, where it and its conda file lie, and the PyTorch build it is for."""

    name: str
    source: Path
    path: Path
    conda: Path | None = None
    build: str | None = None

    @property
    def python(self) -> str:
        """The Python version it is for: the `.in` may say `# python: 3.10`."""
        said = re.search(r"^# python: (\S+)$", self.source.read_text(), re.MULTILINE)
        return said[1] if said else PYTHON

    def asked(self) -> str:
        """The `.in` without comments, with `torch` asked for in this lock's build."""
        lines = (re.sub(r"(^|\s+)#.*", "", line).strip() for line in self.source.read_text().splitlines())
        text = "".join(line + "\n" for line in lines if line)
        return re.sub(r"^(torch==[^\s+]+)$", r"\1+cpu", text, flags=re.MULTILINE) if self.build == "cpu" else text

    def asked_hash(self) -> str:
        return hashlib.sha256(f"{self.python}\n{self.asked()}".encode()).hexdigest()

    def header(self) -> str:
        return (
            f"# Made by `python -m scripts.core.locks` from {self.source.name}: edit that, not this.\n"
            f"# python: {self.python}\n# asked: {self.asked_hash()}\n"
        )


def locks(root: Path) -> list[Lock]:
    """Every lock of the project at `root`."""
    return [*_environments(root / "envs"), *_requirements(root)]


def _environments(folder: Path) -> Iterator[Lock]:
    for source in sorted(folder.glob("*.in")):
        builds: tuple[str | None, ...] = torch_build.BUILDS if source.stem in TORCH_ENVS else (None,)
        for build in builds:
            name = f"{source.stem}_{build}" if build else source.stem
            yield Lock(name, source, folder / f"{name}.lock.txt", folder / f"{name}.yaml", build)


def _requirements(root: Path) -> Iterator[Lock]:
    for stem in REQUIREMENTS:
        if (source := root / f"{stem}.in").exists():
            yield Lock(stem, source, source.with_suffix(".txt"))


def pins(text: str) -> list[str]:
    """The requirement lines of a lock, without hashes, such as `torch==2.13.0+cpu`."""
    joined = text.replace("\\\n", " ").splitlines()
    return [line.split(" --hash=")[0].strip() for line in joined if re.match(r"[A-Za-z0-9]", line)]


def conda_file(lock: Lock) -> str:
    """The conda environment file with the same pins as the lock on disk."""
    listed = "".join(f"      - {pin}\n" for pin in pins(lock.path.read_text()))
    return (
        f"# Made by `python -m scripts.core.locks` from {lock.path.name}: edit {lock.source.name}, not this.\n"
        f"name: assay_{lock.name}\nchannels:\n  - conda-forge\n"
        f"dependencies:\n  - python={lock.python}\n  - pip\n  - pip:\n{listed}"
    )


def make(lock: Lock) -> None:
    """Resolve `lock` afresh with uv and write it and its conda file; SystemExit with uv's words if it cannot."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-config", "--generate-hashes"]
    command += ["--no-annotate", "--no-header", "--upgrade"]
    command += ["--python-version", lock.python, "--python-platform", PLATFORM, "-"]
    if lock.conda:  # an environment never compiles; one of Snakemake's own packages is published as source only
        command += ["--only-binary", ":all:"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("UV_FIND_LINKS")}
    if lock.build == "cpu":  # only here: elsewhere a folder of wheels must not decide what is locked
        environment["UV_FIND_LINKS"] = ",".join(torch_build.find_links())
    done = subprocess.run(
        command, input=lock.asked(), cwd=lock.source.parent, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{lock.source}: could not be locked as {lock.name}:\n{done.stderr}")
    lock.path.write_text(lock.header() + _exact(done.stdout))
    if lock.conda:
        lock.conda.write_text(conda_file(lock))
    print(f"{lock.name}: {len(pins(done.stdout))} packages")


def _exact(text: str) -> str:
    """Pin PyTorch's wheels from PyPI by `===`: `==2.13.0` would take a `2.13.0+cpu` that find-links hold."""
    return re.sub(r"^(torch|torchvision|torchao)==(?=[^\s+]+\s)", r"\1===", text, flags=re.MULTILINE)


def disagreements(root: Path) -> list[str]:
    """One sentence for each lock or conda file that does not agree with what it is made from."""
    found = locks(root)
    known = {path for lock in found for path in (lock.path, lock.conda)}
    said = [sentence for lock in found for sentence in _check(lock)]
    for path in sorted([*root.glob("envs/*.lock.txt"), *root.glob("envs/*.yaml")]):
        if path not in known:
            said.append(f"{path.relative_to(root)} belongs to no .in: remove it.")
    return said


def _check(lock: Lock) -> Iterator[str]:
    again = f"run `python -m scripts.core.locks {lock.name}`."
    if not lock.path.exists():
        yield f"{lock.path.name} is missing: {again}"
        return
    text = lock.path.read_text()
    if not text.startswith(lock.header()):
        yield f"{lock.path.name} was made from another {lock.source.name}: {again}"
    yield from (f"{lock.path.name} {fault}: {again}" for fault in _faults(text, lock.asked()))
    if lock.conda and (not lock.conda.exists() or lock.conda.read_text() != conda_file(lock)):
        yield f"{lock.conda.name} does not hold the pins of {lock.path.name}: {again}"


def _faults(text: str, asked: str) -> Iterator[str]:
    """What is wrong with a lock's text, whatever its header claims."""
    if re.search(r"^\s*(-i|-f|--index-url|--extra-index-url|--find-links)\b|://", text, re.MULTILINE):
        yield "names an index or an address"
    blocks = re.findall(r"^[A-Za-z0-9].*(?:\n\s+--hash.*)*", text, re.MULTILINE)
    unhashed = [block.split()[0] for block in blocks if "--hash=" not in block]
    if unhashed:
        yield f"has no hash for {', '.join(unhashed)}"
    have = {canonicalize_name(r.name): str(r.specifier).lstrip("=") for r in map(Requirement, pins(text))}
    for line in asked.splitlines():
        if line.startswith("-"):
            continue
        wanted = Requirement(line)
        version = have.get(canonicalize_name(wanted.name))
        if version is None:
            yield f"lacks {line}"
        elif not wanted.specifier.contains(version, prereleases=True):
            yield f"has {wanted.name} {version} where {line} is asked for"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="locks to make (default: all)")
    parser.add_argument("--check", action="store_true", help="only say where they disagree")
    parser.add_argument("--root", type=Path, default=Path(), help="the project's folder (default: this one)")
    args = parser.parse_args(argv)
    if args.check:
        said = disagreements(args.root)
        print("\n".join(said) or "locks and conda files agree with what is asked for")
        return bool(said)
    every = {lock.name: lock for lock in locks(args.root)}
    if unknown := sorted(set(args.names) - set(every)):
        parser.error(f"no lock is called {', '.join(unknown)}; there are {', '.join(every)}")
    for name in args.names or every:
        make(every[name])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
