"""The five studies, each by its own config and the overlay that makes it short: all that the originals had is told."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.core.paths import ORIGINALS
from scripts.report.originals import read_original
from scripts.report.study_rows import pruned_by
from scripts.report.wording import number
from tests.checkout import ROOT, copy_project
from tests.toolchain.line import run

NAMES = sorted(path.stem for path in (ROOT / ORIGINALS).glob("*.toml"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of one's own, with the studies and the photos."""
    folder = copy_project(tmp_path_factory.mktemp("studies") / "project", "config.yaml", "studies")
    (folder / "data").symlink_to(ROOT / "data")
    return folder


def table_lines(page: str) -> list[list[str]]:
    """The cells of every line of the page's tables."""
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in page.splitlines() if line[:1] == "|"]


@pytest.mark.parametrize("name", NAMES)
def test_a_study_is_one_command_and_its_page_leaves_nothing_out(project: Path, name: str) -> None:
    own = Path("studies", "reduced", f"{name}.yaml")
    reduced = ["studies/reduced/all.yaml", *([str(own)] if (ROOT / own).exists() else [])]
    code, output = run(project, "all", "--configfile", f"studies/{name}.yaml", *reduced)
    assert code == 0, output
    reports = project / "reports" / name
    lines = table_lines((reports / "study.md").read_text())
    with (reports / "results.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if not row["host"].startswith("h100")]
    study, measured = read_original(ROOT / ORIGINALS / f"{name}.toml"), 0
    for asked in study.candidates:
        for device in asked.devices:
            told = [line for line in lines if line[0] == asked.name and device in line]
            assert told, f"{asked.name} on {device} is left out"
            own = {"runtime": asked.runtime, "precision": asked.precision, "variant": asked.variant, "device": device}
            found = [r for r in rows if own.items() <= r.items() and pruned_by(r["weights"]) == asked.pruned]
            for row in found:
                figure = number(float(row["throughput_per_s"])) if row["status"] == "ok" else row["reason"]
                assert any(figure in " | ".join(line) for line in told), (asked.name, device, figure)
                measured += row["status"] == "ok"
            assert found or any("not measured: " in line[-1] for line in told), f"{asked.name}: neither row nor reason"
    assert measured >= 2
    assert 'href="study.md"' in (reports / "report.html").read_text()


def test_the_records_of_a_run_give_its_page_again(project: Path) -> None:
    """What `make study` does after measuring: pack, and make the page from the archive alone."""
    name = "optimizer_resnet50"
    archive = project / "studies" / "records" / f"{name}.tar.xz"
    for module, *arguments in (
        ("scripts.report.others", "--artifacts", f"artifacts/studies/{name}", "--out", str(archive)),
        ("scripts.report.studies",),
    ):
        command = [sys.executable, "-m", module, *arguments]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    page = project / "studies" / f"{name}.md"
    assert page.read_text() == (project / "reports" / name / "study.md").read_text()
    assert archive.stat().st_size < 10**6
