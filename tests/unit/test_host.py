"""A host keeps its name, and another machine is not taken for it."""

from pathlib import Path

from scripts.core import host


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
