"""A stage always leaves a record, and files only when they are whole."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from scripts.core import records
from scripts.core.paths import ROOT

LIMITS = json.dumps({"convert_s": 3, "memory_mb": None})
VERB = """
import os, sys, time
from scripts.core.verb import Job, Unsupported, main

def work(job: Job):
    (job.out / "model.bin").write_bytes(b"0" * 1000)
    what = job.options.get("what")
    if what == "unsupported": raise Unsupported("no such precision here")
    if what == "raise": raise ValueError("bad shape\\nsecond line")
    if what == "segfault": import ctypes; ctypes.string_at(0)
    if what == "hang": time.sleep(600)
    if what == "degraded": return {"status": "degraded", "reason": "nothing was delegated"}
    return {"versions": {"tool": "1.0"}, "operators": {"Conv:float32": 2}}

if __name__ == "__main__": raise SystemExit(main(work))
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "a_verb.py").write_text(VERB)
    return tmp_path


def start(place: Path, what: str = "", *more: str) -> "subprocess.Popen[bytes]":
    command = [
        sys.executable, "-m", "scripts.core.stage", "artifact", "--stage", "convert", "--verb", "a_verb",
        "--artifact", str(place / "out" / "artifact.json"), "--environment=", "--log", str(place / "log"),
        "--options", json.dumps({"what": what}), *more,
    ]  # fmt: skip
    return subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT), "ASSAY_LIMITS": LIMITS}, cwd=place)


def run(place: Path, what: str = "", *more: str) -> dict[str, Any]:
    assert start(place, what, *more).wait(60) == 0
    return records.load(place / "out" / "artifact.json")


def test_a_whole_artifact(place: Path) -> None:
    made = run(place)
    assert made["status"] == "ok" and made["bytes"] == 1000 and made["versions"] == {"tool": "1.0"}
    assert records.identity(records.hash_files(place / "out/files")) == made["sha256"]
    cost = records.load(place / "out/build.json")
    assert cost["wall_s"] > 0 and cost["cpu_s"] > 0


def test_identity_holds_nothing_that_changes_from_day_to_day(place: Path) -> None:
    first = (run(place), (place / "out/artifact.json").read_bytes())[1]
    time.sleep(1.1)
    run(place)
    assert (place / "out/artifact.json").read_bytes() == first


@pytest.mark.parametrize(
    ("what", "status", "words"),
    [
        ("raise", "failed", "ValueError: bad shape"),
        ("unsupported", "unsupported", "no such precision here"),
        ("segfault", "crashed", "SIGSEGV"),
        ("hang", "timeout", "still running after 3 s"),
    ],
)
def test_a_bad_end_is_a_record_without_files(place: Path, what: str, status: str, words: str) -> None:
    run(place)
    made = run(place, what)
    assert made["status"] == status and words in made["reason"] and made["sha256"] is None
    assert not (place / "out/files").exists() and not list((place / "out").glob("*.partial"))
    assert records.load(place / "out/build.json")["status"] == status


def test_degraded_keeps_its_files(place: Path) -> None:
    made = run(place, "degraded")
    assert made["status"] == "degraded" and made["reason"] == "nothing was delegated" and (place / "out/files").exists()


def test_what_failed_upstream_is_said_here(place: Path) -> None:
    upstream = records.Artifact(status=records.Status.CRASHED, reason="crashed with SIGSEGV", stage="prepare")
    records.save(upstream, place / "up/artifact.json")
    made = run(place, "", f"--source=checkpoint={place / 'up/artifact.json'}")
    assert (made["status"], made["reason"], made["stage"]) == ("crashed", "crashed with SIGSEGV", "prepare")


def test_what_the_host_lacks_is_not_run(place: Path) -> None:
    made = run(place, "", "--absent=not run here: no NVIDIA GPU")
    assert (made["status"], made["reason"]) == ("not_run", "not run here: no NVIDIA GPU")


def test_a_killed_stage_leaves_no_half_artifact(place: Path) -> None:
    run(place)
    process = start(place, "hang")
    time.sleep(1.0)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (place / "out/artifact.json").exists() and not (place / "out/files").exists()
    assert run(place)["status"] == "ok"
    assert not list((place / "out").glob("*.partial"))
