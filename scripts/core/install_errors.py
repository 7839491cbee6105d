"""What uv said when an install failed, as one sentence for people: which package, why, and what to do."""

from __future__ import annotations

import re
from pathlib import Path

NETWORK = re.compile(r"dns error|error sending request|timed? ?out|connection|connect error", re.IGNORECASE)
DISK = re.compile(r"No space left|Disk quota")
MISMATCH = re.compile(r"hash mismatch", re.IGNORECASE)
REMEDIES = (
    (DISK, "make room on the disk, or name another folder for environments in ASSAY_ENVS; then run again"),
    (MISMATCH, "the index or folder serves another file than the one that was locked: see where it comes from"),
    (
        NETWORK,
        "see that the package index is reached from here, or name a folder of wheels (`make wheels` fills one) in "
        "PIP_FIND_LINKS; run again",
    ),
)
OTHERWISE = "see uv's own words in the log beside this record; then run again"


def no_package(name: str, lock: Path, said: str) -> str:
    """For an environment whose packages could not be installed."""
    package = _package(lock.read_text(), said)
    what = f"package {package}" if package else "a package"
    return (
        f"environment {name}: {what} could not be installed: {_essential(said)}; what to do: {_remedy(said, OTHERWISE)}"
    )


def no_python(name: str, version: str, said: str) -> str:
    """For an environment that could not be begun."""
    if DISK.search(said):
        return f"environment {name}: could not be begun: {_essential(said)}; what to do: {_remedy(said, OTHERWISE)}"
    return (
        f"environment {name}: Python {version} is not on this machine and could not be fetched; what to do: install "
        f"python{version}, or name an interpreter that has its packages: `interpreters: {{{name}: /path/to/python}}`"
    )


def no_installer(name: str) -> str:
    """For an environment that is to be made without what makes them."""
    return (
        f"environment {name}: uv, which makes environments, is not in Snakemake's Python; what to do: install what "
        f"requirements.txt names there, or name a Python: `interpreters: {{{name}: /path/to/python}}`"
    )


def _remedy(said: str, otherwise: str) -> str:
    return next((remedy for sign, remedy in REMEDIES if sign.search(said)), otherwise)


def _package(lock: str, said: str) -> str | None:
    """The first pin of the lock that uv's error names, with its version or in an address."""
    pins = re.findall(r"^([A-Za-z0-9._-]+)===?(\S+)", lock, re.MULTILINE)
    error = said[max(said.find("error:"), 0) :]
    for name, version in pins:
        spelt = "[-_.]".join(re.split("[-_.]+", name))
        if re.search(rf"(?<![\w.-]){spelt}((===?|-| v?){re.escape(version)}|/?[\s`\"')]|/?$)", error, re.IGNORECASE):
            return f"{name}=={version}"
    return None


def _essential(said: str) -> str:
    """uv's error line and the last of its causes."""
    errors = re.findall(r"^error: (.+)$", said, re.MULTILINE)
    causes = re.findall(r"^\s*cause: (.+)$", said, re.MULTILINE)
    lines = [line.rstrip(".:") for line in dict.fromkeys([*errors[:1], *causes[-1:]])]
    return ": ".join(lines) or (said.strip().splitlines() or ["uv gave no reason"])[-1]
