"""Throughput mode on the real runtimes: streams run side by side, each with its own outputs, and fail with a word."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.toolchain.streams import OPTIONS, RUNTIMES, deployable, measured

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module", params=RUNTIMES)
def candidate(request, verb, tiny_checkpoint, tiny_onnx, tmp_path_factory) -> tuple[str, Path]:
    """A runtime, and the folder that its session opens."""
    runtime = request.param
    return runtime, deployable(verb, runtime, tiny_checkpoint, tiny_onnx, tmp_path_factory.mktemp(runtime))


OPEN = """
import importlib, json, pathlib, sys
from functools import partial
import numpy as np
from scripts.core.door import Session
from scripts.measure.protocol import Bench, Protocol
from scripts.measure.throughput import open_streams, window
room, artifact, reference, options = sys.argv[1], *map(pathlib.Path, sys.argv[2:4]), json.loads(sys.argv[4])
photos, logits = np.load(reference / "inputs.npy"), np.load(reference / "logits.npy")
protocol = Protocol(seconds=0.3, min_samples=60, warmup_seconds=0.2, warmup_iterations=5)
again = partial(importlib.import_module("scripts.%s.session" % room).open, artifact)
bench = Bench(again(options), {}, options, protocol, again)

class Checked(Session):
    "A stream that holds every output against what its own photo must give."
    def __init__(self, stream, wanted):
        self.stream, self.wanted, self.worst, self.requests = stream, wanted, 0.0, 0
    def put(self, inputs):
        self.stream.put(inputs)
    def execute(self):
        self.stream.execute()
    def get(self):
        got = self.stream.get()["logits"]
        self.requests += 1
        self.worst = max(self.worst, float(abs(got - self.wanted).max()))
        return got

"""

SIDE_BY_SIDE = (
    OPEN
    + """
said = {}
for count in (1, 2):
    streams = [Checked(s, logits[i:i + 1]) for i, s in enumerate(open_streams(bench, count))]
    seen = window(streams, [{"input": photos[i:i + 1].copy()} for i in range(count)], protocol)
    said[count] = {
        "requests": [s.requests for s in streams], "worst": [s.worst for s in streams],
        "threads": [s.stream.threads() for s in streams], "counted": len(seen.finished),
    }
    for s in reversed(streams):
        s.stream.close()
print(json.dumps({"said": said, "apart": float(abs(logits[0] - logits[1]).max())}))
"""
)


@pytest.mark.parametrize("threads", [2, 4])
def test_each_stream_has_its_own_outputs(python, candidate, tiny_reference, threads):
    """Two photos at a time: every output is its own photo's, as it is with one stream. The threads are shared out."""
    runtime, artifact = candidate
    env, room = RUNTIMES[runtime]
    options = {**OPTIONS, "runtime": runtime, "threads": threads, "inputs": ["input"], "outputs": ["logits"]}
    done = python(env, SIDE_BY_SIDE, room, str(artifact), str(tiny_reference), json.dumps(options))
    found = json.loads(done.stdout.splitlines()[-1])
    if runtime == "openvino":
        threads = min(threads, len(os.sched_getaffinity(0)))  # it takes no more than there are cores
    for count, told in found["said"].items():
        assert max(told["worst"]) < found["apart"] / 1000, "an output of the other stream"
        assert min(told["requests"]) > 10 and told["counted"] >= 60
        assert told["threads"] == [threads // int(count)] * int(count)


WRONG = (
    OPEN
    + """
streams = open_streams(bench, 2)
inputs = [{"input": photos[:1].copy()}, {"input": photos[:1, :2].copy()}]
try:
    window(streams, inputs, protocol._replace(seconds=60))
except Exception as error:
    print(json.dumps([type(error).__name__, str(error)]))
"""
)


def test_a_stream_that_fails_ends_it_with_the_runtimes_words(python, candidate, tiny_reference):
    """The second stream is given two channels instead of three."""
    runtime, artifact = candidate
    env, room = RUNTIMES[runtime]
    options = {**OPTIONS, "runtime": runtime, "inputs": ["input"], "outputs": ["logits"]}
    done = python(env, WRONG, room, str(artifact), str(tiny_reference), json.dumps(options))
    name, words = json.loads(done.stdout.splitlines()[-1])
    assert name.endswith(("Error", "Argument", "Fail")) and "2" in words


def raw(result: Any) -> dict[str, np.ndarray]:
    with np.load(result.out / "raw.npz") as arrays:
        return {name: arrays[name] for name in arrays.files}


def test_the_trial_records_streams_and_requests(verb, candidate, tiny_checkpoint, tiny_reference, tmp_path):
    runtime, artifact = candidate
    result = measured(
        verb, runtime, artifact, tiny_checkpoint, tiny_reference, tmp_path / "out", "throughput", threads=2
    )
    assert result.code == 0, result.stderr
    facts, arrays = result.facts, raw(result)
    assert facts["streams"] in (1, 2) and facts["streams_left_out"] == {}
    assert set(facts["streams_tried"]) == {"1", "2"} and min(facts["streams_tried"].values()) > 10
    assert facts["streams_tried"][str(facts["streams"])] == max(facts["streams_tried"].values())
    assert facts["threads"] == {"asked": 2, "read_back": 2}
    assert facts["placement"]["degraded"] is None and "status" not in facts
    assert set(arrays) == {"finished", "latency", "window_ns"}
    assert {str(values.dtype) for values in arrays.values()} == {"int64"}
    assert facts["samples"] == len(arrays["finished"]) == len(arrays["latency"]) > 5
    assert (np.diff(arrays["finished"]) >= 0).all() and arrays["latency"].min() > 0
    assert 0 < arrays["finished"][0] <= arrays["finished"][-1] <= arrays["window_ns"][0]
    assert 0.4e9 <= arrays["window_ns"][0] < 2e9
    assert facts["window"]["after"]["cpu_s"] > facts["window"]["before"]["cpu_s"]
    assert facts["phases"]["run_s"] > 0.4 and facts["memory"]["run_mb"] > facts["memory"]["baseline_mb"]


def test_latency_mode_has_no_streams(verb, tiny_checkpoint, tiny_onnx, tiny_reference, tmp_path):
    artifact = deployable(verb, "onnxruntime", tiny_checkpoint, tiny_onnx, tmp_path)
    result = measured(verb, "onnxruntime", artifact, tiny_checkpoint, tiny_reference, tmp_path / "out", "latency")
    assert result.code == 0, result.stderr
    arrays = raw(result)
    assert set(arrays) == {"put", "execute", "get"} and len(arrays["put"]) == result.facts["samples"] >= 5
    assert "streams" not in result.facts
    counted = result.facts["window"]
    assert (
        {"cpu_s", "waited_s", "major_faults", "involuntary_switches"} <= set(counted["before"]) == set(counted["after"])
    )


REFUSED = """
import importlib, json, pathlib, sys
try:
    importlib.import_module("scripts.%s.session" % sys.argv[1]).open(pathlib.Path("absent"), json.loads(sys.argv[2]))
except NotImplementedError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("env", "room", "runtime", "why"),
    [
        ("torch", "pytorch", "torch_compile", "runs on the 2 threads it was compiled for"),
        ("torch", "pytorch", "aotinductor", "runs on the 2 threads it was compiled for"),
        ("executorch", "executorch", "executorch", "holds Python's lock while it runs"),
    ],
)
def test_what_has_one_stream_only_says_why(python, env, room, runtime, why):
    options = {**OPTIONS, "runtime": runtime, "streams": 2, "inputs": ["input"], "outputs": ["logits"]}
    assert why in python(env, REFUSED, room, json.dumps(options)).stdout
