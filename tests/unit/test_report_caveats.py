"""What a reader must know before comparing rows is said, and loads are kept apart from single requests."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.report.views.trust import trust
from tests.unit.records_factory import HOST, build_tree
from tests.unit.report_page import Page, table_of, write

TRUST: dict[str, Any] = {
    "host": HOST, "date": "2026-01-02T03:04:05+00:00", "host_noise_pct": 1.2, "host_noise_in_round_pct": 0.9,
    "aa": {"comparisons": 200, "differences": 9, "family_false_winner_rate": 0.03},
    "planted": {"5": 0.94, "10": 1.0},
    "coverage": [{"trials": 3, "distribution": "lognormal", "autocorrelation": 0, "coverage": 0.951}],
    "flags": {"drifting": 0.97, "bimodal": 0.99, "false_alarm": 0.04},
    "fidelity": {"openvino": {"ratio": 1.004, "lo": 0.99, "hi": 1.018}},
    "fallback": {"an absent provider": True, "no delegate": False},
    "sampler": {"ratio": 1.001, "lo": 0.998, "hi": 1.004},
}  # fmt: skip


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The page of a tree with all modes, one row of another session, and slow phases in the table."""
    root = tmp_path_factory.mktemp("modes")
    build_tree(root, modes=("latency", "throughput", "serving"))
    home = root / "artifacts/hosts" / HOST / "synthetic_lite.package/litert"
    for path in home.rglob("b1x224.latency/trial-*.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"session": "another"}))
    return Page(write(root).read_text())


def test_rows_of_another_session_are_marked_measured_apart(loaded: Page) -> None:
    rows = table_of(loaded, "All candidates of synthetic_lite")
    marked = [(row["Candidate"], row["Batch"]) for row in rows if "measured apart" in row["Candidate"]]
    assert marked == [("LiteRT measured apart", "1")]
    assert "Measured apart, in another session than the rest: LiteRT, batch 1." in loaded.text


def test_disturbed_trials_are_counted_and_one_is_shown(loaded: Page) -> None:
    assert "were disturbed and stay in, for example: other processes used 0.6 of 2 cores." in loaded.text
    (how,) = (
        t for t in loaded.tables if t.caption.startswith("synthetic_lite. ") and "Where the work ran" in t.rows[0]
    )
    at = [cell.partition("|")[0] for cell in how.rows[0]].index("Disturbed")
    counts = {row[0].strip(): row[at] for row in how.rows[1:]}
    assert counts["LiteRT"] == "1" and counts["OpenVINO"] == "0"


def test_rows_under_load_have_a_table_of_their_own_and_no_latency(loaded: Page) -> None:
    assert len(table_of(loaded, "All candidates of synthetic_lite")) == 20
    for caption in ("synthetic_lite. Several requests in flight", "synthetic_lite. Requests arrive at random"):
        rows = table_of(loaded, caption)
        assert len(rows) == 20
        assert not any(head.endswith("|ms") or head.startswith(("p10", "Median", "p99")) for head in rows[0])
        first = rows[0]
        assert first["Streams"] == "2" and "|" in first["Images/s"]  # with its interval
    assert "Serving: highest rate with p99 within 50 ms" in loaded.text
    assert table_of(loaded, "synthetic_lite. Requests")[0]["Threads"] == "1"


def test_throughput_is_answered_by_its_own_mode(loaded: Page) -> None:
    assert "images per second at batch 8 in 2 streams" in loaded.text
    assert "Most images per second, kept full, batch 8" in loaded.text


def test_why_energy_is_not_known_is_said_once(loaded: Page) -> None:
    about_lite = [t.caption for t in loaded.tables if t.caption.startswith("synthetic_lite. Memory")]
    assert len(about_lite) == 1
    assert about_lite[0].endswith("Energy is not known: no counter of energy can be read here.")


def test_a_slow_phase_of_the_host_is_said_in_words(tmp_path: Path) -> None:
    """A minute in which everything took half as long again: the third trial of every candidate."""
    build_tree(tmp_path, batches=(1,), noise=0.003)
    stretch(tmp_path, 3, 1.5)
    text = Page(write(tmp_path).read_text()).text
    assert "This host was in a slow phase in " in text
    assert "found from the trials of all candidates together" in text
    assert "slow in 1 of 5 trials" in text


def stretch(root: Path, number: int, factor: float) -> None:
    """Make every candidate's trial `number` slower."""
    for path in (root / "artifacts/hosts" / HOST).rglob(f"trials/*/trial-{number}.npz"):
        np.savez_compressed(path, **{k: (v * factor).astype(np.int64) for k, v in np.load(path).items()})


def test_the_appendix_says_what_was_proved_with_bounds(tmp_path: Path) -> None:
    (tmp_path / "trust.json").write_text(json.dumps(TRUST))
    found = trust(tmp_path / "trust.json")
    assert found.problem == "" and HOST in found.about and "2026-01-02" in found.about and "1.2 %" in found.about
    assert "within a round by 0.90 %" in found.about
    words = {line.name: line.word for line in found.lines}
    assert words["A against A"] == "holds" and words["Silent fallback, no delegate"] == "fails"
    assert any(line.text.startswith("OpenVINO: our time is 1.004") and "0.98" in line.text for line in found.lines)
    assert len(found.lines) == 10


def test_on_a_noisy_host_live_proofs_neither_hold_nor_fail(tmp_path: Path) -> None:
    (tmp_path / "trust.json").write_text(json.dumps(TRUST | {"host_noise_pct": 4.5}))
    words = {line.name: line.word for line in trust(tmp_path / "trust.json").lines}
    assert words["A against A"] == words["Own cost"] == "host too noisy"
    assert words["Coverage"] == "holds"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "`make trust` makes them"),
        ("no json", "cannot be read"),
        ('{"host_noise_pct": 1}', "run `make trust` again"),
    ],
)
def test_without_proofs_the_appendix_says_how_to_make_them(tmp_path: Path, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / "trust.json").write_text(content)
    found = trust(tmp_path / "trust.json")
    assert found.lines == () and said in found.problem


def test_the_page_shows_the_proofs_that_lie_beside_it(tmp_path: Path) -> None:
    build_tree(tmp_path, batches=(1,))
    assert "These proofs were not made here yet" in Page(write(tmp_path).read_text()).text
    (tmp_path / "reports/trust.json").write_text(json.dumps(TRUST))
    page = Page(write(tmp_path).read_text())
    assert len(table_of(page, "Proofs that the method is right")) == 10
