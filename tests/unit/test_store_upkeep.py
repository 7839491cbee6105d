"""Looking after the store: the command, as its user calls it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.core.paths import ROOT
from scripts.core.store import locks, upkeep
from scripts.core.store.entries import MANIFEST, Store, key_of
from tests.unit.test_store import ON, flip, kept


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "store").mkdir(mode=0o700)
    return Store(tmp_path / "store", lambda text: None)


def command(store: Store, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scripts.core.store", "--store", str(store.root), *words],
        cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_list_and_show_name_what_it_is_and_what_it_cost(store: Store, tmp_path: Path) -> None:
    kept(store, tmp_path)
    listed = command(store, "list").stdout
    assert key_of(ON)[:12] in listed and "openvino.compile" in listed and "12.5 s" in listed and "1 entries" in listed
    shown = command(store, "show", key_of(ON)[:8]).stdout
    assert '"verb": "scripts.openvino.compile"' in shown and '"threads": 2' in shown and "model.blob" in shown
    missing = command(store, "show", "ffffffffffff")
    assert missing.returncode == 1 and "no keys begin with ffffffffffff" in missing.stderr
    assert "Traceback" not in missing.stderr


def test_explain_says_which_ingredient_differs(store: Store, tmp_path: Path) -> None:
    other = ON | {"options": {"batch": 8, "threads": 2}}
    kept(store, tmp_path), kept(store, tmp_path, other)
    assert command(store, "explain", key_of(ON), key_of(other)).stdout == "options.batch: 1 / 8\n"


def test_verify_reads_all_of_it_and_drops_what_is_damaged(store: Store, tmp_path: Path) -> None:
    folder = kept(store, tmp_path)
    kept(store, tmp_path, ON | {"verb": "other"})
    assert command(store, "verify").returncode == 0
    flip(folder / "files" / "model.blob")
    found = command(store, "verify")
    assert found.returncode == 1 and "1 entries are whole" in found.stdout and "1 were damaged" in found.stdout
    assert command(store, "verify").returncode == 0 and not folder.exists()


def test_prune_takes_what_is_old_but_not_what_is_read(store: Store, tmp_path: Path) -> None:
    old, read, new = (
        kept(store, tmp_path),
        kept(store, tmp_path, {**ON, "verb": "b"}),
        kept(store, tmp_path, {**ON, "verb": "c"}),
    )
    for folder in (old, read):
        os.utime(folder / MANIFEST, (1, 1))
    with locks.reading(read / MANIFEST):
        assert upkeep.prune(store, 3600)[0] == 1
    assert (old.exists(), read.exists(), new.exists()) == (False, True, True)
    assert upkeep.prune(store, 3600)[0] == 1 and not read.exists()


def test_what_is_served_counts_as_used(store: Store, tmp_path: Path) -> None:
    os.utime(kept(store, tmp_path) / MANIFEST, (1, 1))
    assert store.fetch(ON, tmp_path / "out") is not None
    assert upkeep.prune(store, 3600)[0] == 0


def test_prune_sweeps_what_a_killed_writer_left_and_nothing_of_a_living_one(store: Store, tmp_path: Path) -> None:
    """A writer that is killed in the middle leaves a folder that is never read."""
    writing = """
import pathlib, sys, time
from scripts.core.store.entries import Store
store = Store(pathlib.Path(sys.argv[1]), print)
with store.making("k"), store.staged("abc") as folder:
    (folder / "half").write_bytes(b"x")
    print("ready", flush=True)
    time.sleep(60)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", writing, str(store.root)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    assert upkeep.prune(store, 0) == (0, 0), "its writer lives"
    process.kill()
    process.wait()
    assert upkeep.prune(store, 0)[1] >= 2
    assert [path for path in store.root.rglob("*") if path.is_file()] == []
    assert list((store.root / "staging").iterdir()) == []


def test_entries_move_between_machines(store: Store, tmp_path: Path) -> None:
    kept(store, tmp_path)
    assert "exported 1 entries" in command(store, "export", str(tmp_path / "a.tar")).stdout
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    other = Store(tmp_path / "elsewhere", print)
    took = command(other, "import", str(tmp_path / "a.tar"))
    assert "took 1 entries" in took.stdout and "executable code" in took.stderr
    assert "took 0 entries" in command(other, "import", str(tmp_path / "a.tar")).stdout
    assert other.fetch(ON, tmp_path / "out") is not None
    assert (tmp_path / "out" / "model.blob").read_bytes() == b"engine"


def test_a_tampered_import_is_refused(store: Store, tmp_path: Path) -> None:
    kept(store, tmp_path)
    command(store, "export", str(tmp_path / "a.tar"))
    data = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(data.replace(b"engine", b"enginf"))
    other = Store(tmp_path / "elsewhere", print)
    took = command(other, "import", str(tmp_path / "a.tar"))
    assert took.returncode == 1 and "model.blob is not what was written" in took.stderr and other.every_key() == []
    assert "Traceback" not in took.stderr


@pytest.mark.alone
def test_a_gigabyte_is_verified_at_more_than_500_mb_a_second(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "big"
    folder.mkdir()
    for number in range(8):
        (folder / f"{number}.bin").write_bytes(bytes([number]) * (128 * 10**6))
    assert store.keep(ON, folder, {})
    upkeep.verify(store)
    best = max(found.bytes / found.seconds for found in (upkeep.verify(store) for _ in range(3)))
    assert best > 500e6, f"{best / 1e6:.0f} MB/s"
