"""The little of CUDA that a session needs, through the driver's own library: nothing to install beside the driver.

Everything raises Unsupported where there is no NVIDIA GPU, and CudaError with the driver's words otherwise.
"""

import ctypes
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from scripts.core.verb import Unsupported

LIBRARY = "libcuda.so.1"
ALREADY_LOCKED = 712
"""CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED"""


class CudaError(RuntimeError):
    """The driver refused a call."""


_chosen: "Dict[str, ctypes.c_void_p]" = {}
"""The context of the GPU that this process uses."""
_free_at_first: "List[int]" = []
"""Bytes that were free when it was chosen."""
_thread = threading.local()


@lru_cache(maxsize=1)
def _driver() -> ctypes.CDLL:
    """The driver's library, initialised, with at least one GPU. Raises Unsupported otherwise."""
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise Unsupported("no NVIDIA GPU here: its driver is not installed (%s)" % error) from None
    count = ctypes.c_int(0)
    status = library.cuInit(0) or library.cuDeviceGetCount(ctypes.byref(count))
    if status or count.value == 0:
        raise Unsupported("no NVIDIA GPU here: its driver is installed and answers %s" % _error(library, status))
    return library


def _error(library: ctypes.CDLL, status: int) -> str:
    """The driver's name for a status, such as CUDA_ERROR_OUT_OF_MEMORY."""
    name = ctypes.c_char_p()
    library.cuGetErrorName(status, ctypes.byref(name))
    return (name.value or b"status %d" % status).decode()


def call(name: str, *arguments: Any) -> None:
    """Call the driver's function `name`. Raises CudaError if it refuses, Unsupported without a GPU."""
    status = _status(name, *arguments)
    if status:
        raise CudaError("%s: %s" % (name, _error(_driver(), status)))


def _status(name: str, *arguments: Any) -> int:
    """What the driver's function `name` answers, called in the context that this process uses.

    A context is a thread's: each stream of throughput and serving modes is driven by a thread of its own.
    """
    library = _driver()
    if _chosen and not getattr(_thread, "has_context", False):
        library.cuCtxSetCurrent(_chosen["context"])
        _thread.has_context = True
    return int(getattr(library, name)(*arguments))


def require_gpu() -> None:
    """Raises Unsupported, saying why, where there is no NVIDIA GPU."""
    _driver()


def use(device: int) -> str:
    """Make GPU number `device` this process's; its name and capability, such as "NVIDIA H100 (9.0)"."""
    handle, context = ctypes.c_int(), ctypes.c_void_p()
    call("cuDeviceGet", ctypes.byref(handle), device)
    call("cuDevicePrimaryCtxRetain", ctypes.byref(context), handle)  # the one that the CUDA runtime uses too
    call("cuCtxSetCurrent", context)
    _chosen["context"], _thread.has_context = context, True
    if not _free_at_first:
        _free_at_first.append(free_memory())
    name = ctypes.create_string_buffer(256)
    call("cuDeviceGetName", name, len(name), handle)
    major, minor = ctypes.c_int(), ctypes.c_int()
    call("cuDeviceGetAttribute", ctypes.byref(major), 75, handle)  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
    call("cuDeviceGetAttribute", ctypes.byref(minor), 76, handle)
    return "%s (%d.%d)" % (name.value.decode(), major.value, minor.value)


def free_memory() -> int:
    """Bytes of device memory that nobody holds."""
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
    return free.value


def taken_memory() -> int:
    """Bytes of device memory taken since this process chose its GPU, by whatever took them."""
    return _free_at_first[0] - free_memory()


class Stream:
    """A queue of work on the GPU. `handle` is what other libraries take."""

    def __init__(self) -> None:
        stream = ctypes.c_void_p()
        call("cuStreamCreate", ctypes.byref(stream), 1)  # CU_STREAM_NON_BLOCKING
        self.handle = int(stream.value or 0)

    def wait(self) -> None:
        """Return when all that was queued is done."""
        call("cuStreamSynchronize", ctypes.c_void_p(self.handle))

    def close(self) -> None:
        call("cuStreamDestroy_v2", ctypes.c_void_p(self.handle))


class Clock:
    """Two marks in a stream and the time between them, as the GPU saw it pass."""

    def __init__(self) -> None:
        self._marks = [ctypes.c_void_p(), ctypes.c_void_p()]
        for mark in self._marks:
            call("cuEventCreate", ctypes.byref(mark), 0)

    def start(self, stream: Stream) -> None:
        call("cuEventRecord", self._marks[0], ctypes.c_void_p(stream.handle))

    def stop(self, stream: Stream) -> None:
        call("cuEventRecord", self._marks[1], ctypes.c_void_p(stream.handle))

    def nanoseconds(self) -> int:
        """Between the last start and stop, which must be done; 0 before the first."""
        milliseconds = ctypes.c_float()
        try:
            call("cuEventElapsedTime", ctypes.byref(milliseconds), *self._marks)
        except CudaError:
            return 0
        return int(milliseconds.value * 1e6)

    def close(self) -> None:
        for mark in self._marks:
            call("cuEventDestroy_v2", mark)


class Graph:
    """What `queue` puts into a stream, captured once and then launched as a whole. `queue` must have run before."""

    def __init__(self, stream: Stream, queue: Callable[[], None]) -> None:
        graph, self._launchable, self._stream = ctypes.c_void_p(), ctypes.c_void_p(), stream
        handle = ctypes.c_void_p(stream.handle)
        call("cuStreamBeginCapture_v2", handle, 2)  # CU_STREAM_CAPTURE_MODE_RELAXED
        queue()
        call("cuStreamEndCapture", handle, ctypes.byref(graph))
        call("cuGraphInstantiateWithFlags", ctypes.byref(self._launchable), graph, ctypes.c_ulonglong(0))
        call("cuGraphDestroy", graph)

    def launch(self) -> None:
        call("cuGraphLaunch", self._launchable, ctypes.c_void_p(self._stream.handle))

    def close(self) -> None:
        call("cuGraphExecDestroy", self._launchable)


class PageLocked:
    """Keeps the array that a caller hands over page-locked, so that a GPU copies from it without the CPU's help.

    One array at a time: locking costs far more than a copy, and a caller hands the same one over again.
    """

    def __init__(self) -> None:
        self._array: Optional[np.ndarray] = None
        self._is_ours = False

    def hold(self, array: np.ndarray) -> None:
        """Lock the memory of `array`, which stays alive and locked until another is held, or `release`."""
        if array is self._array:
            return
        self.release()
        status = _status("cuMemHostRegister_v2", _pointer(array), ctypes.c_size_t(array.nbytes), 1)  # PORTABLE
        if status not in (0, ALREADY_LOCKED):  # another stream of this process may hold the same array
            raise CudaError("cuMemHostRegister: %s" % _error(_driver(), status))
        self._array, self._is_ours = array, status == 0

    def release(self) -> None:
        if self._array is not None and self._is_ours:
            call("cuMemHostUnregister", _pointer(self._array))
        self._array = None


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


class Buffer:
    """One tensor twice: `array` in page-locked host memory, and at `address` on the GPU."""

    def __init__(self, shape: "tuple[int, ...]", dtype: Any) -> None:
        size = np.dtype(dtype).itemsize * int(np.prod(shape, dtype=np.int64))
        host, device = ctypes.c_void_p(), ctypes.c_uint64()
        self._held: List[Tuple[str, Any]] = []
        call("cuMemHostAlloc", ctypes.byref(host), ctypes.c_size_t(size), 0)
        self._held.append(("cuMemFreeHost", host))
        call("cuMemAlloc_v2", ctypes.byref(device), ctypes.c_size_t(size))
        self._held.append(("cuMemFree_v2", device))
        self._host, self._size, self.address = host, size, device.value
        memory = (ctypes.c_byte * size).from_address(host.value or 0)
        self.array = np.frombuffer(memoryview(memory), dtype=dtype).reshape(shape)

    def upload(self, values: np.ndarray, stream: Stream) -> None:
        """Queue the copy of `values`, of the same shape and dtype, from the host to the GPU."""
        self._copy("cuMemcpyHtoDAsync_v2", ctypes.c_uint64(self.address), _pointer(values), stream)

    def download(self, stream: Stream) -> None:
        """Queue the copy from GPU to host."""
        self._copy("cuMemcpyDtoHAsync_v2", self._host, ctypes.c_uint64(self.address), stream)

    def _copy(self, function: str, target: Any, source: Any, stream: Stream) -> None:
        call(function, target, source, ctypes.c_size_t(self._size), ctypes.c_void_p(stream.handle))

    def close(self) -> None:
        """Free both; `array` must not be touched afterwards."""
        del self.array
        while self._held:
            call(*self._held.pop())

    def __del__(self) -> None:
        """Of a session that memory did not suffice for: nobody closes what was never opened whole."""
        while self._held:
            _status(*self._held.pop())
