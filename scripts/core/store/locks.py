"""Kernel locks on files: free as soon as their holder is gone, however it went, and nothing is left that blocks.

They hold between machines too, where a shared folder's file system carries `flock`; where it does not, work is done
twice at worst.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def held(path: Path, wait: bool = True) -> Iterator[bool]:
    """Hold the lock file `path`, made for the purpose and removed at the end. Yields whether it is held.

    wait: False to give up at once where another holds it. Where files cannot be made here it is not held, either.
    """
    descriptor = _taken(path, wait)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            with contextlib.suppress(OSError):  # while it is ours: who waits for it sees that its file is gone
                path.unlink()
            os.close(descriptor)


def _taken(path: Path, wait: bool) -> int | None:
    """A descriptor that holds the lock; None where it cannot be had."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if _is_at(descriptor, path):
                return descriptor
        except OSError:
            os.close(descriptor)
            return None
        os.close(descriptor)  # its last holder removed it: again


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is still the one that lies at `path`."""
    with contextlib.suppress(FileNotFoundError):
        here, there = os.fstat(descriptor), path.stat()
        return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
    return False


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Hold a shared lock on the file `path`, so that it is not pruned meanwhile. Raises FileNotFoundError."""
    with path.open("rb") as stream:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(stream, fcntl.LOCK_SH)
        if not _is_at(stream.fileno(), path):
            raise FileNotFoundError(path)
        yield


def is_read(path: Path) -> bool:
    """Whether somebody reads an entry by its manifest `path` just now."""
    try:
        with path.open("r+b") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
