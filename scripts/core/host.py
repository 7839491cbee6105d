"""The host: its short name, its fingerprint (what results depend on), its facts (what is nice to know).

Light at import: the Snakefile asks for the name and whether there is an NVIDIA GPU.
"""

import argparse
import os
import platform
import re
import socket
import subprocess
from pathlib import Path
from typing import Any

from scripts.nvidia.device import named

ISA = (
    "avx",
    "avx2",
    "fma",
    "avx512f",
    "avx512bw",
    "avx512vl",
    "avx512_vnni",
    "avx_vnni",
    "avx512_bf16",
    "amx_tile",
    "asimd",
    "sve",
)
"""Those that a reader wants to see, and that a result is bound to."""
EXTENSION = re.compile(
    r"(sse|ssse|avx|amx|fma|f16c|bmi|popcnt|abm|movbe|aes|vaes|sha|gfni|vpclmul|pclmul|"
    r"asimd|fp$|fphp|sve|sme|i8mm|bf16|dotprod|crc32|atomics)"
)
"""Names of flags that compilers choose instructions by; the rest of /proc/cpuinfo's are about the machine."""

INTEL = "0x8086"
"""The maker's number on the PCI bus."""
GRAPHICS = Path("/sys/class/drm")
DRIVER = (Path("/proc/driver/nvidia/version"), Path("/dev/nvidiactl"), Path("/dev/nvhost-gpu"))
"""One of them is there where NVIDIA's driver runs; the last is a Jetson's."""


def has_nvidia_gpu() -> bool:
    """Whether the NVIDIA driver runs here."""
    return any(path.exists() for path in DRIVER)


def intel_gpus() -> list[str]:
    """Intel's GPUs that can be computed on here, each by its number on the PCI bus, such as "0x56a0"."""
    nodes = [node for node in GRAPHICS.glob("renderD*/device") if (node / "vendor").is_file()]
    intels = [node for node in nodes if (node / "vendor").read_text().strip() == INTEL]
    return sorted((node / "device").read_text().strip() for node in intels)


def hardware() -> list[str]:
    """What is here of what a runtime may need (`catalogue.HARDWARE`)."""
    return [name for name, is_here in (("nvidia", has_nvidia_gpu()), ("intel_gpu", intel_gpus())) if is_here]


def usable_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0))


def memory_mb() -> int:
    """Physical memory in MB (10**6 bytes)."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 10**6


def resolve(asked: str, file: Path) -> str:
    """The host's short name: what the config asks for, else what `file` says, else the machine's own, kept in `file`.

    Kept, so that a job on another node of a cluster never answers differently.
    """
    if asked != "auto":
        return asked
    if file.exists():
        return file.read_text().strip()
    name = re.sub(r"[^a-z0-9]+", "-", socket.gethostname().split(".")[0].lower()).strip("-") or "host"
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f"{file.name}.{os.getpid()}")
    temporary.write_text(name + "\n")
    temporary.replace(file)
    return name


def _cpuinfo() -> dict[str, str]:
    """The first processor's entries in /proc/cpuinfo."""
    first = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in first.splitlines())}


def gpu() -> dict[str, str] | None:
    """Name, capability, UUID and driver of the first NVIDIA GPU that CUDA shows; None where there is none."""
    if not has_nvidia_gpu():
        return None
    try:
        found = _asked(["-i", named("cuda:0")]) or _asked([])  # a cluster may hide the others from the driver, too
    except (OSError, subprocess.SubprocessError) as error:
        reason = f"nvidia-smi did not answer: {error}"
        return {"name": "unknown", "capability": "", "uuid": "", "driver": "", "reason": reason}
    return found or {"name": "unknown", "capability": "", "uuid": "", "driver": "", "reason": "nvidia-smi names no GPU"}


def _asked(which: list[str]) -> dict[str, str] | None:
    """What nvidia-smi says of the first GPU among `which`; None where it knows none."""
    keys = {"name": "name", "compute_cap": "capability", "uuid": "uuid", "driver_version": "driver"}
    command = ["nvidia-smi", *which, f"--query-gpu={','.join(keys)}", "--format=csv,noheader"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=not which)
    values = [value.strip() for value in answer.stdout.partition("\n")[0].split(",")]
    is_whole = answer.returncode == 0 and len(values) == len(keys)
    return dict(zip(keys.values(), values, strict=True)) if is_whole else None


def _flags(info: dict[str, str]) -> set[str]:
    return set(info.get("flags", info.get("Features", "")).split())


def instruction_sets() -> list[str]:
    """Every extension of the instruction set that this CPU names, sorted: what code for it may use."""
    return sorted(flag for flag in _flags(_cpuinfo()) if EXTENSION.match(flag))


def fingerprint() -> dict[str, Any]:
    """What a result depends on: CPU model, instruction sets, usable cores, GPU."""
    info, found = _cpuinfo(), gpu()
    return {
        "cpu_model": info.get("model name", platform.processor() or platform.machine()),
        "cpu_family": "/".join(info.get(key, "?") for key in ("vendor_id", "cpu family", "model", "stepping")),
        "machine": platform.machine(),
        "isa": [name for name in ISA if name in _flags(info)],
        "cores": usable_cores(),
        "gpu": {key: found[key] for key in ("name", "capability", "uuid")} if found else None,
        "intel_gpu": intel_gpus() or None,
    }


def describe() -> dict[str, Any]:
    """The fingerprint and the rest that a reader wants to know."""
    pretty = (
        re.search(r'PRETTY_NAME="?([^"\n]*)', Path("/etc/os-release").read_text())
        if Path("/etc/os-release").exists()
        else None
    )
    found = gpu()
    return {
        **fingerprint(),
        "memory_gb": round(memory_mb() / 1e3, 1),
        "kernel": platform.release(),
        "os": pretty.group(1) if pretty else platform.system(),
        "driver": found["driver"] if found else None,
    }


def difference(recorded: dict[str, Any]) -> str | None:
    """One sentence if this machine is not the recorded host; None if it is."""
    here = fingerprint()
    other = [
        f"{key} is {here[key]!r}, recorded {recorded.get(key)!r}" for key in here if here[key] != recorded.get(key)
    ]
    return (
        f"this machine is not the recorded host ({'; '.join(other)}): give it another name under `host:`"
        if other
        else None
    )


def main() -> int:
    """Write the host's record."""
    from scripts.core.records import Record, Status, save

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--record", required=True, type=Path)
    args = parser.parse_args()
    save(Record(kind="host", status=Status.OK, stage="host", name=args.name, **describe()), args.record)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
