"""A trial's record: memory by phase over the process and its children, conditions, what disturbed it, energy."""

import argparse
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.core import host, records
from scripts.core.records import Record, Status
from scripts.measure import energy, samplers, supervisor

pytestmark = pytest.mark.alone

SPIN = "import time; e = time.monotonic() + 30\nwhile time.monotonic() < e: pass"


@pytest.fixture
def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`trial()`: one guarded trial, alone under a lock of its own."""
    record = tmp_path / "host.json"
    records.save(Record(kind="host", status=Status.OK, stage="host", name="here", **host.describe()), record)
    monkeypatch.setenv("ASSAY_LIMITS", json.dumps({"trial_s": 60, "memory_mb": None}))
    lock = supervisor.machine_lock
    monkeypatch.setattr(supervisor, "machine_lock", lambda: lock(tmp_path / "lock"))

    def run() -> tuple[dict[str, Any], dict[str, Any]]:
        args = argparse.Namespace(
            environment="", source=[], options=json.dumps({"threads": 1, "device": "cpu", "mode": "latency"}),
            stage="measure", verb="tests.unit.trial_verb", log=tmp_path / "log", host_record=record, absent="",
            loadgen="",
        )  # fmt: skip
        ending, facts = supervisor.measure(args, tmp_path / "trial-1.npz")
        assert ending["status"] == Status.OK, (ending, (tmp_path / "log").read_text())
        return ending, facts

    return run


@contextlib.contextmanager
def busy(processes: int) -> Iterator[None]:
    """Other processes that want cores."""
    started = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def test_a_trial_says_what_it_took_and_what_disturbed_it(trial: Any) -> None:
    """Beside as many busy processes as there are cores."""
    with busy(host.usable_cores()):
        _, facts = trial()
    memory = facts["memory"]
    above = {name: memory[f"{name}_mb"] - memory["baseline_mb"] for name in ("import", "load", "first_call", "run")}
    assert above["import"] == pytest.approx(50, abs=10)
    assert above["load"] == pytest.approx(50 + 210, abs=25), "a child that ended within the phase counts"
    assert above["run"] == pytest.approx(50, abs=10), "and only in that phase"
    run = facts["conditions"]["run"]
    assert run["wall_s"] == pytest.approx(1.0, abs=0.5) and 0.1 < run["cpu_s"] <= run["wall_s"]
    assert any(reason.startswith("other processes used") for reason in facts["disturbed"]), (facts["disturbed"], run)
    around = facts["conditions"]
    assert around["after"]["busy_s"] - around["before"]["busy_s"] > 1
    assert around["trial"]["cpu_s"] >= run["cpu_s"]
    assert set(facts["energy"]) == {"joules", "idle_w", "window_s", "reason"}
    assert (facts["energy"]["joules"] is None) == (facts["energy"]["reason"] is not None)


def test_with_samplers_off_nothing_is_read(trial: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial is the same otherwise; a proof holds one against the other."""
    monkeypatch.setenv(samplers.SAMPLERS_VARIABLE, "off")
    monkeypatch.setattr(energy, "idle", lambda *_: pytest.fail("idle power was read"))
    monkeypatch.setattr(supervisor.conditions, "read", lambda: pytest.fail("conditions were read"))
    _, facts = trial()
    assert facts["conditions"]["before"] == {} and "run" not in facts["conditions"]
    assert facts["disturbed"] == [] and facts["energy"]["joules"] is None
    assert facts["memory"]["load_mb"] - facts["memory"]["baseline_mb"] < 100
