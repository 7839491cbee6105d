"""What a stage made before is served; what could be another thing is made. Each ingredient alone."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.core import records
from scripts.core.paths import ROOT
from scripts.core.records import Artifact, Record, Status

LIMITS = json.dumps({"compile_s": 20, "verify_s": 20, "memory_mb": None})
COMPILER = '''
"""A compiler."""
from scripts.core.verb import Job, main
from pieces import helper

def work(job: Job):
    source = (job.sources["portable"] / "model.onnx").read_bytes()
    (job.out / "model.bin").write_bytes(helper.lower(source, job.options))
    print("compiled")
    return {"versions": {"tool": "1.0"}, "operators": {"Conv:float32": 2}}

if __name__ == "__main__": raise SystemExit(main(work))
'''
HELPER = "def lower(source, options):\n    return source[::-1]\n"


class Line:
    """A checkout with one portable artifact and a compiler for it."""

    def __init__(self, folder: Path, store: Path) -> None:
        self.folder, self.store, self.variables = folder, store, {}
        self.options: dict[str, Any] = {"batch": 1, "precision": "fp32"}
        (folder / "pieces").mkdir(parents=True)
        (folder / "pieces" / "__init__.py").touch()
        (folder / "pieces" / "compile.py").write_text(COMPILER)
        (folder / "pieces" / "helper.py").write_text(HELPER)
        self.portable(b"network")
        self.environment({"tool": "1.0", "numpy": "2.0"})

    def portable(self, content: bytes) -> None:
        files = self.folder / "onnx" / "files"
        files.mkdir(parents=True, exist_ok=True)
        (files / "model.onnx").write_bytes(content)
        found = records.hash_files(files)
        made = Artifact(status=Status.OK, stage="convert", sha256=records.identity(found), files=found)
        records.save(made, self.folder / "onnx" / "artifact.json")

    def environment(self, packages: dict[str, str]) -> None:
        about = {"python": sys.executable, "mode": "interpreter", "interpreter": "CPython 3", "packages": packages}
        made = Record(kind="environment", status=Status.OK, stage="environment", name="tool", **about)
        records.save(made, self.folder / "environment.json")

    def compile(self, *more: str) -> tuple[dict[str, Any], dict[str, Any], str]:
        """artifact.json, build.json and the log."""
        out = self.folder / "out"
        command = [
            sys.executable, "-m", "scripts.core.stage", "artifact", "--stage", "compile",
            "--verb", "pieces.compile", "--artifact", str(out / "artifact.json"), "--log", str(self.folder / "log"),
            "--source", f"portable={self.folder / 'onnx' / 'artifact.json'}",
            "--environment", str(self.folder / "environment.json"),
            "--options", json.dumps(self.options), "--depends-on", "isa", *more,
        ]  # fmt: skip
        paths = f"{ROOT}{os.pathsep}{self.folder}"
        environ = {"PYTHONPATH": paths, "ASSAY_LIMITS": LIMITS, "ASSAY_STORE": str(self.store), **self.variables}
        done = subprocess.run(command, cwd=self.folder, env=os.environ | environ, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return records.load(out / "artifact.json"), records.load(out / "build.json"), (self.folder / "log").read_text()


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(tmp_path / "checkout", tmp_path / "store")


def test_the_second_time_it_is_served_with_its_first_cost(line: Line, tmp_path: Path) -> None:
    first, cost, log = line.compile()
    assert (cost["cache"], log) == ("miss", "compiled\n")
    again, shown, log = line.compile()
    assert again == first and shown == cost | {"cache": "hit"}
    assert "0 compiles" in log and cost["key"] in log
    assert (line.folder / "out" / "files" / "model.bin").read_bytes() == b"krowten"
    assert set(cost["ingredients"]) == {"stage", "verb", "code", "sources", "options", "software", "host"}


def edit(line: Line, name: str, old: str, new: str) -> None:
    path = line.folder / "pieces" / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


MISSES = {
    "a byte of the artifact": lambda line: line.portable(b"netword"),
    "an option": lambda line: line.options.update(batch=8),
    "the compiler's version": lambda line: line.environment({"tool": "1.1", "numpy": "2.0"}),
    "the compiler's code": lambda line: edit(line, "compile.py", "print(", "print(1, "),
    "a helper of it": lambda line: edit(line, "helper.py", "[::-1]", "[::-1][:]"),
    "the host": lambda line: line.variables.update(ASSAY_TEST_ISA="avx10"),
}


@pytest.mark.parametrize("change", MISSES)
def test_a_change_of(line: Line, change: str, tmp_path: Path) -> None:
    """Each alone is another question."""
    (line.folder / "sitecustomize.py").write_text(OTHER_HOST)
    line.compile()
    MISSES[change](line)
    assert line.compile()[1]["cache"] == "miss"
    assert line.compile()[1]["cache"] == "hit"


OTHER_HOST = """
import os
if os.environ.get("ASSAY_TEST_ISA"):
    import scripts.core.host as host
    host.instruction_sets = lambda: [os.environ["ASSAY_TEST_ISA"]]
"""


def test_what_does_not_matter_is_a_hit(line: Line, tmp_path: Path) -> None:
    """A comment, unrelated code, the checkout's place, file times, the order of packages and variables."""
    made = line.compile()[0]
    edit(line, "helper.py", "    return", "    # from behind\n    return")
    (line.folder / "pieces" / "other.py").write_text("unrelated = 1\n")
    os.utime(line.folder / "onnx" / "files" / "model.onnx", (1, 1))
    line.environment({"numpy": "2.0", "tool": "1.0"})
    line.options = dict(reversed(line.options.items()))
    assert line.compile()[1]["cache"] == "hit"
    elsewhere = Line(tmp_path / "another" / "checkout", line.store)
    again, cost, _ = elsewhere.compile()
    assert cost["cache"] == "hit" and again == made


def test_fresh_makes_it_again_and_replaces_it(line: Line) -> None:
    line.compile()
    line.variables["ASSAY_FRESH"] = "1"
    date = line.compile()[1]
    assert date["cache"] == "miss"
    del line.variables["ASSAY_FRESH"]
    assert line.compile()[1] == date | {"cache": "hit"}


def test_without_a_store_it_is_made(line: Line) -> None:
    line.variables["ASSAY_STORE"] = "off"
    assert line.compile()[1]["cache"] == "miss" and line.compile()[1]["cache"] == "miss"
    assert not line.store.exists()


def test_failures_are_not_kept(line: Line) -> None:
    edit(line, "helper.py", "return source", "raise ValueError('no') or source")
    assert line.compile()[0]["status"] == "failed"
    assert line.compile()[1]["cache"] == "miss"


def test_a_damaged_entry_is_made_again(line: Line) -> None:
    first = line.compile()[0]
    for file in line.store.glob("entries/*/*/files/model.bin"):
        file.write_bytes(b"krow")
    again, cost, _ = line.compile()
    assert again == first and cost["cache"] == "miss"
    assert line.compile()[1]["cache"] == "hit"


def test_what_another_host_compiled_is_not_opened(line: Line) -> None:
    line.compile()
    record = line.folder / "out" / "artifact.json"
    made = json.loads(record.read_text())
    made["built_for"]["isa"].append("avx_nowhere")
    record.write_text(json.dumps(made))
    (line.folder / "next").mkdir()
    command = [
        sys.executable, "-m", "scripts.core.stage", "verify", "--stage", "verify", "--verb", "pieces.compile",
        "--record", str(line.folder / "verify.json"), "--log", str(line.folder / "verify.log"),
        "--source", f"deployable={record}", "--environment", str(line.folder / "environment.json"),
    ]  # fmt: skip
    environ = os.environ | {"PYTHONPATH": str(ROOT), "ASSAY_LIMITS": LIMITS, "ASSAY_STORE": str(line.store)}
    assert subprocess.run(command, cwd=line.folder, env=environ).returncode == 0
    verified = records.load(line.folder / "verify.json")
    assert verified["status"] == "failed" and "avx_nowhere are missing here" in verified["reason"]
    assert not (line.folder / "verify.log").exists()


CACHING = """
from scripts.core.verb import Job, main

def work(job: Job):
    known = job.cache is not None and (job.cache / "timings").exists()
    if job.cache is not None:
        (job.cache / "timings").write_text("learned")
    (job.out / "model.bin").write_bytes(str(job.options["batch"]).encode())
    return {"versions": {"tool": "1.0"}, "warmth": "warm" if known else "cold"}

if __name__ == "__main__": raise SystemExit(main(work))
"""


def test_a_compilers_own_cache_warms_the_next_variant(line: Line) -> None:
    """The first is cold, another variant warm, and either again is served with the warmth of its making."""
    (line.folder / "pieces" / "compile.py").write_text(CACHING)
    more = ("--compiler-cache", "tool")
    told = []
    for batch in (1, 8, 1, 8):
        line.options["batch"] = batch
        cost = line.compile(*more)[1]
        told.append((cost["cache"], cost["warmth"]))
    assert told == [("miss", "cold"), ("miss", "warm"), ("hit", "cold"), ("hit", "warm")]
    line.environment({"tool": "1.1", "numpy": "2.0"})
    assert line.compile(*more)[1]["warmth"] == "cold", "another version's cache is not used"
    assert not list(line.folder.glob("out/cache-*"))


def test_fresh_is_cold(line: Line) -> None:
    (line.folder / "pieces" / "compile.py").write_text(CACHING)
    line.compile("--compiler-cache", "tool")
    line.variables["ASSAY_FRESH"] = "1"
    assert line.compile("--compiler-cache", "tool")[1]["warmth"] == "cold"
