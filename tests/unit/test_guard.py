"""However a process ends, guard says so; and nothing outlives it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from scripts.core.guard import End, watch
from scripts.core.paths import ROOT
from scripts.core.records import Status

pytestmark = pytest.mark.alone


def end_of(code: str, tmp_path: Path, timeout_s: float = 20, memory_mb: float | None = None) -> End:
    return watch([sys.executable, "-c", code], tmp_path / "log", timeout_s, memory_mb)


def test_a_good_end(tmp_path: Path) -> None:
    end = end_of("x = sum(range(3 * 10**6)); print('said')", tmp_path)
    assert (end.status, end.reason) == (Status.OK, None)
    assert end.cpu_s > 0.01 and end.wall_s > 0 and end.peak_rss_mb > 5
    assert (tmp_path / "log").read_text() == "said\n"


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("raise ValueError('bad shape')", Status.FAILED, "ValueError: bad shape"),
        ("import sys; sys.exit(3)", Status.UNSUPPORTED, None),
        ("import ctypes; ctypes.string_at(0)", Status.CRASHED, "SIGSEGV"),
        ("import os; os.abort()", Status.CRASHED, "SIGABRT"),
        ("import os; os.kill(os.getpid(), 9)", Status.OOM, "SIGKILL"),
        ("raise MemoryError('too big')", Status.OOM, "ran out of memory"),
        ("raise RuntimeError('cuMemAlloc_v2: CUDA_ERROR_OUT_OF_MEMORY')", Status.OOM, "ran out of memory"),
        ("raise RuntimeError('Failed to allocate memory for requested buffer of size 8')", Status.OOM, "ran out"),
    ],
)
def test_bad_ends_have_a_word_and_a_reason(tmp_path: Path, code: str, status: Status, words: str | None) -> None:
    end = end_of(code, tmp_path)
    assert end.status is status
    assert words is None or words in str(end.reason)


def test_a_hang_is_a_timeout(tmp_path: Path) -> None:
    end = end_of("import time; time.sleep(60)", tmp_path, timeout_s=0.5)
    assert end.status is Status.TIMEOUT and "0.5 s" in str(end.reason) and end.wall_s < 5


def test_the_memory_cap_counts_children(tmp_path: Path) -> None:
    child = "x = bytearray(400 * 10**6); import time; time.sleep(30)"
    hungry = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    end = end_of(hungry, tmp_path, memory_mb=250)
    assert end.status is Status.OOM and "250 MB" in str(end.reason) and end.wall_s < 15


def test_thread_counts_of_snakemake_never_reach_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    end_of("import os; print(sorted(v for v in os.environ if v.endswith('NUM_THREADS')))", tmp_path)
    assert (tmp_path / "log").read_text() == "[]\n"


GUARD = """
import sys
from pathlib import Path
from scripts.core.guard import become_guard, watch
become_guard()
child = "import time; time.sleep(300)"
nest = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(300)"
watch([sys.executable, "-c", nest], Path(sys.argv[1]), 300)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_outlives_the_parent(tmp_path: Path, how: signal.Signals) -> None:
    """The parent stands for Snakemake: when it is killed, guard, worker and the worker's own child are gone."""
    guard = f"[sys.executable, '-c', {GUARD!r}, {str(tmp_path / 'log')!r}]"
    snakemake = f"import subprocess, sys; subprocess.run({guard})"
    parent = subprocess.Popen(
        [sys.executable, "-c", snakemake],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 20
    while len(family := psutil.Process(parent.pid).children(recursive=True)) < 3:
        assert time.monotonic() < deadline, "the processes did not start"
        time.sleep(0.05)
    if how is signal.SIGINT:
        os.killpg(parent.pid, how)  # as Ctrl-C does
    else:
        parent.send_signal(how)
    parent.wait(10)
    deadline = time.monotonic() + 2
    while alive := [process for process in family if works(process)]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.01)


def works(process: psutil.Process) -> bool:
    """Whether it has not ended. One that ended stays listed until its new parent, the system's first process, looks:
    in a container that may take seconds.
    """
    try:
        return process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


RUNNING_AWAY = """
import os, sys
from pathlib import Path
from scripts.core import tree
from scripts.core.guard import become_guard, watch
become_guard()
code = "import os, time\\nfor _ in range(2000):\\n    if os.fork():\\n        os._exit(0)\\n    time.sleep(0.001)\\n"
for _ in range(10):
    watch([sys.executable, "-c", code], Path(sys.argv[1]), 20)
    print(len(tree.descendants(os.getpid())))
"""


def test_what_starts_processes_while_it_is_killed_leaves_none(tmp_path: Path) -> None:
    """Each starts the next and ends, a thousand times a second: some begin between being listed and being killed."""
    done = subprocess.run(
        [sys.executable, "-c", RUNNING_AWAY, str(tmp_path / "log")],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.split() == ["0"] * 10, done


LOOKING = """
import pathlib, sys, time
from scripts.core.guard import watch
nest = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(1.5)'])"
command, log = [sys.executable, "-c", nest], pathlib.Path(sys.argv[1])
watch([sys.executable, "-c", "pass"], log, 20, None, poll_s=0.01, look=lambda _, watched: None)  # imports, once
def used_s(**looks):
    before = time.process_time()
    end = watch(command, log, 20, None, **looks)
    assert end.status.value == "ok", end
    return time.process_time() - before, end.wall_s
shares, seen = [], []
for _ in range(3):
    start_s, _ = used_s(poll_s=None)
    all_s, wall_s = used_s(poll_s=0.25, look=lambda _, watched: seen.append(len(watched)))
    shares.append((all_s - start_s) / wall_s)
print(min(shares), *seen)
"""


def test_watching_a_trial_is_cheap(tmp_path: Path) -> None:
    """Four looks a second take far below one hundredth of a core, and see the process's children.

    In a process of its own, like the supervisor: starting a child costs a large process (these tests' own) more.
    What starting costs is taken off. The cheapest of three: a busy host only adds to processor time.
    """
    done = subprocess.run(
        [sys.executable, "-c", LOOKING, str(tmp_path / "log")],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    share, *seen = done.stdout.split() or ["nan"]
    assert float(share) < 0.01, done
    assert 12 <= len(seen) <= 36 and "2" in seen


def test_unwatched_but_for_its_time(tmp_path: Path) -> None:
    """Without looks the limit of time still holds, and the end is seen at once."""
    end = watch([sys.executable, "-c", "pass"], tmp_path / "log", 20, 1, poll_s=None)
    assert end.status is Status.OK and end.wall_s < 5
    end = watch([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "log", 0.5, 1, poll_s=None)
    assert end.status is Status.TIMEOUT and end.wall_s < 5
