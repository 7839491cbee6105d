"""Exact peaks of resident memory per phase, from the kernel. Standard library only, Python 3.8 on.

Writing 5 to /proc/PID/clear_refs resets the high-water mark VmHWM (proc(5)); children that ended are added
through getrusage. Megabytes are 10**6 bytes.
"""

import resource
from typing import Optional

MB = 1e6


def reset_peak() -> bool:
    """Start a new phase. False where the kernel does not allow it: then peaks are since the process began."""
    try:
        with open("/proc/self/clear_refs", "w") as stream:
            stream.write("5")
    except OSError:
        return False
    return True


def peak_mb() -> Optional[float]:
    """Peak resident memory since the last `reset_peak`, the largest ended child's included."""
    with open("/proc/self/status") as stream:
        for line in stream:
            if line.startswith("VmHWM:"):
                children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
                return max(int(line.split()[1]), children) * 1024 / MB
    return None
