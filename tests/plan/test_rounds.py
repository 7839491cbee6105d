"""Trials go in rounds: every candidate's first trial before any candidate's second, however many cores there are."""

import re
from pathlib import Path

import pytest

from tests.plan.conftest import lay, run


def trials(order: list[str]) -> list[int]:
    return [int(found[1]) for line in order if (found := re.search(r"--trial (\d+)", line))]


@pytest.mark.parametrize("cores", [1, 2, 8])
def test_rounds_with_a_slow_builder(tmp_path: Path, cores: int) -> None:
    folder = lay(tmp_path / "project")
    order = run(
        folder, "--config", "measure={trials: 3}", cores=cores, SLOW_JOB="scripts.litert.convert", SLOW_SECONDS="4"
    )
    done = trials(order)
    assert len(done) == 8 * 2 * 3
    assert done == sorted(done)
    built = [i for i, line in enumerate(order) if "scripts.core.stage artifact" in line]
    measured = [i for i, line in enumerate(order) if "--trial" in line]
    assert max(built) < min(measured), "something was measured while builders were left"


def test_the_order_within_a_round_is_shuffled_and_seeded(tmp_path: Path) -> None:
    first = run(lay(tmp_path / "a"), "--config", "measure={trials: 2}", "runtimes=[pytorch, torchscript, onnxruntime]")
    again = run(lay(tmp_path / "b"), "--config", "measure={trials: 2}", "runtimes=[pytorch, torchscript, onnxruntime]")
    rounds = [[line.split("--record ")[1].split(" ")[0] for line in first if f"--trial {n}" in line] for n in (1, 2)]
    same = [[line.split("--record ")[1].split(" ")[0] for line in again if f"--trial {n}" in line] for n in (1, 2)]
    assert rounds == same
    assert [p.replace("trial-1", "") for p in rounds[0]] != [p.replace("trial-2", "") for p in rounds[1]]
