"""Our times beside vendors' tools and bare loops: both sides measure the same, by the same rule, on every runtime."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from scripts.measure.trials import trial_arguments
from scripts.trust import fidelity, ratios
from tests.toolchain.proved import LIMITS, Proved, proved

pytestmark = pytest.mark.alone


@pytest.fixture
def small(verb, tiny_checkpoint, tiny_reference, tiny_onnx, monkeypatch) -> Proved:
    """The small network's rows."""
    monkeypatch.setenv("ASSAY_LIMITS", LIMITS)
    return proved(verb, tiny_checkpoint, tiny_reference, tiny_onnx)


def test_every_runtime_has_a_reference_that_measures_the_same(small: Proved, tmp_path: Path) -> None:
    """Whole and plausible; the bound of `make trust` is for a network that runs longer than microseconds."""
    measured = fidelity.rounds(small.rows, 2, 0, small.setting, tmp_path / "fidelity")
    (tmp_path / "rounds.json").write_text(json.dumps({"schema": 1, "runtimes": measured}))
    found = ratios.ratios(tmp_path / "rounds.json")
    assert list(found) == ["onnxruntime", "openvino", "litert", "executorch", "pytorch"]
    for runtime, entry in found.items():
        assert 0.1 < entry["ratio"] < 10 and entry["lo"] < entry["ratio"] < entry["hi"], (runtime, entry)
        assert entry["rounds"] == 2 and entry["percent"] == (5 if runtime == "litert" else 10)
        with np.load(tmp_path / measured[runtime]["rounds"][0]["raw"]) as raw:
            assert len(raw["execute"]) == measured[runtime]["iterations"] == entry["samples"]


def test_a_slower_session_is_a_higher_ratio(small: Proved, tmp_path: Path, monkeypatch) -> None:
    """Ours takes twice as long, theirs does not: it is ours that is measured through the product."""
    planted = {"room": "trust.planted", "planted": {"room": "onnxruntime", "slower": 3.0}}
    monkeypatch.setattr(fidelity, "trial_arguments", lambda row, setting: trial_arguments(row, setting, **planted))
    measured = fidelity.rounds(small.only("onnxruntime"), 2, 0, small.setting, tmp_path / "fidelity")
    (tmp_path / "rounds.json").write_text(json.dumps({"runtimes": measured}))
    assert ratios.ratios(tmp_path / "rounds.json")["onnxruntime"]["ratio"] > 2


@pytest.mark.parametrize("runtime", ["openvino", "litert"])
def test_a_tool_gets_the_input_that_ours_gets(small: Proved, tmp_path: Path, runtime: str) -> None:
    """An input that does not fit ends the tool: so it is the trial's that it was given."""
    row = dict(small.only(runtime)[0])
    other = tmp_path / "reference" / "files"
    other.mkdir(parents=True)
    (other.parent / "artifact.json").write_text((Path(row["paths"]["reference"]) / "artifact.json").read_text())
    np.save(other / "inputs.npy", np.zeros((1, 3, 8, 8), np.float32))
    row["paths"] = row["paths"] | {"reference": str(other.parent)}
    with pytest.raises(SystemExit, match=f"{runtime} could not be measured"):
        fidelity.theirs(row, fidelity.with_iterations(small.setting, 5))


def test_the_ratio_is_a_geometric_mean_of_equal_percentiles(tmp_path: Path) -> None:
    """Steps are summed sample by sample, before the percentile is taken."""
    put, execute = np.array([1, 5, 1, 5]), np.array([7, 3, 9, 5])
    rounds = []
    for number, theirs_ms in ((1, 8e-6), (2, 4e-6)):
        np.savez(tmp_path / f"{number}.npz", put=put, execute=execute, get=np.zeros(4, int))
        said = {"percent": 50, "method": "inverted_cdf", "ms": theirs_ms}
        rounds.append({"round": number, "raw": f"{number}.npz", "theirs": said})
    entry = {"steps": ["put", "execute"], "iterations": 4, "rounds": rounds}
    found = ratios.ratio(entry, tmp_path)
    assert found["ratio"] == pytest.approx(math.sqrt(8 / 8 * 8 / 4))
