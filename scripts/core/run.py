"""What `make` runs: Snakemake, one at a time in this folder, and gone when `make` is gone.

    python -m scripts.core.run [SNAKEMAKE ARGUMENT ...]

A kernel lock replaces Snakemake's own, which a killed run leaves behind: the kernel's is free as soon as its
holder is gone, however it went.
"""

import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time

from scripts.core import config_files
from scripts.core.config import EXIT_MISTAKES
from scripts.core.paths import ROOT

LOCK = ROOT / ".snakemake" / "assay.lock"
PATIENCE_S = 10.0
"""What a killed run's jobs may take to be gone."""
GRACE_S = 1.0
"""What an interrupted Snakemake may take to end."""
PR_SET_PDEATHSIG = 1


def hold_lock() -> int:
    """Take the folder's lock; its descriptor. Ends with a sentence if another run has it."""
    LOCK.parent.mkdir(exist_ok=True)
    descriptor = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > deadline:
                holder = os.pread(descriptor, 20, 0).decode().strip()
                raise SystemExit(
                    f"Another run works in this folder (process {holder}): wait for it, or end it."
                ) from None
            time.sleep(0.1)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _die_with_parent() -> None:
    # SIGKILL: on SIGTERM Snakemake would finish its running jobs first. Its jobs' guards then end by themselves.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def watch(snakemake: "subprocess.Popen[bytes]") -> int:
    """Wait for Snakemake; its exit status. An interrupted one gets a second to end by itself.

    Snakemake may lose an interrupt that comes while it looks at files, and go on with the next job.
    """
    interrupted: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _frame: interrupted.append(got))
    while snakemake.poll() is None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            snakemake.wait(0.1)
        if interrupted:
            if interrupted[0] == signal.SIGTERM:
                snakemake.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                snakemake.wait(GRACE_S)
            snakemake.kill()
            return 128 + interrupted[0]
    return snakemake.returncode


def main() -> int:
    parent = os.getppid()
    _die_with_parent()
    if os.getppid() != parent:
        return 1
    os.chdir(ROOT)
    try:
        config_files.check(sys.argv[1:])
    except config_files.Unreadable as error:
        print(f"The config has a mistake:\n  {error}", file=sys.stderr)
        return EXIT_MISTAKES
    held = hold_lock()
    command = [sys.executable, "-m", "snakemake", "--nolock", *sys.argv[1:]]
    return watch(subprocess.Popen(command, preexec_fn=_die_with_parent, pass_fds=[held]))


if __name__ == "__main__":
    raise SystemExit(main())
