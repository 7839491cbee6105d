"""Two results files: what got slower is found, noise and a slower host are not taken for it, mistakes are said."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.report import compare
from scripts.report.changes import SLOWER, UNCLEAR, common_shift, holm, judge, side
from scripts.report.columns import frame
from scripts.stats.intervals import t_interval

RUNTIMES = ("pytorch", "torchscript", "torch_compile", "aotinductor", "onnxruntime", "openvino", "litert", "executorch")
NOISE, TRIALS, LEAST = 0.012, 5, np.log1p(0.02)


def rows(
    seed: int, slower: dict[str, float] | None = None, host_factor: float = 1.0, runtimes: tuple[str, ...] = RUNTIMES,
    trials: int = TRIALS, noise: float = NOISE, batches: tuple[int, ...] = (1, 8), **cells: Any,
) -> list[dict[str, object]]:  # fmt: skip
    """Rows as summarise writes them, from invented trials with `noise` between them."""
    random, found = np.random.default_rng(seed), []
    for place, runtime in enumerate(runtimes):
        for batch in batches:
            true = (3 + place) * batch * host_factor * (slower or {}).get(runtime, 1.0)
            point, lo, hi = t_interval(list(np.log(true) + random.normal(0, noise, trials)))
            figures = {
                f"{name}{end}_ms": value
                for name in ("p10", "median")
                for end, value in (("", point), ("_lo", lo), ("_hi", hi))
            }
            found.append(
                {
                    "host": "synthetic", "model": "lite", "weights": "package", "runtime": runtime, "precision": "fp32",
                    "variant": "default", "device": "cpu", "shape": "dyn", "batch": batch, "image_size": 224,
                    "mode": "latency", "threads": 2, "torch_build": "cpu", "status": "ok", "trials": trials,
                    "gate": "pass", "artifact_sha256": "a" * 64, "throughput_per_s": 1e3 * batch / point,
                }
                | figures | cells
            )  # fmt: skip
    return found


def save(path: Path, table: list[dict[str, object]], without: tuple[str, ...] = ()) -> Path:
    """The rows as a results file."""
    results = frame(table).drop(columns=list(without))
    results.to_parquet(path, index=False) if path.suffix == ".parquet" else results.to_csv(path, index=False)
    return path


def run(old: Path, new: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    """Exit status, and what was said."""
    status = compare.main([str(old), str(new), *options])
    said = capsys.readouterr()
    return status, said.out + said.err


def test_a_slow_down_of_one_candidate_is_found_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = save(tmp_path / "old.csv", rows(1))
    new = save(tmp_path / "new.parquet", rows(2, {"openvino": 1.15, "litert": 0.85}))
    status, said = run(old, new, capsys, "--json", str(tmp_path / "out.json"))
    assert status == 3 and "Slower by at least 2 %, against the shift: 2" in said
    found = json.loads((tmp_path / "out.json").read_text())
    outcomes = {(row["runtime"], row["batch"]): row["outcome"] for row in found["rows"]}
    assert {name for name, outcome in outcomes.items() if outcome == "slower"} == {("openvino", 1), ("openvino", 8)}
    assert {name for name, outcome in outcomes.items() if outcome == "faster"} == {("litert", 1), ("litert", 8)}
    slower = next(row for row in found["rows"] if row["runtime"] == "openvino")
    assert slower["lo"] < 1.15 < slower["hi"] and found["regressions"] == 2


def test_nothing_changed_is_no_regression(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = run(save(tmp_path / "a.csv", rows(1)), save(tmp_path / "b.csv", rows(2)), capsys)
    assert status == 0 and "Slower by at least 2 %, against the shift: 0" in said
    assert "nothing got worse" in said


def test_a_file_with_every_kind_of_column_is_read_from_csv_as_from_parquet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Truth values are words in a CSV."""
    both = [row | {"pareto": i % 2 == 0, "labelled": 59} for i, row in enumerate(rows(1))]
    for name in ("a.csv", "a.parquet"):
        status, said = run(save(tmp_path / name, both), save(tmp_path / f"b-{name}", both), capsys)
        assert status == 0 and "no results file" not in said


def test_a_slower_host_is_said_and_is_not_taken_for_the_candidates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = save(tmp_path / "a.csv", rows(1))
    status, said = run(old, save(tmp_path / "b.csv", rows(2, host_factor=1.1)), capsys)
    assert status == 0 and "EVERYTHING SHIFTED: the median change of 8 candidates is +" in said
    assert "The host probably changed" in said
    status, said = run(old, save(tmp_path / "c.csv", rows(3, {"litert": 1.15}, host_factor=1.1)), capsys)
    assert status == 3 and "lite, LiteRT, batch 1" in said.split("against the shift: 2")[1].split("Cannot be told")[0]
    status, _ = run(old, tmp_path / "b.csv", capsys, "--absolute")
    assert status == 3


@pytest.mark.parametrize(
    ("drift", "apart", "rate"), [(0.0, 0.0, 0.05), (0.015, 0.0, 0.05), (0.1, 0.0, 0.05), (0.1, 0.02, 0.1)]
)
def test_false_alarms_are_rare_and_a_tenth_is_found(drift: float, apart: float, rate: float) -> None:
    """300 pairs of tables of 8 candidates with 2 batches; the host drifts by `drift`, candidates differ by `apart`."""
    random, alarms, found, draws = np.random.default_rng(5), 0, 0, 300
    names = [name for name in RUNTIMES for _ in range(2)]
    for _ in range(draws):
        of_host = np.repeat(drift + random.normal(0, apart, len(RUNTIMES)), 2)
        planted = np.zeros(16)
        planted[0] = np.log(1.1)
        old, new = (_side(random, true) for true in (np.zeros(16), of_host + planted))
        changes = judge(old, new, common_shift(old, new, names, names, LEAST), LEAST)
        alarms += any(change.outcome != UNCLEAR and change.outcome != "same" for change in changes[1:])
        found += changes[0].outcome == SLOWER
    assert alarms / draws <= rate
    if not apart:
        assert found / draws >= 0.9


def test_without_enough_candidates_a_drift_of_the_host_is_no_regression() -> None:
    """Three candidates cannot show that it was the host: a drift below the threshold must not be called slower."""
    random, alarms, draws, names = np.random.default_rng(6), 0, 300, ["a", "b", "c"]
    for _ in range(draws):
        old, new = _side(random, np.zeros(3)), _side(random, np.full(3, 0.015))
        shift = common_shift(old, new, names, names, LEAST)
        assert not shift.applied
        alarms += any(change.outcome == SLOWER for change in judge(old, new, shift, LEAST))
    assert alarms / draws <= 0.05


def _side(random: np.random.Generator, true: np.ndarray) -> Any:
    logs = true[:, None] + random.normal(0, NOISE, (len(true), TRIALS))
    middle, half = logs.mean(axis=1), 2.776445 * logs.std(axis=1, ddof=1) / np.sqrt(TRIALS)  # as t_interval has it
    return side(np.exp(middle), np.exp(middle - half), np.exp(middle + half), np.full(len(true), float(TRIALS)))


def test_errors_come_back_from_the_intervals_of_a_table() -> None:
    logs = np.log([5.0, 5.2, 5.1, 5.3, 4.9])
    point, lo, hi = t_interval(list(logs))
    assert lo is not None and hi is not None
    found = side(*(np.array([value]) for value in (point, lo, hi)), np.array([5.0]))
    assert found.error[0] == pytest.approx(logs.std(ddof=1) / np.sqrt(5))
    assert found.log[0] == pytest.approx(logs.mean())


def test_intervals_leave_out_no_change_exactly_where_holm_rejects() -> None:
    p = np.array([0.06, 0.001, 0.03, 0.013])
    levels, rejected = holm(p)
    assert list(rejected) == [False, True, False, True]
    assert levels == pytest.approx([0.025, 0.0125, 0.025, 0.05 / 3])
    assert ((p <= levels) == rejected).all()
    assert holm(np.array([]))[1].size == 0


def test_one_file_of_an_older_version_is_compared_by_medians_and_it_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newer = ("p10_ms", "p10_lo_ms", "p10_hi_ms", "verdict", "rank_set", "finals_ms", "host_phase", "streams")
    old = save(tmp_path / "old.csv", rows(1), without=newer)
    status, said = run(old, save(tmp_path / "new.csv", rows(2, {"litert": 1.2})), capsys)
    assert status == 3 and "No p10 with its interval in OLD, so medians are compared" in said
    assert "by median" in said


def test_hosts_that_differ_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = save(tmp_path / "a.csv", rows(1)), save(tmp_path / "b.csv", rows(2, host="other"))
    assert "OLD was measured on synthetic, NEW on other" in run(old, new, capsys)[1]
    both = save(tmp_path / "c.csv", rows(1) + rows(3, host="other"))
    status, said = run(old, both, capsys)
    assert status == 0 and "16 rows in both files" in said and "Only in NEW: 16" in said


def test_rows_of_one_file_only_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = save(tmp_path / "a.csv", rows(1))
    new = save(tmp_path / "b.csv", rows(2, runtimes=RUNTIMES[1:]) + rows(2, precision="int8", runtimes=("litert",)))
    status, said = run(old, new, capsys)
    assert status == 0
    assert "Only in OLD: 2\n  lite, PyTorch eager, batch 1" in said
    assert "Only in NEW: 2\n  lite, LiteRT (int8), batch 1" in said


@pytest.mark.parametrize(
    ("cells", "said", "expected"),
    [
        ({"status": "crashed", "reason": "crashed with SIGSEGV"}, "crashed: crashed with SIGSEGV", 3),
        ({"status": "degraded", "reason": "ran without its delegate"}, "not as asked: ran without its delegate", 3),
        ({"gate": "fail"}, "failed its gate", 3),
        ({"status": "not_run", "reason": "no GPU here"}, "not run here: no GPU here", 0),
    ],
)
def test_what_no_longer_runs_is_said_and_fails_unless_the_machine_lacks_something(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cells: dict[str, str], said: str, expected: int
) -> None:
    lost = rows(2)
    lost[0] |= cells
    status, text = run(save(tmp_path / "a.csv", rows(1)), save(tmp_path / "b.csv", lost), capsys)
    assert status == expected
    assert f"NO LONGER: lite, PyTorch eager, batch 1: {said}" in text


def test_a_row_without_an_interval_cannot_be_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = save(tmp_path / "a.csv", rows(1, trials=1)), save(tmp_path / "b.csv", rows(2, trials=1))
    status, said = run(old, new, capsys)
    assert status == 0 and "Cannot be told: 16" in said and "no interval in the files" in said


def under_load(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """The same rows in throughput mode: rates in place of times."""
    for row in rows:
        batch = float(str(row["batch"]))
        bounds = {"": "", "_lo": "_hi", "_hi": "_lo"}
        rates = {f"throughput{end}_per_s": 1e3 * batch / float(str(row[f"p10{of}_ms"])) for end, of in bounds.items()}
        row |= dict.fromkeys([name for name in row if name.endswith("_ms")]) | rates | {"mode": "throughput"}
    return rows


def test_rates_under_load_are_compared_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = save(tmp_path / "a.csv", rows(1) + under_load(rows(2)))
    new = save(tmp_path / "b.csv", rows(3) + under_load(rows(4, slower={"openvino": 1.2})))
    status, said = run(old, new, capsys)
    slower = said.split("Slower by at least 2 %")[1].split("The same")[0].splitlines()[1:3]
    assert status == 3 and all("OpenVINO" in line and ", throughput: " in line for line in slower)
    assert all(" per second, −1" in line for line in slower), slower


def test_a_network_without_images_is_paired(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = (save(tmp_path / f"{seed}.csv", rows(seed, image_size=None)) for seed in (1, 2))
    assert "16 rows in both files" in run(old, new, capsys)[1]


def test_mistakes_are_one_sentence_and_exit_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = save(tmp_path / "good.csv", rows(1))
    (tmp_path / "text.csv").write_text("a,b\n1,2\n")
    (tmp_path / "text.parquet").write_text("no parquet")
    twice = save(tmp_path / "twice.csv", rows(1) + rows(2))
    other = save(tmp_path / "other.csv", rows(1, model="other"))
    broken = save(tmp_path / "broken.csv", rows(1))
    broken.write_text(broken.read_text().replace("pass", "pass,pass", 1))
    for new, said in (
        (tmp_path / "absent.csv", "absent.csv cannot be read"),
        (tmp_path / "text.csv", "is no results file: it lacks the column 'host'"),
        (tmp_path / "text.parquet", "text.parquet cannot be read"),
        (twice, "lite, PyTorch eager, batch 1 twice"),
        (other, "no row in common"),
        (broken, "broken.csv"),
    ):
        status, text = run(good, new, capsys)
        assert status == 2 and said in text and "Traceback" not in text and len(text.strip().splitlines()) == 1
    for wrong in ("-1", "much"):
        with pytest.raises(SystemExit) as stopped:
            compare.main([str(good), str(good), "--threshold", wrong])
        assert stopped.value.code == 2
