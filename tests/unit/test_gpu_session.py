"""What the session of a GPU tells of itself, as far as that can be told without one."""

import pytest

from scripts.nvidia import cuda
from scripts.nvidia.session import BufferedSession


def test_gpu_memory_is_what_was_taken_by_the_time_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A runtime may take what its layers need at its first run, long after it was opened."""
    monkeypatch.setattr(cuda, "Stream", lambda: None)
    monkeypatch.setattr(cuda, "Clock", lambda: None)
    monkeypatch.setattr(cuda, "_free_at_first", [1000])
    free = [900, 300]
    monkeypatch.setattr(cuda, "free_memory", lambda: free.pop(0))
    session = BufferedSession()
    session.take({}, {})
    assert [session.device_memory(), session.device_memory()] == [100, 700]


def test_what_was_taken_for_a_tensor_that_found_no_room_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Page-locked memory first, then the GPU's, which does not suffice."""
    called: list[str] = []

    def status(name: str, *_: object) -> int:
        called.append(name)
        return 2 if name == "cuMemAlloc_v2" else 0

    def call(name: str, *arguments: object) -> None:
        if status(name, *arguments):
            raise cuda.CudaError(name)

    monkeypatch.setattr(cuda, "call", call)
    monkeypatch.setattr(cuda, "_status", status)
    with pytest.raises(cuda.CudaError):
        cuda.Buffer((4, 4), "float32")
    assert called == ["cuMemHostAlloc", "cuMemAlloc_v2", "cuMemFreeHost"]
