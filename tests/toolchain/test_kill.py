"""Killed at random moments and started again: the same rows, nothing half-written, nobody left behind."""

import os
import random
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.toolchain.line import broken_files, lay, results, run, start

pytestmark = pytest.mark.alone

MOMENTS = 20
RUNTIMES = ["pytorch", "torchscript", "onnxruntime", "openvino"]


def strangers(folder: Path) -> list[psutil.Process]:
    """Processes that work for this folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        if process.pid != os.getpid() and process.info["cwd"] == str(folder):
            found.append(process)
    return found


def kill(folder: Path, how: str, after_s: float) -> None:
    process = start(folder)
    try:
        process.wait(after_s)
    except BaseException:
        if how == "SIGINT to the group":
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.send_signal(signal.SIGKILL)
    time.sleep(2)
    left = strangers(folder)
    assert not left, f"{how} after {after_s:.1f} s left {[p.info['cmdline'] for p in left]}"
    process.communicate()


def test_twenty_kills_then_the_same_rows(tmp_path: Path) -> None:
    wanted = lay(tmp_path / "whole", runtimes=RUNTIMES, batches=[1])
    code, output = run(wanted)
    assert code == 0, output
    folder = lay(tmp_path / "killed", runtimes=RUNTIMES, batches=[1])
    chance = random.Random(20)
    for moment in range(MOMENTS):
        kill(folder, ("SIGINT to the group", "SIGKILL")[moment % 2], chance.uniform(0.5, 9))
        assert broken_files(folder) == []
    code, output = run(folder)
    assert code == 0, output
    identity = (
        "model",
        "weights",
        "runtime",
        "precision",
        "variant",
        "device",
        "batch",
        "status",
        "artifact_sha256",
        "gate",
    )
    stable = [{key: row[key] for key in identity} for row in results(folder)]
    assert stable == [{key: row[key] for key in identity} for row in results(wanted)]
    assert not list(folder.rglob("*.tmp")) and not list(folder.rglob("*.partial"))
    assert not (folder / ".snakemake" / "locks").exists() or not list((folder / ".snakemake" / "locks").iterdir())


def test_a_second_run_in_the_same_folder_is_refused_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = lay(tmp_path / "project", runtimes=["pytorch"], batches=[1])
    first = start(folder)
    time.sleep(1.5)
    code, output = run(folder)
    assert code != 0 and "Another run works in this folder" in output and "Traceback" not in output
    os.killpg(first.pid, signal.SIGINT)
    first.communicate()
