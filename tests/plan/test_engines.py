"""Variants that say how an engine is run, not how it is built, ask for the same engine: the store answers."""

import re
import subprocess
import sys
from pathlib import Path

CHOICE = "{'tensorrt': {'precisions': ['int8'], 'variants': ['default', 'cuda_graphs', 'profile', 'calibrator']}}"


def builds(project: Path) -> dict[str, str]:
    """What the builder is asked for, by variant."""
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "-p", "--cores", "2", "all", "--config", f"runtimes={CHOICE}",
         "devices=all", "batches=[1]"],
        cwd=project, check=True, capture_output=True, text=True,
    )  # fmt: skip
    said = done.stdout + done.stderr
    commands = [line for line in said.splitlines() if "--verb scripts.tensorrt.compile" in line]
    return {
        re.search(r"int8\.(\w+)\.cuda", line)[1]: re.search(r"--options '?(\{.*?\})'? ", line + " ")[1]  # type: ignore[index]
        for line in commands
    }


def test_a_cuda_graph_takes_the_engine_that_is_there(project: Path) -> None:
    asked = builds(project)
    assert set(asked) == {"default", "cuda_graphs", "profile", "calibrator"}
    assert asked["cuda_graphs"] == asked["default"]
    assert len({asked["default"], asked["profile"], asked["calibrator"]}) == 3
