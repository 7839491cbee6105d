"""A host keeps its name, and another machine is not taken for it."""

from pathlib import Path

import pytest

from scripts.core import host
from scripts.core.store import ingredients


def test_this_machine_is_itself() -> None:
    assert host.difference(host.describe()) is None


def test_another_machine_is_refused_with_what_differs() -> None:
    said = host.difference(host.describe() | {"cores": 999, "cpu_model": "Another"})
    assert said is not None and "999" in said and "Another" in said and "`host:`" in said


def test_memory_and_kernel_are_no_part_of_the_fingerprint() -> None:
    assert host.difference(host.describe() | {"memory_gb": 1, "kernel": "0"}) is None


def test_the_name_is_resolved_once(tmp_path: Path) -> None:
    file = tmp_path / "host.txt"
    first = host.resolve("auto", file)
    assert first and first == first.lower() and file.read_text().strip() == first
    file.write_text("kept\n")
    assert host.resolve("auto", file) == "kept"
    assert host.resolve("named", file) == "named"


def test_intels_gpu_is_found_and_what_was_compiled_for_it_is_bound_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "GRAPHICS", tmp_path)
    assert (host.intel_gpus(), host.fingerprint()["intel_gpu"]) == ([], None)
    for node, vendor, device in (("renderD128", "0x10de", "0x2330"), ("renderD129", "0x8086", "0x56a0")):
        (tmp_path / node / "device").mkdir(parents=True)
        (tmp_path / node / "device" / "vendor").write_text(f"{vendor}\n")
        (tmp_path / node / "device" / "device").write_text(f"{device}\n")
    assert host.intel_gpus() == host.fingerprint()["intel_gpu"] == ["0x56a0"]
    assert "intel_gpu" in host.hardware()
    built_for = ingredients.host_parts(["isa", "intel_gpu"])
    assert ingredients.foreign(built_for) is None
    said = ingredients.foreign(built_for | {"intel_gpu": ["0x4905"]})
    assert said is not None and "intel_gpu" in said


SMI = """#!/bin/sh
case "$1 $2" in
  "-i 2") echo "Second, 9.0, GPU-2, 580.1" ;;
  -i*) echo "No devices were found"; exit 6 ;;
  *) echo "First, 8.6, GPU-1, 580.1"; echo "Second, 9.0, GPU-2, 580.1" ;;
esac
"""


@pytest.mark.parametrize(("shown", "name"), [("2", "Second"), ("7", "First")])
def test_the_gpu_is_the_one_that_cuda_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: str, name: str
) -> None:
    """Not the first that the driver knows; where the driver knows no such number, a cluster hides the others."""
    tool = tmp_path / "nvidia-smi"
    tool.write_text(SMI)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    monkeypatch.setattr(host, "has_nvidia_gpu", lambda: True)
    found = host.gpu()
    assert found is not None and found["name"] == name and found["uuid"].startswith("GPU-")
