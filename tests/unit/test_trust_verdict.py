"""`make trust` says what holds, what fails, and when the host is too noisy to tell."""

import copy
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.trust import verdict

GOOD: dict[str, Any] = {
    "host_noise_pct": 1.2,
    "host_noise_in_round_pct": 0.9,
    "aa": {"comparisons": 200, "differences": 9, "family_false_winner_rate": 0.01},
    "planted": {"5": 0.97, "10": 1.0},
    "coverage": [{"trials": 5, "distribution": "lognormal", "autocorrelation": 0.8, "coverage": 0.95}],
    "flags": {"drifting": 0.98, "bimodal": 0.97, "false_alarm": 0.02},
    "fidelity": {"openvino": {"ratio": 1.003, "lo": 0.99, "hi": 1.016}},
    "fallback": {"litert_xnnpack_off": True},
    "sampler": {"ratio": 1.0, "lo": 0.996, "hi": 1.004},
}


def exit_status(trust: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    path = folder / "trust.json"
    path.write_text(json.dumps(trust))
    monkeypatch.setattr(sys, "argv", ["verdict", str(path)])
    return verdict.main()


def test_all_that_holds_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert exit_status(GOOD, tmp_path, monkeypatch) == 0


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("aa", "differences"), 16),
        (("aa", "family_false_winner_rate"), 0.06),
        (("planted", "5"), 0.89),
        (("planted", "10"), 0.94),
        (("coverage", 0, "coverage"), 0.92),
        (("coverage", 0, "coverage"), 0.98),
        (("flags", "drifting"), 0.94),
        (("flags", "bimodal"), 0.94),
        (("flags", "false_alarm"), 0.06),
        (("fidelity", "openvino", "ratio"), 1.021),
        (("fidelity", "openvino", "hi"), 1.041),
        (("fidelity", "openvino", "lo"), 0.959),
        (("fallback", "litert_xnnpack_off"), False),
        (("sampler", "hi"), 1.011),
    ],
)
def test_each_proof_can_fail(
    keys: tuple[Any, ...],
    value: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    trust = copy.deepcopy(GOOD)
    place: Any = trust
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    assert exit_status(trust, tmp_path, monkeypatch) == verdict.FAILED
    assert capsys.readouterr().out.count("FAILS") == 1


def test_a_noisy_host_never_passes_and_has_a_status_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_status(GOOD | {"host_noise_pct": 3.1}, tmp_path, monkeypatch) == verdict.TOO_NOISY
    said = capsys.readouterr().out
    assert said.count("host too noisy") == 6 and said.count("holds") == 3


def test_a_noisy_host_does_not_hide_what_fails_anyway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trust = GOOD | {"host_noise_pct": 9.0, "fallback": {"litert_xnnpack_off": False}}
    assert exit_status(trust, tmp_path, monkeypatch) == verdict.FAILED


def test_another_file_is_no_pass_and_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_status({"host_noise_pct": 1.0}, tmp_path, monkeypatch) == verdict.FAILED
    assert "is no trust.json of this version" in capsys.readouterr().err
