"""What `make` runs: Snakemake, one at a time in this folder, and gone when `make` is gone.

    python -m scripts.core.run [SNAKEMAKE ARGUMENT ...]

A kernel lock replaces Snakemake's own, which a killed run leaves behind: the kernel's is free as soon as its
holder is gone, however it went.
"""

import ctypes
import fcntl
import os
import signal
import sys
import time

from scripts.core.paths import ROOT

LOCK = ROOT / ".snakemake" / "assay.lock"
PATIENCE_S = 10.0
"""What a killed run's jobs may take to be gone."""


def hold_lock() -> None:
    """Take the folder's lock and keep it across `exec`; end with a sentence if another run has it."""
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
    os.set_inheritable(descriptor, True)


def main() -> int:
    parent = os.getppid()
    # SIGKILL: on SIGTERM Snakemake would finish its running jobs first. Its jobs' guards then end by themselves.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != parent:
        return 1
    os.chdir(ROOT)
    hold_lock()
    os.execv(sys.executable, [sys.executable, "-m", "snakemake", "--nolock", *sys.argv[1:]])


if __name__ == "__main__":
    raise SystemExit(main())
