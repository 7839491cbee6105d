"""A worker without a runtime, for tests of the supervisor: phases of known memory, then a window of known work."""

import subprocess
import sys
import time

from scripts.core.verb import Facts, Job, main
from scripts.measure.memory import begin, peak_mb, reset_peak
from scripts.measure.samplers import Window

CHILD = "x = bytes([1]) * (200 * 10**6); import time; time.sleep(1)"


def spin(seconds: float) -> None:
    """Keep one core busy."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def trial(job: Job) -> Facts:
    """`load` starts a child of 200 MB, which ends within it; the window is a second of one busy thread."""
    memory, seconds = begin(), {}

    def end(name: str, start: float) -> float:
        seconds[name + "_s"] = time.monotonic() - start
        memory[name + "_mb"] = peak_mb()
        reset_peak()
        return time.monotonic()

    held = bytes([1]) * (50 * 10**6)
    start = end("import", memory["clock_s"])
    subprocess.run([sys.executable, "-c", CHILD], check=True)
    start = end("load", start)
    start = end("first_call", start)
    with Window() as window:
        spin(1.0)
    end("run", start)
    (job.out / "raw.npz").write_bytes(held[:1])
    return {"memory": memory, "phases": seconds, "window": window.facts}


if __name__ == "__main__":
    raise SystemExit(main(trial, __doc__))
