"""Run one process and say how it ended: exit, signal, out of memory or timeout become a word and a reason.

The process dies with its guard, and the guard with Snakemake: no orphan converts or measures on.
Linux only; runs in Snakemake's own Python.
"""

import contextlib
import ctypes
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from scripts.core import tree
from scripts.core.paths import ROOT
from scripts.core.records import Status
from scripts.core.verb import EXIT_UNSUPPORTED

MB = 1e6
POLL_S = 0.05
LONGEST_WAIT_S = 3600.0
KILL_PATIENCE_S = 3.0
"""The kernel may take long to free a large process, or one that waits for a device."""
PARENT_VARIABLE = "ASSAY_PARENT"
"""Snakemake's process, which started us with `exec`."""
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_libc = ctypes.CDLL(None, use_errno=True)

# Snakemake sets these to a rule's `threads`; they must never decide a result.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS",
)  # fmt: skip
OUT_OF_MEMORY_SIGNS = (
    "MemoryError", "bad_alloc", "can't allocate memory", "cannot allocate memory", "out of memory",
    "CUDA_ERROR_OUT_OF_MEMORY", "Failed to allocate memory", "OOM when allocating", "OutOfMemory",
    "CUDNN_STATUS_ALLOC_FAILED", "CUBLAS_STATUS_ALLOC_FAILED",
)  # fmt: skip
"""In the words of Python, C++, the kernel, CUDA's driver and libraries, ONNX Runtime's arena, TensorFlow, TensorRT."""


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


def kill_descendants() -> None:
    """End everything below this process, grandchildren that were handed to us included.

    Again until nothing is left: what a process started while it was being killed is handed to us, too.
    """
    deadline = time.monotonic() + KILL_PATIENCE_S
    while (members := tree.descendants(os.getpid())) and time.monotonic() < deadline:
        for pid in members:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        for pid in members:
            with contextlib.suppress(ChildProcessError):  # not ours to wait for, or not yet
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.002)


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


def _wait(child: "subprocess.Popen[bytes]", seconds: float) -> None:
    """Sleep until the child ends, for `seconds` at most; without waking up in between where the kernel can (5.3)."""
    try:
        descriptor = os.pidfd_open(child.pid)
    except (OSError, AttributeError):  # an older kernel, a Python built for one
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
        return
    try:
        end = select.poll()
        end.register(descriptor, select.POLLIN)
        end.poll(min(seconds, LONGEST_WAIT_S) * 1e3)
    finally:
        os.close(descriptor)


def watch(
    command: Sequence[str],
    log: Path,
    timeout_s: float,
    memory_mb: float | None = None,
    environment: Mapping[str, str] | None = None,
    pass_fds: Sequence[int] = (),
    poll_s: float | None = POLL_S,
    look: Callable[[float, list[float]], None] | None = None,
) -> End:
    """Run `command`, its output appended to `log`, and report how it ended. Never raises for what it did.

    `memory_mb` caps the resident memory of the process and its children; None sets no cap. It is looked at every
    `poll_s` seconds; None never looks. `look` is told the moment (CLOCK_MONOTONIC, s) and each process's megabytes.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    killed_for, peak = None, 0.0
    with log.open("ab") as stream:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT,
            env=clean_environment(environment), preexec_fn=_in_child, pass_fds=pass_fds,
        )  # fmt: skip
        while child.poll() is None:
            now = time.monotonic()
            left_s = start + timeout_s - now
            if poll_s is not None:
                sizes = [tree.resident_mb(pid) for pid in (child.pid, *tree.descendants(child.pid))]
                peak = max(peak, sum(sizes))
                if look is not None:
                    look(now, sizes)
            if memory_mb is not None and peak > memory_mb:
                killed_for = Status.OOM
            elif left_s <= 0:
                killed_for = Status.TIMEOUT
            if killed_for:
                break
            _wait(child, left_s if poll_s is None else min(poll_s, left_s))
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
