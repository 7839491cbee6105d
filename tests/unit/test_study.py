"""The page of a study: what the records say beside what the original said; nothing of it is typed."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from scripts.core.catalogue import RUNTIMES
from scripts.core.config import ConfigError, load
from scripts.core.paths import ORIGINALS, ROOT
from scripts.core.plan import candidates
from scripts.report import others, studies
from scripts.report.columns import read_results
from scripts.report.originals import read_original
from scripts.report.rows import plan_in
from scripts.report.study import study
from scripts.report.study_rows import pruned_by
from scripts.report.wording import number, span
from tests.unit.records_factory import HOST, OTHER_HOST, build_tree
from tests.unit.study_case import TEXT, Made, original, write_original

NAMES = sorted(path.stem for path in (ROOT / ORIGINALS).glob("*.toml"))
NETWORK = "synthetic_lite.package"


def small(root: Path) -> Path:
    """The plan of a synthetic tree with one batch."""
    return build_tree(root, trials=3, samples=30, batches=(1,), rounds=4)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Synthetic records, read once."""
    return Made(small(tmp_path_factory.mktemp("tree")))


def cells(page: str, *wanted: str) -> list[str]:
    """The cells of the one line of a page's tables that has all of these cells."""
    lines = [[cell.strip() for cell in line.split(" | ")] for line in page.splitlines() if line.startswith("| ")]
    found = [line for line in ([c.strip("| ") for c in each] for each in lines) if set(wanted) <= set(line)]
    assert len(found) == 1, (wanted, found)
    return found[0]


def slow_down(plan: Path, runtime: str, times: float) -> None:
    """Let every sample of a runtime on this host take longer, in the screen and in the finals."""
    folder = plan.parent / "hosts" / HOST
    for path in [*folder.glob(f"synthetic_lite.package/{runtime}/**/*.npz"), *folder.glob(f"finals/*/{runtime}.*.npz")]:
        with np.load(path) as arrays:
            slower = {name: (values * times).astype(np.int64) for name, values in arrays.items()}
        np.savez_compressed(path, **slower)


def test_figures_come_from_the_records_and_change_with_them(tmp_path: Path) -> None:
    plan = small(tmp_path / "tree")
    before = Made(plan).page(tmp_path)
    slow_down(plan, "onnxruntime", 2)
    after = Made(plan).page(tmp_path)

    def figure(page: str, *line: str, place: int) -> float:
        return float(cells(page, *line)[place].split()[0].replace(",", ""))

    ours = [figure(page, "ORT", NETWORK, HOST, place=6) for page in (before, after)]
    assert ours[1] / ours[0] == pytest.approx(2, rel=0.01)
    ratios = [figure(page, "ORT over Eager", NETWORK, HOST, place=7) for page in (before, after)]
    assert ratios[0] / ratios[1] == pytest.approx(2, rel=0.01)
    finals = [figure(page, "ORT over Eager", NETWORK, HOST, place=8) for page in (before, after)]
    assert finals[0] / finals[1] == pytest.approx(2, rel=0.01)


def test_the_ratio_is_the_tables_speedup(tmp_path: Path, tree: Made) -> None:
    """By the same pairs of rounds: one truth, in the table and on the page."""
    asked = {"host": HOST, "runtime": "onnxruntime", "variant": "default", "model": "synthetic_lite"}
    row = tree.table[np.logical_and.reduce([tree.table[name] == value for name, value in asked.items()])].iloc[0]
    told = f"{number(row['speedup'])} ({span(row['speedup_lo'], row['speedup_hi'])})"
    assert cells(tree.page(tmp_path), "ORT over Eager", NETWORK, HOST)[7] == told


def test_the_originals_ratio_is_its_own_and_the_verdict_is_by_our_interval(tmp_path: Path, tree: Made) -> None:
    line = cells(tree.page(tmp_path), "ORT over Eager", NETWORK, HOST)
    assert line[6] == "3.91" and line[-1] == "as the original"  # 78.2 / 20, and 20.7 / 5.3 in the synthetic records
    slower = TEXT.replace("ms = 78.2", "ms = 40.0")
    assert cells(tree.page(tmp_path, slower), "ORT over Eager", NETWORK, HOST)[-1] == "more than the original"
    faster = TEXT.replace("ms = 78.2", "ms = 400.0")
    assert cells(tree.page(tmp_path, faster), "ORT over Eager", NETWORK, HOST)[-1] == "less than the original"


def test_of_another_network_the_original_said_nothing(tmp_path: Path, tree: Made) -> None:
    page = tree.page(tmp_path, TEXT.replace('network = "synthetic_lite"', 'network = "another"'))
    assert "78.2 ms" not in page and "as the original" not in page and "ORT over Eager" in page


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("TRT", "not run here: no NVIDIA GPU on this host; on one with it this row runs"),
        ("OV", "not measured: this run did not ask for it"),
        ("Half", "not measured: this run did not ask for it"),
    ],
)
def test_what_no_row_answers_is_there_with_its_reason(tmp_path: Path, tree: Made, name: str, reason: str) -> None:
    assert reason in cells(tree.page(tmp_path), name)[-1]


def test_a_workload_of_the_original_that_was_not_run_is_told(tmp_path: Path, tree: Made) -> None:
    line = cells(tree.page(tmp_path), "Eager", "64")
    assert "123.25 ms" in line and "not measured: this run did not ask for this workload" in line


def test_a_ratio_of_what_ran_otherwise_than_asked_says_so(tmp_path: Path, tree: Made) -> None:
    line = cells(tree.page(tmp_path), "No spin over Eager", "synthetic_resnet.untrained")
    assert line[-1] == "No spin ran not as asked" and float(line[7].split()[0]) > 0
    told = cells(tree.page(tmp_path), "No spin", "synthetic_resnet.untrained")[-1]
    assert told == "asked for a provider that is absent, ran on another"


def test_finals_of_two_shared_rounds_tell_no_ratio(tmp_path: Path, tree: Made) -> None:
    """Eager PyTorch is a guest there and may miss rounds: the screen then says more."""
    few = build_tree(tmp_path / "few", trials=3, samples=30, batches=(1,), rounds=2)
    assert cells(tree.page(tmp_path), "ORT over Eager", NETWORK, HOST)[8] != ""
    header = next(line for line in Made(few).page(tmp_path).splitlines() if line.startswith("| ratio "))
    assert "in the finals" not in header


def test_accuracy_is_told_of_trained_weights_alone(tmp_path: Path, tree: Made) -> None:
    """And the page says whose are not."""
    page = tree.page(tmp_path, TEXT.replace('["median", "rate", "p99"]', '["accuracy"]'))
    trained, fresh = (cells(page, "Eager", name, HOST, "1") for name in (NETWORK, "synthetic_resnet.untrained"))
    assert "%" in trained[6] and fresh[6] == ""
    assert "The weights of `synthetic_resnet.untrained` are untrained" in page


def test_what_is_done_otherwise_is_told(tmp_path: Path, tree: Made) -> None:
    text = TEXT.replace("[conditions]", 'different = ["Frozen here."]\n[conditions]')
    assert "\n- Frozen here.\n" in tree.page(tmp_path, text)


def test_conditions_of_both_stand_side_by_side(tmp_path: Path, tree: Made) -> None:
    line = cells(tree.page(tmp_path), "CPU")
    assert line[1] == "An older CPU" and line[2] == "Synthetic CPU (test records), 2 cores"


@pytest.fixture
def project(tmp_path: Path, tree: Made) -> Path:
    """A project with one study and its records, and the pages made from them."""
    write_original(tmp_path)
    others.pack(tree.plan.parent, HOST, tmp_path / "studies" / "records" / "synthetic.tar.xz")
    assert studies.main(["--root", str(tmp_path)]) == 0
    return tmp_path


def test_the_page_from_packed_records_is_the_page_of_the_run(project: Path, tmp_path: Path) -> None:
    """Unpacked beside nothing else, and told by its own plan: the same figures, the same reasons."""
    folder = others.opened(project / "studies" / "records" / "synthetic.tar.xz", tmp_path)
    (folder / "plan.json").write_text(json.dumps(plan_in(folder)))
    page = (project / "studies" / "synthetic.md").read_text()
    assert Made(folder / "plan.json").page(tmp_path) == page and "no NVIDIA GPU" in page


def test_other_hosts_stand_beside_this_one_with_what_they_measured(tmp_path: Path, tree: Made) -> None:
    page = tree.page(tmp_path)
    here, there = (cells(page, "ORT", NETWORK, host) for host in (HOST, OTHER_HOST))
    assert float(there[6].split()[0]) / float(here[6].split()[0]) == pytest.approx(1.4, rel=0.1)
    assert all(OTHER_HOST not in line for line in page.splitlines() if "TRT" in line)


def test_the_plan_goes_along_without_what_is_its_machines_own_affair(tmp_path: Path, tree: Made) -> None:
    plan = json.loads(tree.plan.read_text())
    plan["config"] |= {"interpreters": {"torch": "/some/python"}, "store": "/some/store"}
    told = json.dumps(others.portable_plan(plan))
    assert "/some/" not in told and str(tree.plan.parent) not in told
    others.pack(tree.plan.parent, HOST, tmp_path / "r.tar.xz")
    folder = others.opened(tmp_path / "r.tar.xz", tmp_path)
    rows = plan_in(folder)["rows"]
    assert len(rows) == len(plan["rows"])
    measured = [Path(row["paths"]["trials"][0]) for row in rows if row["runtime"] == "onnxruntime"]
    assert measured and all(path.is_file() for path in measured)


def test_check_says_what_is_out_of_step(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check = ["--root", str(project), "--check"]
    assert studies.main(check) == 0
    page = project / "studies" / "synthetic.md"
    whole = page.read_text()
    page.write_text(re.sub(r"3\.9\d", "9.99", whole, count=1))
    assert studies.main(check) == 1 and "synthetic.md is not what its records say" in capsys.readouterr().out
    assert studies.main(check[:2]) == 0 and page.read_text() == whole
    (project / "studies" / "records" / "synthetic.tar.xz").unlink()
    assert studies.main(check) == 1
    assert studies.main(check[:2]) == 0 and not page.exists()
    assert "no records yet" in (project / "studies" / "README.md").read_text()


def test_the_overview_holds_the_originals_headline_and_ours(project: Path) -> None:
    line = cells((project / "studies" / "README.md").read_text(), f"ORT over Eager, {NETWORK}, cpu, batch 1, 224 px")
    assert "3.91" in line and f"{HOST} (Synthetic CPU (test records), 2 cores)" in line
    assert any(re.fullmatch(r"3\.\d+ \(3\.\d+ to [34]\.\d+\)", cell) for cell in line), line


def test_the_committed_pages_are_what_the_committed_records_say() -> None:
    assert studies.stale(studies.pages(ROOT)) == []
    assert all(path.stat().st_size < 10**6 for path in (ROOT / "studies" / "records").glob("*"))


@pytest.mark.parametrize("name", NAMES)
def test_a_studys_config_asks_for_all_that_the_original_had(name: str) -> None:
    raw = yaml.safe_load((ROOT / "studies" / f"{name}.yaml").read_text())
    config = load(raw, ROOT).model_dump(mode="json")
    asked, study = set(candidates(config, ())), read_original(ROOT / ORIGINALS / f"{name}.toml")
    assert config["study"] == name and study.network in {model["name"] for model in config["models"]}
    methods = {pruned_by(model.get("label") or model["weights"]) for model in config["models"]}
    for each in study.candidates:
        assert each.pruned in methods, each.name
        for place in RUNTIMES[each.runtime].places:
            for device in set(place.devices) & set(each.devices):
                if place.variants_of(each.precision, [each.variant]):
                    assert (each.runtime, each.precision, each.variant, device) in asked, (each.name, device)


def test_an_unknown_study_is_a_mistake_in_a_sentence() -> None:
    with pytest.raises(ConfigError, match="study: .*optimizer_resnet51.* is no study.*optimizer_resnet50"):
        load({"study": "optimizer_resnet51"}, ROOT)


def test_a_results_file_holds_the_same(tmp_path: Path, tree: Made) -> None:
    """A run reads the table from its file: floats that went through text give the same page."""
    tree.table.to_csv(tmp_path / "r.csv", index=False, lineterminator="\n")
    told = study(original(tmp_path), read_results(tmp_path / "r.csv"), tree.evidence)
    assert told.page == tree.page(tmp_path)
