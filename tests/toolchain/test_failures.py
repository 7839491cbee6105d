"""Failures are results: a row with a reason; the rest is measured and reported; the run fails, and fails again."""

from pathlib import Path

import pytest

from tests.toolchain.line import by_runtime, lay, run

CRASH = "\n\nimport os as _os\n_os.abort()\n"
HANG = "\n\nimport time as _time\n_time.sleep(600)\n"
EAT = "\n\n_eaten = []\nwhile True:\n    _eaten.append(bytearray(50 * 10**6))\n"
SEGFAULT = "\n\nimport ctypes as _ctypes\n\n\ndef open(artifact, options):\n    _ctypes.string_at(0)\n"


def spoil(folder: Path, file: str, code: str) -> None:
    path = folder / "scripts" / file
    before, guard, after = path.read_text().partition('\nif __name__ == "__main__":')
    path.write_text(before + code + guard + after)


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    folder = lay(
        tmp_path_factory.mktemp("failures") / "project",
        runtimes=["pytorch", "torchscript", "onnxruntime", "openvino", "litert", "executorch"],
        batches=[1],
        limits={"convert_s": 40, "memory_mb": 3000},
    )
    spoil(folder, "pytorch/convert.py", CRASH)
    spoil(folder, "litert/convert.py", HANG)
    spoil(folder, "executorch/convert.py", EAT)
    spoil(folder, "onnxruntime/session.py", SEGFAULT)
    code, output = run(folder)
    return folder, code, output


def test_each_failure_is_a_row_with_its_reason(failed: tuple[Path, int, str]) -> None:
    rows = by_runtime(failed[0])
    assert rows["torchscript"]["status"] == "crashed" and "SIGABRT" in rows["torchscript"]["reason"]
    assert rows["litert"]["status"] == "timeout" and "40 s" in rows["litert"]["reason"]
    assert rows["executorch"]["status"] == "oom" and "3000 MB" in rows["executorch"]["reason"]
    assert rows["onnxruntime"]["status"] == "crashed" and "SIGSEGV" in rows["onnxruntime"]["reason"]


def test_the_others_are_measured_and_the_report_renders(failed: tuple[Path, int, str]) -> None:
    folder, _, _ = failed
    rows = by_runtime(folder)
    assert {name: rows[name]["status"] for name in ("pytorch", "openvino")} == {"pytorch": "ok", "openvino": "ok"}
    page = (folder / "reports" / "report.html").read_text()
    assert "SIGSEGV" in page and "SIGABRT" in page


def test_the_exit_status_is_not_zero_also_on_the_next_run(failed: tuple[Path, int, str]) -> None:
    folder, code, output = failed
    assert code != 0 and "SIGABRT" in output
    trials = sorted(folder.rglob("trial-*.json"))
    before = [path.stat().st_mtime_ns for path in trials]
    code, output = run(folder)
    assert code != 0 and "SIGABRT" in output and "Traceback" not in output
    assert [path.stat().st_mtime_ns for path in trials] == before, "something was measured again"


def test_retry_failed_tries_again(failed: tuple[Path, int, str]) -> None:
    folder, _, _ = failed
    ok = sorted(folder.glob("artifacts/hosts/*/*/openvino/**/trial-*.json"))
    before = [path.stat().st_mtime_ns for path in ok]
    crashed = next(folder.glob("artifacts/portable/*/torchscript/*/dyn/artifact.json"))
    old = crashed.stat().st_mtime_ns
    code, _ = run(folder, "all", "--config", "retry_failed=true")
    assert code != 0
    assert crashed.stat().st_mtime_ns > old
    assert [path.stat().st_mtime_ns for path in ok] == before
