"""TensorFlow and Keras on the small network, with XLA and without: equal logits, and what XLA compiled is reused."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.toolchain.conftest import OPEN, Opened, made
from tests.toolchain.door_case import CHECKS

PLAIN = [("tensorflow", "default"), ("keras", "default"), ("keras", "predict")]
COMPILED = [("tensorflow_xla", "default"), ("keras_xla", "default")]
BATCHES = [1, 2]
PHOTOS = 48
THREADS = 3
"""Not the number that TensorFlow would take by itself on most machines."""

EACH = """
import json, sys
checks, opened, jobs = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
for job in jobs:
    sys.argv = ["", *job]
    exec(checks)
    exec(opened)
"""
"""The door's checks and a run over the photos, for several candidates in one process: TensorFlow's import is slow."""


def options(runtime: str, variant: str, batch: int) -> dict[str, Any]:
    return {
        "runtime": runtime, "variant": variant, "batch": batch, "threads": THREADS, "precision": "fp32",
        "device": "cpu", "image_size": 32, "inputs": ["input"], "outputs": ["logits"],
    }  # fmt: skip


def side_by_side(work, *jobs: Any) -> list[Any]:
    """`work` of each job, two at a time: each is a process that mostly imports."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(work, jobs))


@pytest.fixture(scope="module")
def keras(verb, tiny_onnx, tmp_path_factory):
    out = tmp_path_factory.mktemp("tensorflow") / "keras"
    result = verb("tensorflow_convert", "scripts.tensorflow.convert", out, {"onnx": tiny_onnx})
    made(result)
    return result


@pytest.fixture(scope="module")
def saved_model(verb, keras):
    result = verb("tensorflow", "scripts.tensorflow.export", keras.out.with_name("saved_model"), {"keras": keras.out})
    made(result)
    return result


@pytest.fixture(scope="module")
def reference(tiny_reference, tmp_path_factory):
    """The reference of some of the photos: Keras takes its time for each call."""
    folder = tmp_path_factory.mktemp("some")
    for name in ("inputs.npy", "logits.npy"):
        np.save(folder / name, np.load(tiny_reference / name)[:PHOTOS])
    return folder


@pytest.fixture(scope="module")
def run(python, reference, tmp_path_factory):
    """`run([(artifact, options), ...])`: check the door of each in one process; what each said of the photos.

    Its user has set Keras and TensorFlow up otherwise: that must decide nothing.
    """
    home = tmp_path_factory.mktemp("home")
    (home / ".keras").mkdir()
    settings = {"image_data_format": "channels_first", "floatx": "float16", "backend": "jax", "epsilon": 0.1}
    (home / ".keras" / "keras.json").write_text(json.dumps(settings))
    theirs = {"HOME": str(home), "KERAS_BACKEND": "jax", "TF_XLA_FLAGS": "--deadly"}  # which would end TensorFlow

    def run(jobs: list[tuple[Path, dict[str, Any]]]) -> list[Opened]:
        arguments = [["tensorflow", str(folder), str(reference), json.dumps(asked)] for folder, asked in jobs]
        done = python("tensorflow", EACH, CHECKS, OPEN, json.dumps(arguments), variables=theirs)
        return [Opened(**json.loads(line)) for line in done.stdout.splitlines() if line.startswith("{")]

    return run


def agrees(opened: Opened) -> None:
    """Every photo, exact logits, the threads that were asked for, on the CPU, nothing that slim environments lack."""
    assert opened.samples == PHOTOS and opened.top1_agreement == 1.0 and opened.max_abs_error < 1e-4
    assert opened.threads == THREADS
    assert opened.placement["share"] == 1.0 and "on CPU:0" in opened.placement["summary"]
    assert not {"torch", "onnx", "jax"} & set(opened.modules)


def test_tensorflow_and_keras_agree_at_every_batch(run, keras, saved_model):
    folders = {"tensorflow": saved_model.out, "keras": keras.out}
    asked = [(folders[runtime], options(runtime, variant, batch)) for runtime, variant in PLAIN for batch in BATCHES]
    found = run(asked)
    assert len(found) == len(PLAIN) * len(BATCHES)
    for opened in found:
        agrees(opened)
        assert opened.placement["degraded"] is None and "XLA" not in opened.placement["summary"]


@pytest.fixture(scope="module")
def compiled(verb, keras, saved_model) -> dict[tuple[str, int], Path]:
    """What XLA compiled, by runtime and batch; moved, as the line moves what it has made."""
    sources = {"tensorflow_xla": saved_model.out, "keras_xla": keras.out}

    def compile(job: tuple[str, str, int]) -> Path:
        runtime, variant, batch = job
        asked = {name: value for name, value in options(*job).items() if name not in ("inputs", "outputs")}
        out = keras.out.with_name(f"{runtime}.{batch}.partial")
        result = verb("tensorflow", "scripts.tensorflow.compile", out, {"portable": sources[runtime]}, asked)
        assert made(result) and result.facts["operators"]["XLA executable"] == 1
        return out.rename(out.with_suffix(""))

    jobs = [(runtime, variant, batch) for runtime, variant in COMPILED for batch in BATCHES]
    return dict(zip([(job[0], job[2]) for job in jobs], side_by_side(compile, *jobs), strict=True))


def test_xla_agrees_and_loads_what_was_compiled(run, compiled):
    jobs = [
        (compiled[runtime, batch], options(runtime, variant, batch))
        for runtime, variant in COMPILED
        for batch in BATCHES
    ]
    for (opened,) in side_by_side(lambda job: run([job]), *jobs):  # an executable's name counts what ran before it
        agrees(opened)
        assert opened.placement["degraded"] is None and "compiled by XLA" in opened.placement["summary"]


PROVOKED = """
import json, pathlib, sys
import numpy as np
from scripts.core.verb import Unsupported
from scripts.tensorflow import functions, session
def placement(artifact, asked):
    opened = session.open(pathlib.Path(artifact), asked)
    opened.put({"input": np.zeros((asked["batch"], 3, 32, 32), "float32")})
    opened.execute()
    return opened.placement().degraded
asked, said = json.loads(sys.argv[2]), []
for other in ({"batch": 2}, {"threads": 1}):
    try:
        placement(sys.argv[1], dict(asked, **other))
    except Unsupported as error:
        said.append(str(error))
said += [placement(sys.argv[1], asked)]
session.load = lambda artifact, runtime, variant, batch: functions.load(artifact, "tensorflow", variant, batch)
print(json.dumps([*said, placement(sys.argv[1], asked)]))
"""


def test_xla_that_compiles_anew_or_not_at_all_is_degraded(python, compiled, tmp_path):
    """And what was compiled for another batch or number of threads is not opened."""
    spoilt = Path(shutil.copytree(compiled["tensorflow_xla", 1], tmp_path / "spoilt"))
    shutil.rmtree(spoilt / "xla")
    shutil.copytree(compiled["tensorflow_xla", 2] / "xla", spoilt / "xla")
    asked = json.dumps(options("tensorflow_xla", "default", 1))
    *refused, anew, without = json.loads(python("tensorflow", PROVOKED, str(spoilt), asked).stdout)
    assert refused == [
        "compiled for batch 1; asked for 2: compile it again", "compiled for threads 3; asked for 1: compile it again",
    ]  # fmt: skip
    assert anew == "what XLA had compiled (1) did not fit: it compiled 1 anew"
    assert without == "asked for XLA, TensorFlow runs the graph without it"


def test_equal_bytes_from_another_folder(verb, keras, saved_model, tiny_onnx, tmp_path):
    elsewhere = {
        "onnx": Path(shutil.copytree(tiny_onnx, tmp_path / "another" / "onnx")),
        "keras": Path(shutil.copytree(keras.out, tmp_path / "another" / "keras")),
    }
    jobs = [("tensorflow_convert", "convert", "onnx"), ("tensorflow", "export", "keras")]

    def again(job: tuple[str, str, str]) -> Path:
        env, module, source = job
        out = tmp_path / module
        return made(verb(env, f"scripts.tensorflow.{module}", out, {source: elsewhere[source]}, cwd=tmp_path))

    def content(folder: Path) -> dict[str, bytes]:
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    converted, exported = side_by_side(again, *jobs)
    assert content(converted) == content(keras.out) and set(content(keras.out)) == {"model.keras"}
    assert content(exported) == content(saved_model.out) and "saved_model.pb" in content(exported)


def test_facts_name_operators_and_versions(keras, saved_model):
    assert keras.facts["operators"]["DepthwiseConv2D:float32"] == 2
    assert saved_model.facts["operators"]["DepthwiseConv2dNative:float32"] == 2
    assert keras.facts["versions"].keys() == {"tensorflow-cpu", "keras", "onnx"}
