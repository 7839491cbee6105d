"""Records of another machine: packed there, shown here."""

import json
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from scripts.core.config import ConfigError, load
from scripts.core.paths import ROOT
from scripts.report import others
from scripts.report.rows import all_rows, read_plan
from tests.unit.records_factory import HOST, OTHER_HOST, build_tree


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """The `artifacts` of a whole synthetic tree."""
    build_tree(tmp_path / "there")
    return tmp_path / "there" / "artifacts"


def test_a_host_goes_into_one_file_and_comes_out_with_all_its_rows(there: Path, tmp_path: Path) -> None:
    for build in (there / "hosts" / OTHER_HOST).rglob("build.json"):
        build.write_text(json.dumps(json.loads(build.read_text()) | {"ingredients": {"interpreter": "/some/python"}}))
    assert others.main(["--artifacts", str(there), "--host", OTHER_HOST, "--out", str(tmp_path / "r.tar.xz")]) == 0
    here = tmp_path / "here"
    build_tree(here)
    for folder in (here / "artifacts" / "hosts").iterdir():
        if folder.name == OTHER_HOST:
            folder.rename(tmp_path / "away")
    plan = read_plan(here / "artifacts" / "plan.json")
    assert {row.host for row in all_rows(plan, here / "artifacts")} == {HOST}
    plan["config"]["hosts"] = [str(tmp_path / "r.tar.xz")]
    found = [row for row in all_rows(plan, here / "artifacts") if row.host == OTHER_HOST]
    wanted = [row for row in all_rows(read_plan(there / "plan.json"), there) if row.host == OTHER_HOST]
    assert sorted(row.key for row in found) == sorted(row.key for row in wanted) and found
    for ours, theirs in zip(sorted(found, key=lambda r: r.key), sorted(wanted, key=lambda r: r.key), strict=True):
        made = json.loads((ours.deployable / "build.json").read_text())
        assert made and "ingredients" not in made
        for mine, other in [(ours.verify, theirs.verify), *zip(ours.trials, theirs.trials, strict=True)]:
            assert mine.read_bytes() == other.read_bytes() and mine != other
        assert (ours.checkpoint / "artifact.json").is_file() and (ours.deployable / "build.json").is_file()


def test_another_hosts_batches_come_in_their_order(tmp_path: Path) -> None:
    build_tree(tmp_path, trials=1, samples=5, batches=(1, 8, 16), rounds=1)
    found = all_rows(read_plan(tmp_path / "artifacts" / "plan.json"), tmp_path / "artifacts")
    batches = [row.batch for row in found if row.host == OTHER_HOST and row.runtime == "pytorch"]
    assert batches == sorted(batches) and set(batches) == {1, 8, 16}


def test_no_bytes_of_artifacts_and_the_same_archive_every_time(there: Path, tmp_path: Path) -> None:
    heavy = there / "portable" / "synthetic_lite.package" / "checkpoint" / "fp32.default" / "dyn" / "files"
    (heavy / "weights.json").write_text(json.dumps("x" * 10**6))
    archives = [tmp_path / "a.tar.xz", tmp_path / "b.tar.xz"]
    for archive in archives:
        others.pack(there, OTHER_HOST, archive)
    assert archives[0].read_bytes() == archives[1].read_bytes()
    kept = {path.name for path in others.records_of(there, OTHER_HOST)}
    assert "model.json" in kept and "weights.json" not in kept and not {n for n in kept if n.endswith(".log")}


def test_raw_samples_come_out_as_they_were_and_are_compressed_once(there: Path, tmp_path: Path) -> None:
    folder = next((there / "hosts" / OTHER_HOST).rglob("trial-1.json")).parent
    samples = 10**6 + np.cumsum(np.random.default_rng(0).integers(0, 2**12, (8, 400)), axis=1)
    np.savez_compressed(folder / "trial-1.npz", latency=samples[0], rest=samples[1:])
    others.pack(there, OTHER_HOST, tmp_path / "r.tar.xz")
    path = others.opened(tmp_path / "r.tar.xz", there) / folder.relative_to(there) / "trial-1.npz"
    with np.load(path) as found:
        assert sorted(found.files) == ["latency", "rest"]
        assert np.array_equal(found["latency"], samples[0]) and np.array_equal(found["rest"], samples[1:])
    with zipfile.ZipFile(path) as loose:
        assert {entry.compress_type for entry in loose.infolist()} == {zipfile.ZIP_STORED}


def test_the_host_is_that_of_the_run_and_a_mistake_is_one_sentence(
    there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert others.main(["--artifacts", str(there)]) == 0 and (tmp_path / f"records-{HOST}.tar.xz").is_file()
    with pytest.raises(SystemExit, match="holds no finished run"):
        others.main(["--artifacts", str(tmp_path)])
    (tmp_path / "cut.tar.xz").write_bytes(b"no archive")
    with pytest.raises(SystemExit, match="is no archive of `make records`"):
        others.opened(tmp_path / "cut.tar.xz", there)


def test_what_is_no_archive_of_records_is_told_before_anything_is_measured(there: Path, tmp_path: Path) -> None:
    others.main(["--artifacts", str(there), "--out", str(tmp_path / "good.tar.xz")])
    (tmp_path / "text.tar.xz").write_text("no archive")
    with tarfile.open(tmp_path / "other.tar.xz", "w:xz") as archive:
        archive.add(__file__, "something.py")
    assert load({"hosts": [str(tmp_path / "good.tar.xz")]}, ROOT).hosts
    for name in ("text.tar.xz", "other.tar.xz", "absent.tar.xz"):
        with pytest.raises(ConfigError, match="holds no host's records"):
            load({"hosts": [str(tmp_path / name)]}, ROOT)


def test_a_host_that_is_not_there(there: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no records of a host 'nowhere'"):
        others.pack(there, "nowhere", tmp_path / "r.tar.xz")
