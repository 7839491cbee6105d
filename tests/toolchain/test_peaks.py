"""What each library says that this CPU reaches: real products of matrices, in the library's own environment."""

import pytest

from scripts.core.catalogue import RUNTIMES, env_of_room

LIBRARIES = sorted({runtime.library for runtime in RUNTIMES.values() if "cpu" in runtime.devices})
OPTIONS = {"threads": 2}
DOUBLES = """
import time, torch
torch.set_num_threads(1)
a, b = (torch.randn(512, 512, dtype=torch.float64) for _ in range(2))
a @ b
start = time.perf_counter()
for _ in range(8):
    a @ b
print(8 * 2.0 * 512**3 / (time.perf_counter() - start))
"""


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_librarys_peaks_are_plausible(library, verb, python, tmp_path):
    result = verb(env_of_room(library), f"scripts.{library}.peaks", tmp_path / "out", options=OPTIONS)
    assert result.code == 0, result.stderr
    found = result.facts["peaks"]
    assert found["fp32"] > 1e9
    assert all(peak is None or 1e9 < peak < 1e15 for peak in found.values())
    if library == "pytorch":
        slower = float(python("torch", DOUBLES).stdout)
        assert found["fp32"] > slower, "one thread in float64 does less"


def test_memory_moves_bytes(verb, tmp_path):
    result = verb("report", "scripts.measure.bandwidth", tmp_path / "out", options=OPTIONS)
    assert result.code == 0, result.stderr
    assert 1e8 < result.facts["bandwidth"] < 1e13
