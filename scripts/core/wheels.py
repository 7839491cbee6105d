"""The packages of environments as one folder, for a machine without a network: `make wheels`.

    python -m scripts.core.wheels [--out wheels] [ENVIRONMENT ...]

Fetches what the locks name, by their hashes, for this machine's system and each lock's own Python: Snakemake's own
packages and those of the environments (all, where none is named). PyTorch is PyPI's build, which runs with and without
a GPU. There, nothing is fetched: `PIP_NO_INDEX=1 PIP_FIND_LINKS=/path/to/wheels make`.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from scripts.core import locks
from scripts.core.config_errors import closest
from scripts.core.locks import Lock
from scripts.core.paths import ROOT

OWN = "requirements"
BUILDERS = ["setuptools", "wheel"]
"""What pip builds a package of sources with."""
BUILD = "cuda"
"""PyPI's build of PyTorch, as torch_build names it."""


def by_environment() -> dict[str, Lock]:
    """The lock of each environment, by its name in the catalogue, and that of Snakemake's own packages."""
    found = [lock for lock in locks.locks(ROOT) if lock.build in (None, BUILD)]
    return {lock.source.stem: lock for lock in found if lock.conda or lock.name == OWN}


def chosen(asked: list[str]) -> list[Lock]:
    """The locks of Snakemake's own packages and of the environments asked for. Raises SystemExit for one unknown."""
    known = by_environment()
    own = known.pop(OWN)
    for name in asked:
        if name not in known:
            raise SystemExit(f"{name!r} is no environment{closest(name, list(known))}; there are {', '.join(known)}")
    return [own, *(known[name] for name in asked or known)]


def fetch(lock: Lock, out: Path) -> None:
    """Fetch what a lock names into `out`. Raises SystemExit where that fails; pip has said why.

    Of Snakemake's own packages some are sources alone, which pip builds where they are installed.
    """
    named = ["--require-hashes", "--requirement", str(lock.path)]
    if lock.name == OWN:
        _download(out, lock.path.name, named)
        _download(out, " and ".join(BUILDERS), BUILDERS)
    else:
        _download(out, lock.path.name, ["--only-binary", ":all:", "--python-version", lock.python, *named])


def _download(out: Path, what: str, arguments: list[str]) -> None:
    command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
    if subprocess.run([*command, "--dest", str(out), *arguments], check=False).returncode:
        raise SystemExit(f"the packages of {what} could not be fetched, as pip says above; run again")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environments", nargs="*", metavar="ENVIRONMENT", help="those to pack; without any, all")
    parser.add_argument("--out", type=Path, default=Path("wheels"), metavar="FOLDER")
    args = parser.parse_args(argv)
    wanted = chosen(args.environments)
    args.out.mkdir(parents=True, exist_ok=True)
    for number, lock in enumerate(wanted, 1):
        print(f"{number} of {len(wanted)}: {lock.path.name}", flush=True)
        fetch(lock, args.out)
    size = sum(path.stat().st_size for path in args.out.iterdir())
    print(f"{size / 1e9:.2f} GB in {args.out}. There: PIP_NO_INDEX=1 PIP_FIND_LINKS=/path/to/{args.out.name} make")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
