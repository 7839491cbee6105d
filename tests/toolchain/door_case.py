"""What callers rely on at every door, checked inside a runtime's own environment. Prints nothing; asserts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHECKS = """
import importlib, json, os, pathlib, sys
import numpy as np
room, artifact, reference, options = sys.argv[1], *map(pathlib.Path, sys.argv[2:4]), json.loads(sys.argv[4])
door = importlib.import_module("scripts.%s.session" % room)

def stored(kind, names):
    return {n: np.load(reference / ("%s.npy" % kind if len(names) == 1 else "%s.%s.npy" % (kind, n))) for n in names}

inputs, expected = stored("inputs", options["inputs"]), stored("logits", options["outputs"])
size = options["batch"]

def rows(start, count):
    picked = np.minimum(np.arange(start, start + size), start + count - 1)
    return {n: np.ascontiguousarray(v[picked]) for n, v in inputs.items()}

def check(got, start, count=size):
    for n, v in expected.items():
        want = v[start:start + count].astype("f8")
        noise = ((got[n][:count] - want) ** 2).sum()
        assert got[n].dtype == v.dtype and got[n].shape == (size,) + v.shape[1:]
        assert noise == 0 or 10 * np.log10((want ** 2).sum() / noise) > 80, (n, start, count)

def run(session, given):
    session.put(given)
    session.execute()
    return session.get()

session = door.open(artifact, options)
first, second = rows(0, size), rows(size, size)
got = run(session, first)
check(got, 0)
session.put(second)
check(got, 0)                                   # what was got stays until the next execute
session.execute()
check(session.get(), size)                      # the last put counts
partial = max(1, size - 3)
check(run(session, rows(2 * size, partial)), 2 * size, partial)   # a last batch, filled up with its last row
session.put(rows(0, size))                      # the caller may let go of what it has put
litter = [np.full_like(v, 7) for v in rows(0, size).values() for _ in range(64)]
session.execute()
check(session.get(), 0)
frozen = rows(0, size)
for array in frozen.values():
    array.flags.writeable = False
check(run(session, frozen), 0)                  # arrays mapped from a file cannot be written

other = session.clone()
other.put(second)
session.put(first)
other.execute()
session.execute()
check(other.get(), size)
check(session.get(), 0)
other.close()
check(run(session, second), size)               # closing a clone leaves the original
session.close()
"""


def check_door(
    python: Callable[..., Any], env: str, room: str, artifact: Path, reference: Path, **options: Any
) -> None:
    """Run all of CHECKS on `artifact`: fails with the traceback of what does not hold."""
    asked = {"precision": "fp32", "variant": "default", "device": "cpu", "threads": 2, "image_size": 32}
    asked |= {"inputs": ["input"], "outputs": ["logits"], **options}
    python(env, CHECKS, room, str(artifact), str(reference), json.dumps(asked))


def make_arrays_model(verb: Callable[..., Any], folder: Path) -> tuple[Path, Path, dict[str, list[str]]]:
    """A network with two inputs (one of integers) and two outputs: its ONNX and reference folders, its tensor names."""
    inputs = [
        {"name": "values", "shape": ["batch", 12], "dtype": "float32"},
        {"name": "words", "shape": ["batch", 7], "dtype": "int64", "high": 20},
    ]
    model = {"name": "mixer", "weights": "untrained", "build": "tiny:mixer", "folder": "tests/toolchain"}
    model |= {"inputs": inputs, "outputs": ["scores", "mixed"]}
    made = {}
    for name, module, sources in (
        ("checkpoint", "scripts.models.prepare", ()),
        ("reference", "scripts.models.reference", ("checkpoint",)),
        ("onnx", "scripts.onnxruntime.convert", ("checkpoint",)),
    ):
        result = verb("torch", module, folder / name, {source: made[source] for source in sources}, {"model": model})
        assert result.code == 0, result.stderr
        made[name] = result.out
    return made["onnx"], made["reference"], {"inputs": ["values", "words"], "outputs": ["scores", "mixed"]}
