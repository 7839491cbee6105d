"""`make trust`, small: every proof runs for real and says what it found."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.trust import verdict
from tests.toolchain.line import lay, run

pytestmark = pytest.mark.alone

RUNTIMES = ["onnxruntime", "openvino", "litert", "executorch", "pytorch"]
SMALL = {"rounds": 12, "tool_rounds": 3, "seconds": 0.15, "draws": 300}


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = lay(tmp_path_factory.mktemp("trusted") / "project", runtimes=RUNTIMES, batches=[1], trust=SMALL)
    code, output = run(folder, "trust")
    assert code == 0, output
    return folder


def figures(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "reports" / "trust.json").read_text())
    return found


def samples(folder: Path, entry: str, number: int = 1) -> np.ndarray:
    (raw,) = folder.glob(f"artifacts/hosts/*/trust/live/{entry}.{number}.npz")
    with np.load(raw) as arrays:
        return np.asarray(arrays["execute"])


def test_the_file_holds_every_proof(trusted: Path) -> None:
    trust = figures(trusted)
    assert set(trust["fidelity"]) == set(RUNTIMES)
    assert trust["aa"]["comparisons"] == 200 and 0 <= trust["aa"]["differences"] <= 200
    assert set(trust["planted"]) == {"5", "10"}
    assert trust["host_noise_pct"] > 0 and trust["host_noise_in_round_pct"] > 0
    assert len(trust["coverage"]) == 3 * 2 * 2
    assert all(trust["fallback"].values()) and len(trust["fallback"]) == 4
    assert trust["sampler"]["lo"] < trust["sampler"]["ratio"] < trust["sampler"]["hi"]
    assert len(list(verdict.proofs(trust))) == 4 + 1 + 1 + len(RUNTIMES) + 4 + 1


def test_a_candidate_and_itself_are_measured_twice(trusted: Path) -> None:
    """A comparison of a sample with itself would find no difference, and prove nothing."""
    assert not np.array_equal(samples(trusted, "a")[:50], samples(trusted, "b")[:50])


def test_what_is_planted_is_in_the_samples(trusted: Path) -> None:
    """10 % of the execution, in the fast location, over all rounds; the small network runs for microseconds."""
    rounds = range(1, SMALL["rounds"] + 1)  # type: ignore[operator]
    pairs = [[float(np.quantile(samples(trusted, name, n), 0.1)) for name in ("a", "slower_10")] for n in rounds]
    a, slower = np.median(np.array(pairs), axis=0)
    assert slower / a > 1.05


def test_simulations_hold_at_any_size_of_the_run(trusted: Path) -> None:
    """300 draws: 95 % are 95 +- 2.5 % then, so the bound is that of the full run widened by its noise."""
    trust = figures(trusted)
    assert all(0.905 <= cell["coverage"] <= 0.99 for cell in trust["coverage"])
    assert trust["flags"]["drifting"] > 0.9 and trust["flags"]["bimodal"] > 0.9


def test_the_verdict_is_a_sentence_for_each_and_a_status(trusted: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.trust.verdict", "reports/trust.json"], cwd=trusted, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, verdict.FAILED, verdict.TOO_NOISY) and not done.stderr
    assert "comparisons of a candidate with itself declared a difference" in done.stdout
