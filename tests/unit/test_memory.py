"""Peaks of memory belong to their phase, and count what a process starts."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from scripts.core import tree
from scripts.core.paths import ROOT
from scripts.measure.memory import with_looks

pytestmark = pytest.mark.alone

PHASES = """
import json, subprocess, sys, time
from scripts.measure.memory import begin, peak_mb, reset_peak

def start(megabytes):
    code = f"import time; x = bytes([1]) * ({megabytes} * 10**6); print(1, flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    child.stdout.readline()
    return child

memory = begin()
def end(name):
    memory[name] = peak_mb()
    reset_peak()

block = bytes([1]) * (150 * 10**6)
end("own")
del block
end("held until its end")
end("freed")
child = start(200)
end("child")
end("child that lives")
grandchild = subprocess.Popen([sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', \
'x = bytes([1]) * (100 * 10**6); print(1, flush=True); import time; time.sleep(60)'])"], stdout=subprocess.PIPE)
grandchild.stdout.readline()
end("grandchild too")
child.kill(); child.wait()
end("ending")
end("after")
print(json.dumps(memory))
import os, signal
from scripts.core import tree
for pid in tree.descendants(os.getpid()):
    os.kill(pid, signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def phases() -> dict[str, Any]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", PHASES], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    if not found["per_phase"]:
        pytest.skip("this kernel does not let a process reset its peak")
    return found


def above(phases: dict[str, Any], name: str) -> float:
    return float(phases[name]) - float(phases["baseline_mb"])


def test_a_peak_belongs_to_its_phase(phases: dict[str, Any]) -> None:
    assert above(phases, "own") == pytest.approx(150, abs=10)
    assert above(phases, "held until its end") == pytest.approx(150, abs=10)
    assert above(phases, "freed") < 10


def test_a_child_of_200_mb_counts_while_it_lives(phases: dict[str, Any]) -> None:
    """The child is 200 MB and an interpreter of its own, about 10 MB."""
    assert above(phases, "child") == pytest.approx(210, abs=15)
    assert above(phases, "child that lives") == pytest.approx(210, abs=15)
    assert above(phases, "grandchild too") == pytest.approx(330, abs=30)
    assert above(phases, "after") == pytest.approx(120, abs=20), "the child that ended no longer counts"


def test_what_was_seen_from_outside_belongs_to_its_phase() -> None:
    """A child that ended within `load` left nothing behind but the supervisor's looks."""
    memory = {"clock_s": 10.0, "baseline_mb": 20.0, "import_mb": 90.0, "load_mb": 95.0, "first_call_mb": 95.0}
    seconds = {"import_s": 1.0, "load_s": 2.0, "first_call_s": 0.1}
    seen = [(9.9, 900.0), (10.5, 60.0), (10.999, 900.0), (11.5, 250.0), (12.5, 300.0), (12.999, 900.0), (14.0, 900.0)]
    looks = [(at, at + 0.002, megabytes) for at, megabytes in seen]  # those across an end belong to neither phase
    found = with_looks(memory, seconds, looks)
    assert (found["import_mb"], found["load_mb"], found["first_call_mb"]) == (90.0, 300.0, 95.0)
    assert with_looks({"load_mb": 95.0}, seconds, looks) == {"load_mb": 95.0}


def test_the_tree_is_found_with_and_without_the_kernels_list(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = "import time; time.sleep(60)"
    nest = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {inner!r}]); print(p.pid, flush=True)"
    with subprocess.Popen([sys.executable, "-c", nest + "; p.wait()"], stdout=subprocess.PIPE) as outer:
        assert outer.stdout is not None
        below = int(outer.stdout.readline())
        assert tree.descendants(outer.pid) == [below]
        mine = tree.descendants(os.getpid())
        assert mine.index(outer.pid) < mine.index(below)
        monkeypatch.setattr(tree, "_children", lambda _pid: None)
        assert tree.descendants(outer.pid) == [below]
        assert sorted(tree.descendants(os.getpid())) == sorted(mine)
        os.kill(below, 9)
    assert tree.resident_mb(outer.pid) == 0.0 and tree.descendants(outer.pid) == []
