"""Environments: made whole or not at all, shared, reused quickly, and honest about what went wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from scripts.core import environment
from scripts.core.paths import ROOT
from tests.unit import wheels

pytestmark = pytest.mark.alone


class Bench:
    """A folder of wheels, a lock, a cache, and the verb run on them without a network."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.wheels, self.cache = folder, folder / "wheels", folder / "cache"
        self.lock = wheels.lock(folder / "small.lock.txt", wheels.wheel(self.wheels, "assay_small", "1.0"))

    @property
    def place(self) -> Path:
        return environment.folder(self.lock, self.cache)

    def start(self, name: str = "one", *more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "scripts.core.environment", "--name", "small", "--lock", str(self.lock)]
        command += ["--cache", str(self.cache), "--record", str(self.folder / f"{name}.json"), *more]
        variables = {**os.environ, "UV_NO_INDEX": "1", "UV_FIND_LINKS": str(self.wheels), "PIP_CONFIG_FILE": os.devnull}
        variables |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "UV_PYTHON_DOWNLOADS": "never"}
        variables.pop("PIP_FIND_LINKS", None)
        variables.pop("ASSAY_PARENT", None)
        return subprocess.Popen(command, cwd=ROOT, env=variables, text=True, stderr=subprocess.PIPE)

    def run(self, name: str = "one", *more: str) -> tuple[int, dict[str, Any]]:
        process = self.start(name, *more)
        process.communicate(timeout=120)
        return process.returncode, json.loads((self.folder / f"{name}.json").read_text())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_makes_what_the_lock_says_compiled_to_bytecode(bench: Bench) -> None:
    code, record = bench.run()
    assert (code, record["status"], record["reason"]) == (0, "ok", None)
    assert record["packages"] == {"assay-small": "1.0"}
    assert record["interpreter"].startswith("CPython 3.11.")
    assert record["lock_sha256"] == environment.lock_hash(bench.lock)
    assert record["python"] == str(environment.python_path(bench.lock, bench.cache))
    answer = subprocess.run(
        [record["python"], "-c", "import assay_small as s; print(s.ANSWER, s.__cached__)"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert answer[0] == "42"
    assert Path(answer[1]).exists()


def test_a_whole_environment_is_reused_quickly(bench: Bench) -> None:
    _, made = bench.run()
    inode = bench.place.stat().st_ino
    durations = []
    for _ in range(3):
        start = time.monotonic()
        code, again = bench.run("again")
        durations.append(time.monotonic() - start)
        assert (code, again["install_s"]) == (0, 0.0)
    assert made["install_s"] > 0
    assert {k: v for k, v in again.items() if k != "install_s"} == {k: v for k, v in made.items() if k != "install_s"}
    assert bench.place.stat().st_ino == inode
    assert min(durations) < 0.5  # start of Python included


def test_another_lock_is_another_environment_and_loses_nothing(bench: Bench) -> None:
    bench.run()
    before = bench.place
    bench.lock = wheels.lock(bench.lock, wheels.wheel(bench.wheels, "assay_small", "2.0"))
    _, record = bench.run()
    assert record["packages"] == {"assay-small": "2.0"}
    assert (before / environment.MARKER).exists()


def test_an_install_that_was_killed_is_not_taken_for_whole(bench: Bench) -> None:
    for _ in range(5):
        process = bench.start()
        while not bench.place.exists() and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if not (bench.place / environment.MARKER).exists():
            break
        subprocess.run(["rm", "-r", str(bench.place)], check=True)  # it was quicker than we were: once more
    assert not (bench.place / environment.MARKER).exists()
    code, record = bench.run()
    assert (code, record["packages"]) == (0, {"assay-small": "1.0"})
    assert record["install_s"] > 0


def test_leftovers_without_a_marker_are_discarded(bench: Bench) -> None:
    bench.run()
    (bench.place / environment.MARKER).unlink()
    foreign = bench.place / "half-written"
    foreign.touch()
    _, record = bench.run()
    assert record["install_s"] > 0
    assert not foreign.exists()


def test_two_at_once_make_one(bench: Bench) -> None:
    started = [bench.start(name) for name in ("one", "two")]
    for process in started:
        process.communicate(timeout=120)
    records = [json.loads((bench.folder / f"{name}.json").read_text()) for name in ("one", "two")]
    assert [process.returncode for process in started] == [0, 0]
    assert sorted(record["install_s"] > 0 for record in records) == [False, True]


def test_an_interpreter_that_went_away_is_noticed(bench: Bench) -> None:
    bench.run()
    python = bench.place / "bin" / "python"
    python.unlink()
    python.symlink_to(bench.folder / "gone")
    code, record = bench.run()
    assert code == 0
    assert record["install_s"] > 0


def test_a_missing_package_is_named_with_its_environment(bench: Bench) -> None:
    wheels.lock(bench.lock, wheels.wheel(bench.folder / "elsewhere", "assay_absent", "3.1"))
    code, record = bench.run()
    assert (code, record["status"]) == (0, "failed")
    assert record["reason"].startswith("environment small: package assay_absent==3.1 could not be installed: ")
    assert "what to do: " in record["reason"]
    assert not bench.place.exists()


def test_a_wheel_with_another_hash_is_refused(bench: Bench) -> None:
    wheels.wheel(bench.wheels, "assay_small", "1.0", code="ANSWER = 'tampered'\n")
    code, record = bench.run()
    assert (code, record["status"]) == (0, "failed")
    assert "package assay_small==1.0" in record["reason"]
    assert "another file than the one that was locked" in record["reason"]


def test_a_python_that_is_not_there_is_named(bench: Bench) -> None:
    bench.lock.write_text(bench.lock.read_text().replace("# python: 3.11", "# python: 3.99"))
    code, record = bench.run()
    assert (code, record["status"]) == (0, "failed")
    assert "Python 3.99 is not on this machine" in record["reason"]
    assert "interpreters: {small: /path/to/python}" in record["reason"]


def test_an_existing_interpreter_is_recorded_as_it_is(bench: Bench) -> None:
    _, made = bench.run()
    code, record = bench.run("existing", "--interpreter", made["python"])
    assert (code, record["mode"], record["packages"]) == (0, "interpreter", made["packages"])
    code, record = bench.run("missing", "--interpreter", str(bench.folder / "no-python"))
    assert (code, record["status"]) == (0, "failed")
    assert "no-python does not run" in record["reason"]


def test_an_interpreter_without_numpy_is_refused_where_numpy_is_needed(bench: Bench, tmp_path: Path) -> None:
    """The environment's lock says whether; the toolchain's own library is asked for when it is used."""
    _, made = bench.run()
    (tmp_path / "lock.txt").write_text("# python: 3.11\nnumpy==2.0.0 \\\n    --hash=sha256:00\n")
    with pytest.raises(environment.Failed, match=r"cannot import NumPy .* under interpreters.openvino"):
        environment.require_numpy("openvino", Path(made["python"]), tmp_path / "lock.txt")
    (tmp_path / "lock.txt").write_text("# python: 3.11\nmlcommons-loadgen==6.0.17\n")
    environment.require_numpy("loadgen", Path(made["python"]), tmp_path / "lock.txt")


def test_the_cache_folder_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ASSAY_ENVS", str(tmp_path / "envs"))
    assert environment.default_cache() == tmp_path / "envs"
    monkeypatch.delenv("ASSAY_ENVS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert environment.default_cache() == tmp_path / "xdg" / "assay" / "envs"


def test_only_toolchains_with_pytorch_have_two_locks() -> None:
    assert environment.lock_name("executorch", "cuda") == "executorch_cuda"
    assert environment.lock_name("onnxruntime", "cuda") == "onnxruntime"
