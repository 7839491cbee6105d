"""The whole line with a store: what was compiled and measured before is served, in any checkout, and only that."""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.core.stages import read, stage_of
from tests.toolchain.line import ROOT, by_runtime, lay, results, run

pytestmark = pytest.mark.alone

RUNTIMES = ["pytorch", "torch_compile", "aotinductor", "onnxruntime", "openvino", "executorch"]
SERVED_S = 0.3
"""What a job that is answered from the store may take."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {"ASSAY_STORE": str(tmp_path_factory.mktemp("user") / "store")}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, store: dict[str, str]) -> Path:
    """A checkout in which everything was compiled and measured."""
    folder = lay(tmp_path_factory.mktemp("first") / "project", runtimes=RUNTIMES, batches=[1], finals={"rounds": 2})
    code, output = run(folder, variables=store)
    assert code == 0, output
    return folder


def jobs(folder: Path, since: float = 0.0) -> dict[str, list[float]]:
    """Seconds of the jobs of each stage that started after `since`."""
    found: dict[str, list[float]] = {}
    last = None
    for rule, start, end in read(folder / ".snakemake" / "metadata"):
        again = last is not None and last[0] == rule and abs(start - last[1]) < 0.01  # another output of the same job
        last = (rule, start)
        if start > since and not again:
            found.setdefault("export" if rule == "convert_executorch" else stage_of(rule), []).append(end - start)
    return found


def logs(folder: Path, pattern: str) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in (folder / "artifacts").rglob(pattern)}


def assert_served(folder: Path) -> None:
    """No compilation, no sample, and no job of these that took long."""
    compiled, measured = logs(folder, "compile.log"), logs(folder, "trial-*.log")
    assert len(compiled) == 4 and len(measured) == 2 * len(RUNTIMES)
    assert all("0 compiles" in text for text in compiled.values()), compiled
    assert all("0 samples" in text for text in measured.values()), measured
    assert all("0 samples" in text for text in logs(folder, "verify.log").values())


def test_a_second_checkout_compiles_and_measures_nothing(first: Path, store: dict[str, str], tmp_path: Path) -> None:
    second = lay(tmp_path / "elsewhere" / "project", runtimes=RUNTIMES, batches=[1], finals={"rounds": 2})
    code, output = run(second, variables=store)
    assert code == 0, output
    assert_served(second)
    spent, cold = jobs(second), jobs(first)
    assert max(spent["compiling"]) < SERVED_S
    assert sum(spent["compiling"]) < 0.02 * sum(cold["compiling"]), (spent["compiling"], cold["compiling"])
    shown, made = by_runtime(second), by_runtime(first)
    for name in ("torch_compile", "aotinductor", "onnxruntime", "openvino", "executorch"):
        assert shown[name]["compile_cache"] == "hit" and made[name]["compile_cache"] == "miss"
        assert shown[name]["compile_cpu_s"] == made[name]["compile_cpu_s"], "the costs are the first one's"
        assert shown[name]["artifact_sha256"] == made[name]["artifact_sha256"]
    assert [row["median_ms"] for row in results(second)] == [row["median_ms"] for row in results(first)]


def test_an_edit_that_changes_no_artifact_does_no_work_after_it(
    first: Path, store: dict[str, str], tmp_path: Path
) -> None:
    """Convert runs; verify and measure start and are answered."""
    folder = Path(shutil.copytree(first, tmp_path / "edited"))
    last = max(end for _, _, end in read(folder / ".snakemake" / "metadata"))
    converter = folder / "scripts" / "executorch" / "convert.py"
    converter.write_text(converter.read_text() + "\n\nUNUSED = 1\n")
    code, output = run(folder, variables=store)
    assert code == 0, output
    spent = jobs(folder, since=last)
    assert len(spent["export"]) == 1 and len(spent["measuring"]) >= 2 and len(spent["verifying"]) == 1
    assert "compiling" not in spent
    for text in [
        *logs(folder, "executorch/**/trial-*.log").values(),
        *logs(folder, "executorch/**/verify.log").values(),
    ]:
        assert "0 samples" in text
    assert max([*spent["verifying"], *sorted(spent["measuring"])[:2]]) < SERVED_S


def build_records(folder: Path, runtime: str) -> list[dict[str, Any]]:
    return [
        json.loads(path.read_text())
        for path in (folder / "artifacts").glob(f"hosts/*/*/{runtime}/*/*/compiled/build.json")
    ]


def test_fresh_compiles_and_measures_again(first: Path, store: dict[str, str], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(first, tmp_path / "fresh"))
    arguments = ("all", "--config", "runtimes=[pytorch, openvino]", "fresh=true")
    code, output = run(folder, *arguments, variables=store)
    assert code == 0, output
    assert build_records(folder, "openvino")[0]["cache"] == "miss"
    assert all("0 samples" not in text for text in logs(folder, "openvino/**/trial-*.log").values())


def test_costs_are_told_alone_and_builds_are_compared(first: Path, store: dict[str, str], tmp_path: Path) -> None:
    """`make ledger` and `make rebuild`, past the store."""
    folder = Path(shutil.copytree(first, tmp_path / "again"))
    asked = ("--config", "runtimes=[pytorch, openvino]", "rebuild={builds: 2, rounds: 2}")
    for build in (folder / "artifacts").glob("hosts/*/*/openvino/*/*/compiled/build.json"):
        build.write_text(json.dumps(json.loads(build.read_text()) | {"concurrent": True}))
    code, output = run(folder, "ledger", "--forcerun", "ledger", *asked, variables=store)
    assert code == 0 and "1 of them were compiled beside other jobs" in output, output
    assert build_records(folder, "openvino")[0]["concurrent"] is False
    code, output = run(folder, "rebuild", *asked, variables=store)
    assert code == 0 and "OpenVINO, batch 1: 2 builds, the same bytes; the same answers" in output, output
    assert (folder / "reports" / "rebuild.csv").read_text().count("\n") >= 2


def test_a_damaged_entry_is_said_and_made_again(first: Path, store: dict[str, str], tmp_path: Path) -> None:
    own = Path(shutil.copytree(store["ASSAY_STORE"], tmp_path / "store"))
    for blob in own.glob("entries/*/*/files/model.blob"):
        blob.write_bytes(blob.read_bytes()[:-100])
    folder = lay(tmp_path / "project", runtimes=["pytorch", "openvino"], batches=[1], finals={"rounds": 2})
    code, output = run(folder, variables={"ASSAY_STORE": str(own)})
    assert code == 0 and "is damaged (model.blob is not what was written): dropped, and made again" in output
    assert build_records(folder, "openvino")[0]["cache"] == "miss"


def test_a_store_that_cannot_be_written_is_said_and_the_run_goes_on(tmp_path: Path) -> None:
    """As on a full disk, or a path that is no folder."""
    (tmp_path / "file").write_text("no folder")
    folder = lay(tmp_path / "project", runtimes=["pytorch", "openvino"], batches=[1], finals={"rounds": 2})
    code, output = run(folder, variables={"ASSAY_STORE": str(tmp_path / "file" / "store")})
    assert code == 0 and output.count("cannot be made") == 1, output
    assert os.environ.get("ASSAY_STORE") != str(tmp_path / "file" / "store")


def lay_trained(folder: Path, first: Path) -> Path:
    """The small network with weights from a file, in fp32 and int8, on 12 labelled photos and 2 for calibration.

    Two, since ranges are the widest that was seen: of many photos, most can change without any range doing so."""
    (weights,) = (first / "artifacts" / "portable").glob("tiny.untrained/checkpoint/*/*/files/weights.pt")
    lay(folder, precisions=["fp32", "int8"], runtimes=["onnxruntime"], batches=[1], finals={"rounds": 0})
    shutil.copy2(weights, folder / "weights.pt")
    photos = folder / "photos"
    listed = []
    for part, count in (("labelled", 12), ("calibration", 2)):
        (photos / part).mkdir(parents=True)
        for number, path in enumerate(sorted((ROOT / "data" / "photos" / part).glob("*.jpg"))[:count]):
            shutil.copy2(path, photos / part / path.name)
            listed.append(f"{part}/{path.name},{number % 10 if part == 'labelled' else ''}")
    (photos / "photos.csv").write_text("\n".join(["file,classes", *listed]) + "\n")
    config = yaml.safe_load((folder / "config.yaml").read_text())
    network = config["models"][0] | {
        "weights": "file:weights.pt", "sha256": hashlib.sha256((folder / "weights.pt").read_bytes()).hexdigest(),
    }  # fmt: skip
    config |= {"models": [network], "photos": "photos"}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return folder


def work_done(folder: Path) -> dict[str, set[str]]:
    """Which precisions were compiled, verified and measured in the last run of a folder, rather than answered."""
    said = {"compile": "0 compiles", "verify": "0 samples", "trial": "0 samples"}
    patterns = {"compile": "compile.log", "verify": "verify.log", "trial": "trial-*.log"}
    found: dict[str, set[str]] = {}
    for stage, pattern in patterns.items():
        texts = logs(folder, f"onnxruntime/**/{pattern}")
        found[stage] = {path.split("/")[5].split(".")[0] for path, text in texts.items() if said[stage] not in text}
    return found


BOTH = {"fp32", "int8"}


@pytest.mark.parametrize(
    ("what", "compiled", "verified", "measured"),
    [
        ("a calibration photo", {"int8"}, {"int8"}, {"int8"}),
        ("a validation photo", set(), BOTH, set()),
        ("a label", set(), BOTH, set()),
        ("a mean", {"int8"}, BOTH, BOTH),
    ],
)
def test_a_change_is_noticed_where_it_matters_and_nowhere_else(
    first: Path, tmp_path: Path, what: str, compiled: set[str], verified: set[str], measured: set[str]
) -> None:
    """The int8 file is another one after a calibration photo has changed; what did not read it is answered."""
    folder = lay_trained(tmp_path / "project", first)
    code, output = run(folder)
    assert code == 0, output
    assert work_done(folder) == {"compile": BOTH, "verify": BOTH, "trial": BOTH}
    photos = folder / "photos"
    if what == "a calibration photo":
        one, other = sorted((photos / "calibration").iterdir())[:2]
        one.write_bytes(other.read_bytes())
    elif what == "a validation photo":  # not the first: that is what requests are made of
        one, other = sorted((photos / "labelled").iterdir())[-2:]
        one.write_bytes(other.read_bytes())
    elif what == "a label":
        table = photos / "photos.csv"
        table.write_text(table.read_text().replace(".jpg,3", ".jpg,4"))
    else:
        config = yaml.safe_load((folder / "config.yaml").read_text())
        config["models"][0]["preprocess"] |= {"mean": [0.4, 0.4, 0.4]}
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
    for log in (folder / "artifacts" / "hosts").rglob("*.log"):
        log.write_text("0 compiles, 0 samples: not started\n")
    code, output = run(folder)
    assert code == 0, output
    assert work_done(folder) == {"compile": compiled, "verify": verified, "trial": measured}
