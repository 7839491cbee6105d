"""What the Snakefile needs before anything else: a Python with pydantic, psutil and uv, and the checked config.

Under `make` that is Snakemake's own Python. Where Snakemake was installed by other means and lacks them, a small
virtual environment is made once in the user's cache, from requirements.txt. Standard library only.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from scripts.core import torch_build as builds

NEEDED = ("pydantic", "psutil")
INSTALLER = "uv"
"""What makes environments. Where `interpreters` names some that are there, all may be: then it is not asked for."""


class Stop(SystemExit):
    """Ends Snakemake with a message for people and no traceback."""


def cache_folder() -> Path:
    """Where this user keeps what checkouts share."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "assay"


def python(root: Path, config: dict[str, Any]) -> str:
    """A Python for guard, supervisor and config: this one if it has what they need, else one made for them."""
    if set("{}") & set(str(root)):
        raise Stop(f"{root} has braces in its name, which Snakemake takes for wildcards: move the project elsewhere")
    needed = NEEDED if config.get("interpreters") else (*NEEDED, INSTALLER)
    missing = [name for name in needed if not importlib.util.find_spec(name)]
    if not missing:
        return sys.executable
    requirements = root / "requirements.txt"
    key = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = cache_folder() / f"guard-{key}"
    found = folder / "bin" / "python"
    if not (folder / ".ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        print(
            f"Snakemake's Python lacks {', '.join(missing)}: making one that has them, once, in {folder}",
            file=sys.stderr,
            flush=True,
        )
        for command in (
            [sys.executable, "-m", "venv", str(folder)],
            [str(found), "-m", "pip", "install", "-q", "-r", str(requirements)],
        ):
            if subprocess.run(command, check=False).returncode:
                raise Stop(
                    f"Could not make it: `{' '.join(command)}` failed, see above. `make` sets up all that is needed."
                )
        (folder / ".ready").touch()
    return str(found)


def typed(value: Any) -> Any:
    """What `--config` gave, with numbers and truth values for the texts that Snakemake hands on inside lists."""
    import yaml

    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return yaml.safe_load(value) if isinstance(value, str) else value


def load_config(config: dict[str, Any], interpreter: str, root: Path) -> dict[str, Any]:
    """The config, checked and complete. Mistakes are printed, one sentence each, and end the run with status 2."""
    if interpreter == sys.executable:
        from scripts.core.config import ConfigError, load

        try:
            resolved: dict[str, Any] = load(config, root).model_dump(mode="json")
        except ConfigError as error:
            print(error, file=sys.stderr)
            raise Stop(2) from None
        return resolved
    answer = subprocess.run(
        [interpreter, "-m", "scripts.core.config", "--json", "-"], input=json.dumps(config), text=True,
        stdout=subprocess.PIPE, cwd=root, check=False,
    )  # fmt: skip
    if answer.returncode:
        raise Stop(answer.returncode)
    resolved = json.loads(answer.stdout)
    return resolved


def torch_build(config: dict[str, Any], interpreter: str, root: Path) -> str:
    """Which PyTorch build this checkout uses, chosen on its first run and kept in `artifacts/torch_build.json`."""
    wanted, kept = config["torch_build"], Path(config["artifacts"]) / "torch_build.json"
    lock = root / "envs" / "torch_cpu.lock.txt"
    if interpreter == sys.executable or builds.read(kept):
        try:
            return builds.choose(wanted, kept, lock)
        except builds.Unavailable as error:
            print(error, file=sys.stderr)
            raise Stop(2) from None
    code = "import sys; from pathlib import Path; from scripts.core.torch_build import choose; "
    code += "print(choose(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))"
    command = [interpreter, "-c", code, wanted, str(kept.absolute()), str(lock)]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=root, check=False)
    if answer.returncode:
        raise Stop(answer.returncode)
    return answer.stdout.strip()


def find_links(config: dict[str, Any]) -> list[str]:
    """Where this checkout's PyTorch build was found, beside pip's own places."""
    choice = builds.read(Path(config["artifacts"]) / "torch_build.json")
    return choice.find_links if choice else []
