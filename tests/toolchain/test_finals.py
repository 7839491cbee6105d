"""The finals: the leaders measured afresh, in shuffled rounds, and answered from their record while nothing changed."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.toolchain.line import lay, results, run

pytestmark = pytest.mark.alone

RUNTIMES = ["onnxruntime", "openvino", "pytorch"]
ROUNDS = 6
"""Of 3 finalists at most; eager PyTorch is in any case, as a guest where it is too slow to be one."""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = lay(
        tmp_path_factory.mktemp("finals") / "project", runtimes=RUNTIMES, batches=[1],
        finals={"rounds": ROUNDS, "seconds": 0.1, "finalists": 3, "refine_minutes": 0.2},
    )  # fmt: skip
    code, output = run(folder)
    assert code == 0, output
    return folder


def record(folder: Path, name: str = "finals") -> dict[str, Any]:
    (path,) = folder.glob(f"artifacts/hosts/*/{name}/{name}.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def starts(folder: Path) -> list[float]:
    (question,) = record(folder)["questions"]
    return sorted(trial["started"] for finalist in question["finalists"] for trial in finalist["trials"])


def test_each_round_holds_every_finalist_once_in_an_order_of_its_own(measured: Path) -> None:
    (question,) = record(measured)["questions"]
    assert (question["rounds"], question["rounds_asked"], question["why_fewer"]) == (ROUNDS, ROUNDS, None)
    names = [finalist["runtime"] for finalist in question["finalists"]]
    assert len(names) >= 2 and set(names) <= set(RUNTIMES) and "pytorch" in names
    assert [f["runtime"] for f in question["finalists"] if f["guest"]] in ([], ["pytorch"])
    orders = []
    for number in range(1, ROUNDS + 1):
        trials = {f["runtime"]: t for f in question["finalists"] for t in f["trials"] if t["round"] == number}
        guests = {f["runtime"] for f in question["finalists"] if f["guest"] and number % 2 == 0}
        assert set(trials) == set(names) - guests  # a guest takes part in every second round
        orders.append(tuple(sorted(trials, key=lambda name, t=trials: t[name]["started"])))  # type: ignore[misc]
    ends = [max(t["started"] for f in question["finalists"] for t in f["trials"] if t["round"] == n) for n in (1, 2)]
    begins = min(t["started"] for f in question["finalists"] for t in f["trials"] if t["round"] == 2)
    assert ends[0] < begins  # a round ends before the next begins
    assert len(set(orders)) > 1


def test_finals_are_a_session_of_their_own(measured: Path) -> None:
    (question,) = record(measured)["questions"]
    sessions = {trial["session"] for finalist in question["finalists"] for trial in finalist["trials"]}
    assert len(sessions) == 1 and not sessions & {row["session"] for row in results(measured)}


def test_only_those_that_passed_are_in_it_and_it_names_the_best(measured: Path) -> None:
    rows = {row["runtime"]: row for row in results(measured)}
    ranked = {name: row["rank_set"] for name, row in rows.items() if row["rank_set"]}
    assert "1" in ranked.values()
    leader = min(ranked, key=lambda name: float(rows[name]["finals_ms"]))
    assert ranked[leader] == "1"
    for name in ranked:
        lo, middle, hi = (float(rows[name][f"finals_{part}ms"]) for part in ("lo_", "", "hi_"))
        assert lo <= middle <= hi and rows[name]["finals_location"] == "p10"


def test_speed_ups_are_told_from_the_finals(measured: Path) -> None:
    rows = {row["runtime"]: row for row in results(measured)}
    for row in (rows[name] for name in ("onnxruntime", "openvino") if rows[name]["rank_set"]):
        assert float(row["finals_speedup_lo"]) <= float(row["finals_speedup"]) <= float(row["finals_speedup_hi"])
        assert float(row["finals_speedup"]) > 0


def test_refining_spends_its_minutes_and_decides_nothing(measured: Path) -> None:
    (question,) = record(measured, "refine")["questions"]
    assert question["rounds"] >= 3 and "minutes" in question["why_fewer"]
    refined = {trial["session"] for finalist in question["finalists"] for trial in finalist["trials"]}
    (final,) = record(measured)["questions"]
    assert not refined & {trial["session"] for finalist in final["finalists"] for trial in finalist["trials"]}


def test_an_edit_to_the_statistics_is_answered_from_the_record(measured: Path) -> None:
    before = starts(measured)
    statistics = measured / "scripts" / "stats" / "intervals.py"
    statistics.write_text(statistics.read_text() + "\n\nADDED = 1\n")
    code, output = run(measured)
    assert code == 0, output
    assert "rule finals" in output or "Finals: measuring" in output
    assert "round 1 of" not in output and starts(measured) == before


def test_other_rounds_and_lost_samples_are_measured_again(measured: Path) -> None:
    before = starts(measured)
    (lost, *_) = sorted(measured.glob("artifacts/hosts/*/finals/*/*.npz"))
    lost.unlink()
    statistics = measured / "scripts" / "stats" / "intervals.py"
    statistics.write_text(statistics.read_text() + "\n\nADDED_AGAIN = 1\n")
    code, output = run(measured)
    assert code == 0, output
    between = starts(measured)
    assert not set(between) & set(before)
    config = measured / "config.yaml"
    config.write_text(config.read_text().replace(f"rounds: {ROUNDS}", "rounds: 3"))
    code, output = run(measured)
    assert code == 0, output
    (question,) = record(measured)["questions"]
    assert len(starts(measured)) == sum(2 if finalist["guest"] else 3 for finalist in question["finalists"])
    assert not set(starts(measured)) & set(between)
