"""The five studies, each by its own config and the overlay that makes it short: all that the originals had is told."""

import csv
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from scripts.core.paths import ORIGINALS
from scripts.report.originals import read_original
from scripts.report.study_rows import pruned_by
from scripts.report.wording import number
from tests.checkout import ROOT, copy_project
from tests.toolchain.line import run

NAMES = sorted(path.stem for path in (ROOT / ORIGINALS).glob("*.toml"))


class Ran(NamedTuple):
    """A study's run: a checkout of its own with the photos, the exit status, what it printed."""

    project: Path
    code: int
    output: str


def short(name: str, folder: Path) -> Ran:
    """Run a study in its short form."""
    project = copy_project(folder, "config.yaml", "studies")
    (project / "data").symlink_to(ROOT / "data")
    reduced = ["studies/reduced/all.yaml", f"studies/reduced/{name}.yaml"]
    return Ran(project, *run(project, "all", "--configfile", f"studies/{name}.yaml", *reduced, cores=1))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Ran]]:
    """`ran(name)`: all studies, two at a time with a core each: most of a short run is processes that start."""
    place = tmp_path_factory.mktemp("studies")
    with ThreadPoolExecutor(2) as pool:
        runs = {name: pool.submit(short, name, place / name) for name in NAMES}
        yield lambda name: runs[name].result()


def table_lines(page: str) -> list[list[str]]:
    """The cells of every line of the page's tables."""
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in page.splitlines() if line[:1] == "|"]


@pytest.mark.parametrize("name", NAMES)
def test_a_study_is_one_command_and_its_page_leaves_nothing_out(ran: Callable[[str], Ran], name: str) -> None:
    project, code, output = ran(name)
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


def test_the_records_of_a_run_give_its_page_again(ran: Callable[[str], Ran]) -> None:
    """What `make study` does after measuring: pack, and make the page from the archive alone."""
    name = "optimizer_resnet50"
    project = ran(name).project
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
