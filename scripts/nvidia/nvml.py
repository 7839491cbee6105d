"""What NVIDIA's management library says of a GPU: energy, clocks, power, temperature, what holds the clocks back.

Through the driver's own library by ctypes, not by the package nvidia-ml-py, since the worker reads it, whose
environment holds its runtime and NumPy alone. What cannot be read is None. Standard library only, Python 3.8 on.
Source: NVIDIA Management Library API reference.
"""

import ctypes
from functools import lru_cache
from typing import Any, Dict, List, Optional

from scripts.nvidia.device import named, number

LIBRARY = "libnvidia-ml.so.1"
SM_CLOCK, MEMORY_CLOCK, GPU_SENSOR = 1, 2, 0
THROTTLE = {
    0x2: "clocks set by an application",
    0x4: "power limit",
    0x8: "hardware slowdown",
    0x20: "temperature",
    0x40: "hardware temperature",
    0x80: "power brake",
}
"""What holds the clocks back, by the library's bit; idling (0x1) is no such reason."""


class _Utilization(ctypes.Structure):
    _fields_ = [("gpu", ctypes.c_uint), ("memory", ctypes.c_uint)]


@lru_cache(maxsize=1)
def _library() -> Optional[ctypes.CDLL]:
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError:
        return None
    return library if library.nvmlInit_v2() == 0 else None


@lru_cache(maxsize=8)
def _handle(device: str) -> Optional[ctypes.c_void_p]:
    """The GPU that `device` (`cuda:0`) names; None without it."""
    library, handle, name = _library(), ctypes.c_void_p(), named(device)
    if library is None:
        return None
    if not name.isdigit():
        return None if library.nvmlDeviceGetHandleByUUID(name.encode(), ctypes.byref(handle)) else handle
    # Where a container or a cluster hides the other GPUs, the driver counts what is left.
    for index in (int(name), number(device)):
        if library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(handle)) == 0:
            return handle
    return None


def _ask(name: str, device: str, value: Any, *arguments: Any) -> Optional[Any]:
    """What the library's function `name` puts into `value`; None where it cannot be read."""
    handle = _handle(device)
    if handle is None or getattr(_library(), name)(handle, *arguments, ctypes.byref(value)):
        return None
    return value


def _number(name: str, device: str, *arguments: Any) -> Optional[int]:
    value = _ask(name, device, ctypes.c_ulonglong(0), *arguments)
    return None if value is None else int(value.value)


def energy_uj(device: str) -> Dict[str, int]:
    """The GPU's energy counter since the driver was loaded, microjoules, as {"nvml:0": ...}; {} where it has none."""
    millijoules = _number("nvmlDeviceGetTotalEnergyConsumption", device)
    return {} if millijoules is None else {"nvml:%d" % number(device): millijoules * 1000}


def state(device: str) -> Dict[str, Any]:
    """Clocks (MHz), power (W), temperature (degrees Celsius), utilization (%), what holds the clocks back."""
    milliwatts = _number("nvmlDeviceGetPowerUsage", device)
    busy = _ask("nvmlDeviceGetUtilizationRates", device, _Utilization())
    bits = _number("nvmlDeviceGetCurrentClocksThrottleReasons", device)
    return {
        "sm_mhz": _number("nvmlDeviceGetClockInfo", device, SM_CLOCK),
        "memory_mhz": _number("nvmlDeviceGetClockInfo", device, MEMORY_CLOCK),
        "power_w": None if milliwatts is None else milliwatts / 1e3,
        "temperature_c": _number("nvmlDeviceGetTemperature", device, GPU_SENSOR),
        "util_pct": None if busy is None else int(busy.gpu),
        "held_back_by": None if bits is None else held_back_by(bits),
    }


def held_back_by(bits: int) -> List[str]:
    """The reasons in the library's bit field."""
    return [reason for bit, reason in THROTTLE.items() if bits & bit]
