"""Run one process and say how it ended: exit, signal, out of memory or timeout become a word and a reason.

The process dies with its guard, and the guard with Snakemake: no orphan converts or measures on.
Linux only; runs in Snakemake's own Python.
"""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from scripts.core.paths import ROOT
from scripts.core.records import Status
from scripts.core.verb import EXIT_UNSUPPORTED

MB = 1e6
POLL_S = 0.05
PARENT_VARIABLE = "ASSAY_PARENT"
"""Snakemake's process, which started us with `exec`."""
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_libc = ctypes.CDLL(None, use_errno=True)

# Snakemake sets these to a rule's `threads`; they must never decide a result.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS",
)  # fmt: skip
OUT_OF_MEMORY_SIGNS = ("MemoryError", "bad_alloc", "can't allocate memory", "cannot allocate memory", "out of memory")


@dataclass(frozen=True)
class End:
    """How a guarded process ended and what it cost: seconds of wall and CPU time, megabytes of RSS of its tree."""

    status: Status
    reason: str | None
    wall_s: float
    cpu_s: float
    peak_rss_mb: float


def die_with_parent() -> None:
    """Ask the kernel for SIGTERM when the parent goes."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _in_child() -> None:
    # SIGKILL, not SIGTERM: a toolchain may ignore or delay the latter.
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a guarded process: no thread counts of Snakemake's, our package importable."""
    environment = {k: v for k, v in os.environ.items() if k not in THREAD_VARIABLES}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONNOUSERSITE": "1", "PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1"}
    return environment | dict(extra or {})


def _tree(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _rss_mb(process: psutil.Process) -> float:
    total = 0
    for member in _tree(process):
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / MB


def kill_descendants() -> None:
    """End everything below this process, grandchildren that were handed to us included."""
    for _ in range(3):
        children = psutil.Process().children(recursive=True)
        for child in children:
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue
        _, alive = psutil.wait_procs(children, timeout=1)
        if not alive:
            return


def _on_term(_signal: int, _frame: object) -> None:
    kill_descendants()
    sys.exit(128 + signal.SIGTERM)  # an exception, so that temporary folders are removed


def become_guard() -> None:
    """Die with the parent, take down what we started, adopt what our children leave behind."""
    signal.signal(signal.SIGTERM, _on_term)
    signal.signal(signal.SIGINT, _on_term)
    die_with_parent()
    if os.getppid() != int(os.environ.get(PARENT_VARIABLE, os.getppid())):
        os._exit(1)  # Snakemake went while we started
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _explain(
    code: int, tail: str, killed_for: Status | None, timeout_s: float, memory_mb: float | None
) -> tuple[Status, str | None]:
    """Status and reason from an exit code, the end of the log, and what we killed it for."""
    if killed_for is Status.TIMEOUT:
        return (
            Status.TIMEOUT,
            f"still running after {timeout_s:g} s (the limit); raise it under `limits:` if it needs longer",
        )
    if killed_for is Status.OOM:
        return Status.OOM, f"took more than {memory_mb:g} MB of memory (the limit under `limits:`)"
    if code == 0:
        return Status.OK, None
    if code == EXIT_UNSUPPORTED:
        return Status.UNSUPPORTED, None
    last = next((line.strip() for line in reversed(tail.splitlines()) if line.strip()), "no output")
    if any(sign.lower() in tail.lower() for sign in OUT_OF_MEMORY_SIGNS):
        return Status.OOM, f"ran out of memory: {last[:300]}"
    if code == -signal.SIGKILL:
        return Status.OOM, "killed (SIGKILL), as the kernel does when memory runs out"
    if code < 0:
        return Status.CRASHED, f"crashed with {signal.Signals(-code).name}"
    return Status.FAILED, f"exit status {code}: {last[:300]}"


def _tail(log: IO[bytes], size: int = 4000) -> str:
    log.flush()
    with open(log.name, "rb") as stream:
        stream.seek(max(0, os.fstat(stream.fileno()).st_size - size))
        return stream.read().decode(errors="replace")


def watch(
    command: Sequence[str],
    log: Path,
    timeout_s: float,
    memory_mb: float | None = None,
    environment: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> End:
    """Run `command`, its output appended to `log`, and report how it ended. Never raises for what it did.

    `memory_mb` caps the resident memory of the process and its children; None sets no cap.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    killed_for, peak = None, 0.0
    with log.open("ab") as stream:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT,
            env=clean_environment(environment), preexec_fn=_in_child, pass_fds=pass_fds,
        )  # fmt: skip
        process = psutil.Process(child.pid)
        while child.poll() is None:
            rss = _rss_mb(process)
            peak = max(peak, rss)
            if memory_mb is not None and rss > memory_mb:
                killed_for = Status.OOM
            elif time.monotonic() - start > timeout_s:
                killed_for = Status.TIMEOUT
            if killed_for:
                break
            try:
                child.wait(POLL_S)
            except subprocess.TimeoutExpired:
                continue
        kill_descendants()
        code = child.wait()
        status, reason = _explain(code, _tail(stream), killed_for, timeout_s, memory_mb)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # ru_maxrss is exact for the largest single process; the polled sum sees the whole tree.
    peak = max(peak, after.ru_maxrss * 1024 / MB)
    return End(status, reason, time.monotonic() - start, cpu, peak)


def say(text: str) -> None:
    """One line for the person at the terminal."""
    print(text, file=sys.stderr, flush=True)
