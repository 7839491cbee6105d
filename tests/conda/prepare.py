"""Set the stand-in for conda up and say which variables turn it on.

eval "$(python -m tests.conda.prepare /tmp/conda-standin)"
snakemake all --cores 2 --sdm conda
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path

from tests.conda import channel

HERE = Path(__file__).resolve().parent


def prepare(folder: Path) -> dict[str, str]:
    """Make the stand-in's own Python, a channel and a package cache in `folder`; return the variables it needs."""
    python = folder / "python" / "bin" / "python"
    uv = [sys.executable, "-m", "uv", "--quiet"]
    subprocess.run(
        [*uv, "venv", "--no-project", "--allow-existing", "--python", sys.executable, str(folder / "python")],
        check=True,
    )
    lock = HERE / "requirements.txt"
    subprocess.run([*uv, "pip", "sync", "--require-hashes", "--python", str(python), str(lock)], check=True)
    channel.make(folder / "channel" / "conda-forge")
    return {
        "CONDA_STANDIN_PYTHON": str(python),
        "CONDA_CHANNEL_ALIAS": (folder / "channel").as_uri(),
        "CONDA_PKGS_DIRS": str(folder / "packages"),
        "PATH": os.pathsep.join([str(HERE / "bin"), os.environ["PATH"]]),
        "PYTHONNOUSERSITE": "1",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for name, value in prepare(parser.parse_args().folder.absolute()).items():
        print(f"export {name}={shlex.quote(value)}")


if __name__ == "__main__":
    main()
