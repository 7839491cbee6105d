"""Real toolchains in tests: verbs are called as the rules call them, with the toolchain's own interpreter.

    def test_it(verb, tiny_checkpoint, tmp_path):
        result = verb("torch", "scripts.onnxruntime.convert", tmp_path / "out", {"checkpoint": tiny_checkpoint})
        assert result.code == 0, result.stderr
        assert result.facts["operators"]["Conv:float32"] == 7

Folders are the `files/` of artifacts. ASSAY_PYTHON_ENV (such as ASSAY_PYTHON_OPENVINO) names another interpreter.
"""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PHOTOS = ROOT / "data" / "photos"
TIMEOUT_S = 600

TINY: dict[str, Any] = {
    "name": "tiny",
    "weights": "untrained",
    "build": "tiny:build",
    "folder": "tests/toolchain",
    "preprocess": {"size": 32, "resize": 36},
}
"""The model entry of the small network in `tiny.py`."""


@dataclass(frozen=True)
class Result:
    """How a verb ended: exit status (0, 1, 3), facts, standard error, the folder it wrote, and what it said."""

    code: int
    facts: dict[str, Any]
    stderr: str
    out: Path
    stdout: str


@cache
def python_of(env: str) -> Path:
    """The interpreter of an environment of the catalogue ("torch", "openvino", ...)."""
    override = os.environ.get(f"ASSAY_PYTHON_{env.upper()}")
    if override:
        return Path(override)
    from scripts.core import environment

    return environment.python_of(env)


def run_verb(
    env: str,
    module: str,
    out: Path,
    sources: dict[str, Path] | None = None,
    options: dict[str, Any] | None = None,
    *,
    cwd: Path = ROOT,
    variables: dict[str, str] | None = None,
    cache: Path | None = None,
) -> Result:
    """Run a verb in `env`; `variables` are added to the process's environment, `cache` is the compiler's own."""
    out.mkdir(parents=True, exist_ok=True)
    facts = out.with_name(out.name + ".facts.json")
    command = [str(python_of(env)), "-m", module, "--out", str(out), "--facts", str(facts)]
    command += [word for name, folder in (sources or {}).items() for word in ("--source", f"{name}={folder}")]
    command += ["--options", json.dumps(options or {}), *(["--cache", str(cache)] if cache else [])]
    environ = dict(os.environ, PYTHONPATH=str(ROOT), **(variables or {}))
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=TIMEOUT_S)
    return Result(
        done.returncode, json.loads(facts.read_text()) if facts.exists() else {}, done.stderr, out, done.stdout
    )


def run_python(
    env: str, code: str, *arguments: str, cwd: Path = ROOT, variables: dict[str, str] | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a piece of Python in the environment `env`, with `scripts` importable; `arguments` are its sys.argv[1:]."""
    environ = dict(os.environ, PYTHONPATH=str(ROOT), **(variables or {}))
    command = [str(python_of(env)), "-c", code, *arguments]
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 0 or not check, done.stderr
    return done


@dataclass(frozen=True)
class Opened:
    """What a session said of all reference samples: agreement with the reference, threads, placement."""

    samples: int
    max_abs_error: float
    sqnr_db: float
    top1_agreement: float
    threads: int | None
    placement: dict[str, Any]
    children: list[str]
    modules: list[str]


def run_session(env: str, room: str, artifact: Path, reference: Path, **options: Any) -> Opened:
    """Open `artifact` through the room's door in its environment and run every reference sample.

    Defaults: fp32, default variant, CPU, 2 threads, batch 1, 32 pixels, tensors "input" and "logits".
    """
    asked = {"precision": "fp32", "variant": "default", "device": "cpu", "threads": 2, "batch": 1, "image_size": 32}
    asked |= {"inputs": ["input"], "outputs": ["logits"], **options}
    done = run_python(env, OPEN, room, str(artifact), str(reference), json.dumps(asked))
    return Opened(**json.loads(done.stdout.splitlines()[-1]))


OPEN = """
import importlib, json, pathlib, sys
import numpy as np
room, artifact, reference, options = sys.argv[1], *map(pathlib.Path, sys.argv[2:4]), json.loads(sys.argv[4])
inputs, expected = np.load(reference / "inputs.npy"), np.load(reference / "logits.npy")
session = importlib.import_module("scripts.%s.session" % room).open(artifact, options)
size = options["batch"]
count = len(inputs) // size * size
rows = []
for start in range(0, count, size):
    session.put({options["inputs"][0]: np.ascontiguousarray(inputs[start:start + size])})
    session.execute()
    rows.append(np.array(session.get()[options["outputs"][0]]))
got, expected = np.concatenate(rows), expected[:count]
noise = ((got.astype("f8") - expected) ** 2).sum()
power = (expected.astype("f8") ** 2).sum()
me = pathlib.Path("/proc/self/task")
children = [c for task in me.iterdir() for c in (task / "children").read_text().split()]
print(json.dumps({
    "samples": count,
    "max_abs_error": float(abs(got - expected).max()),
    "sqnr_db": float(10 * np.log10(power / noise)) if noise else 999.0,
    "top1_agreement": float((got.argmax(1) == expected.argmax(1)).mean()),
    "threads": session.threads(),
    "placement": session.placement()._asdict(),
    "children": children,
    "modules": sorted(name for name in sys.modules if "." not in name),
}))
session.close()
"""


def made(result: Result) -> Path:
    """The folder of a verb that must succeed."""
    assert result.code == 0, result.stderr
    return result.out


@pytest.fixture(scope="session")
def verb() -> Callable[..., Result]:
    """`verb(env, module, out, sources, options)`: see `run_verb`."""
    return run_verb


@pytest.fixture(scope="session")
def python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """`python(env, code, *arguments)`: see `run_python`."""
    return run_python


@pytest.fixture(scope="session")
def session() -> Callable[..., Opened]:
    """`session(env, room, artifact, reference, runtime=..., batch=...)`: see `run_session`."""
    return run_session


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint of the small network (weights.pt, program.pt2, model.json), made by `prepare`."""
    out = tmp_path_factory.mktemp("tiny") / "checkpoint"
    return made(run_verb("torch", "scripts.models.prepare", out, options={"model": TINY, "photos": str(PHOTOS)}))


@pytest.fixture(scope="session")
def tiny_reference(tiny_checkpoint: Path) -> Path:
    """Its reference on all photos (inputs.npy [206, 3, 32, 32], logits.npy [206, 10], photos.json)."""
    out = tiny_checkpoint.with_name("reference")
    sources, options = {"checkpoint": tiny_checkpoint}, {"photos": str(PHOTOS)}
    return made(run_verb("torch", "scripts.models.reference", out, sources, options))


@pytest.fixture(scope="session")
def tiny_calibration(tiny_checkpoint: Path, tiny_reference: Path) -> Path:
    """Its calibration batch of 64 photos (inputs.npy [64, 3, 32, 32], logits.npy, photos.json)."""
    out = tiny_checkpoint.with_name("calibration")
    return made(run_verb("torch", "scripts.models.calibration", out, {"reference": tiny_reference}, {"photos": 64}))


@pytest.fixture(scope="session")
def tiny_onnx(tiny_checkpoint: Path) -> Path:
    """Its ONNX file (model.onnx)."""
    out = tiny_checkpoint.with_name("onnx")
    return made(run_verb("torch", "scripts.onnxruntime.convert", out, {"checkpoint": tiny_checkpoint}))
