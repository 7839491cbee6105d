"""Serving mode: LoadGen's requests reach a real runtime, and the rate that is found keeps the limit."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.measure import loadgen
from tests.toolchain.conftest import python_of
from tests.toolchain.streams import OPTIONS, deployable, measured

pytestmark = pytest.mark.alone

LIMIT = {"p99_ms": 30.0}


@pytest.fixture(scope="module")
def variables() -> dict[str, str]:
    """Where LoadGen is, as the supervisor tells the worker."""
    folder = loadgen.folder_of(str(python_of("loadgen")))
    assert Path(folder).is_dir()
    return {loadgen.VARIABLE: folder}


@pytest.fixture(scope="module")
def artifact(verb, tiny_checkpoint, tiny_onnx, tmp_path_factory) -> Path:
    return deployable(verb, "onnxruntime", tiny_checkpoint, tiny_onnx, tmp_path_factory.mktemp("onnxruntime"))


@pytest.fixture
def serve(verb, artifact, tiny_checkpoint, tiny_reference, tmp_path) -> Any:
    """`serve(protocol, variables, **options)`: one trial of the worker in serving mode."""

    def serve(protocol: dict[str, Any], variables: dict[str, str], **options: Any) -> Any:
        places = (artifact, tiny_checkpoint, tiny_reference, tmp_path / "out")
        return measured(verb, "onnxruntime", *places, "serving", protocol, variables, **options)

    return serve


def test_the_highest_rate_keeps_the_limit(serve, variables):
    result = serve(LIMIT, variables)
    assert result.code == 0, result.stderr
    facts, found = result.facts, result.facts["serving"]
    with np.load(result.out / "raw.npz") as arrays:
        assert arrays.files == ["latency"]
        latency = arrays["latency"]
    met = [run for run in found["runs"] if run["met"]]
    best = max(met, key=lambda run: run["rate"])
    assert found["limit_ms"] == 30.0 and found["rate_per_s"] == best["arrived"] > 10
    assert best["p99_ms"] == found["p99_ms_at_rate"] <= 30.0 and best["sure"] is found["sure"]
    assert str(latency.dtype) == "int64" and len(latency) == best["queries"] == facts["samples"] > 5
    assert np.sort(latency)[int(len(latency) * 0.99)] / 1e6 == pytest.approx(best["p99_ms"]), "LoadGen's own p99"
    assert abs(best["arrived"] / best["rate"] - 1) < 5 / best["queries"] ** 0.5, "Poisson arrivals at that rate"
    missed = {run["rate"] for run in found["runs"]} - {run["rate"] for run in met}  # a stalled rate is run once more
    assert all(rate > best["rate"] for rate in missed)
    assert facts["streams"] == 1 and "status" not in facts


def test_its_own_thread_has_a_core(serve, variables):
    found = serve({**LIMIT, "seconds": 0.1}, variables, threads=2).facts
    assert found["serving"]["threads_left"] == found["threads"]["read_back"] == 1
    assert found["threads"]["asked"] == 2 and found["serving"]["issuing_core"] is True


def test_arrivals_are_others_in_another_trial(serve, variables):
    seeds = {serve({**LIMIT, "seconds": 0.1}, variables).facts["serving"]["seed"] for _ in range(2)}
    assert len(seeds) == 2


def test_a_limit_that_nothing_keeps_is_unsupported_with_the_reason(serve, variables):
    result = serve({"p99_ms": 0.001}, variables)
    assert result.code == 0 and result.facts["status"] == "unsupported"
    assert "99 % of requests cannot be answered within 0.001 ms: the fastest took" in result.facts["reason"]


def test_without_loadgen_it_is_unsupported(serve):
    result = serve(LIMIT, {loadgen.VARIABLE: ""})
    assert result.code == 3 and "needs MLCommons LoadGen: its environment is not there" in result.facts["reason"]


FAILS = """
import json, pathlib, sys
import numpy as np
from scripts.measure.protocol import Protocol
from scripts.measure.serving import Server, one_run
from scripts.onnxruntime import session
photos = np.load(pathlib.Path(sys.argv[2]) / "inputs.npy")
opened = session.open(pathlib.Path(sys.argv[1]), json.loads(sys.argv[3]))
inputs = {"input": photos[:1].copy()}
with Server([opened], inputs, Protocol(1.0, 1, 0.1, 5)) as server:
    good = one_run(server, 100.0, 1000.0, 0.5, 1)
    inputs["input"] = photos[:1, :2].copy()
    try:
        one_run(server, 100.0, 1000.0, 0.5, 1)
    except Exception as error:
        print(json.dumps([good.queries, str(error)]))
"""


def test_a_stream_that_fails_ends_the_run_with_its_error(python, artifact, tiny_reference, variables):
    options = json.dumps({**OPTIONS, "runtime": "onnxruntime", "inputs": ["input"], "outputs": ["logits"]})
    done = python("onnxruntime", FAILS, str(artifact), str(tiny_reference), options, variables=variables)
    queries, words = json.loads(done.stdout.splitlines()[-1])
    assert queries > 20 and "Got: 2 Expected: 3" in words
