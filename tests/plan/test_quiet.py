"""While something is measured, Snakemake takes no core: it sleeps."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.plan.conftest import lay

pytestmark = pytest.mark.alone

SECONDS = 3.0
SLOW = "openvino/fp32.default.cpu/b8x224/trials/b8x224.latency/trial-4.json"


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_snakemake_sleeps_while_a_trial_runs_and_others_wait(tmp_path: Path) -> None:
    """Late in a run, when many jobs have ended: each of them used to wake it once a second."""
    folder, log = lay(tmp_path / "project"), tmp_path / "order.log"
    variables = {"ORDER_LOG": str(log), "SLOW_JOB": SLOW, "SLOW_SECONDS": "30"}
    command = [sys.executable, "-m", "snakemake", "--cores", "2", "all"]
    process = subprocess.Popen(
        command, cwd=folder, env=os.environ | variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while not (log.exists() and "/trial-3.json" in log.read_text() and time.time() - log.stat().st_mtime > 2):
            assert process.poll() is None
            time.sleep(0.1)
        before = cpu_seconds(process.pid)
        time.sleep(SECONDS)
        assert process.poll() is None
        assert cpu_seconds(process.pid) - before < 0.01 * SECONDS
    finally:
        process.kill()
        process.wait()
