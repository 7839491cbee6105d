"""What the session of a GPU tells of itself, as far as that can be told without one."""

import pytest

from scripts.nvidia import cuda
from scripts.nvidia.session import BufferedSession


def test_gpu_memory_is_what_was_taken_by_the_time_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A runtime may take what its layers need at its first run, long after it was opened."""
    monkeypatch.setattr(cuda, "Stream", lambda: None)
    monkeypatch.setattr(cuda, "Clock", lambda: None)
    free = [900, 300]
    monkeypatch.setattr(cuda, "free_memory", lambda: free.pop(0))
    session = BufferedSession(before=1000)
    session.take({}, {})
    assert [session.device_memory(), session.device_memory()] == [100, 700]
