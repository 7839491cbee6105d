"""Many processes, killed at random, on one store; a full disk; a store that can only be read."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.core.paths import ROOT
from scripts.core.store import upkeep
from scripts.core.store.entries import Store, key_of
from tests.unit.test_store import ON, kept

KEYS, CROWD, KILLS = 20, 8, 40
ASKING = """
import pathlib, random, sys, tempfile, time
from scripts.core.store.entries import Store, key_of
said = []
store, chance = Store(pathlib.Path(sys.argv[1]), said.append), random.Random(sys.argv[2])
order = chance.sample(range(int(sys.argv[3])), int(sys.argv[3]))
with tempfile.TemporaryDirectory() as scratch:
    for number in order:
        on, right = {"stage": "artifact", "number": number}, b"%d" % number * 40000
        out = pathlib.Path(scratch) / str(number)
        if store.fetch(on, out) is None:
            with store.making(key_of(on)):
                if store.fetch(on, out) is None:
                    made = pathlib.Path(scratch) / ("made%d" % number)
                    made.mkdir()
                    (made / "a.bin").write_bytes(right)
                    time.sleep(chance.uniform(0, 0.05))
                    store.keep(on, made, {})
                    print("built", number, flush=True)
                    continue
        assert (out / "a.bin").read_bytes() == right, number
        print("served", number, flush=True)
assert not said, said
"""


def ask(store: Path, seed: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", ASKING, str(store), str(seed), str(KEYS)],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_a_crowd_that_is_killed_at_random_gets_right_answers_and_leaves_nothing(tmp_path: Path) -> None:
    store, chance = Store(tmp_path / "store", print), random.Random(8)
    crowd = [ask(store.root, seed) for seed in range(CROWD)]
    for kill in range(KILLS):
        time.sleep(chance.uniform(0, 0.08))
        place = chance.randrange(CROWD)
        crowd[place].kill()
        crowd[place].communicate()
        crowd[place] = ask(store.root, CROWD + kill)
        if kill % 10 == 0:
            upkeep.prune(store, 3600)
    for process in crowd:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert len(out.splitlines()) == KEYS
    assert store.every_key() == sorted(key_of({"stage": "artifact", "number": number}) for number in range(KEYS))
    found = upkeep.verify(store)
    assert (found.entries, found.damaged) == (KEYS, [])
    upkeep.prune(store, 3600)
    others = [path for path in store.root.rglob("*") if path.is_file() and "entries" not in path.parts]
    assert others == [] and list((store.root / "staging").iterdir()) == []


def test_what_one_makes_others_wait_for(tmp_path: Path) -> None:
    """Nobody builds the same thing twice, however many ask at once."""
    crowd = [ask(tmp_path / "store", seed) for seed in range(CROWD)]
    said = [process.communicate(timeout=60)[0] for process in crowd]
    built = sorted(line for text in said for line in text.splitlines() if line.startswith("built"))
    assert built == sorted(f"built {number}" for number in range(KEYS))


def in_a_mount(command: str, folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code after a mount that only it sees. Skips where the kernel lets nobody mount."""
    for unshare in (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"]):
        shell = f"{command} && exec {sys.executable} -c '{code}' {folder}"
        probe = subprocess.run([*unshare, "sh", "-c", command], cwd=ROOT, capture_output=True, check=False)
        if probe.returncode == 0:
            return subprocess.run([*unshare, "sh", "-c", shell], cwd=ROOT, capture_output=True, text=True, check=False)
    pytest.skip("nobody may mount here")


def test_a_full_disk_is_said_and_leaves_no_litter(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir(mode=0o700)
    code = """
import pathlib, sys
from scripts.core.store.entries import Store
folder = pathlib.Path(sys.argv[1])
(folder / "made").mkdir()
(folder / "made" / "a.bin").write_bytes(bytes(10**6))
store = Store(folder / "store", print)
print(store.keep({"stage": "artifact"}, folder / "made", {}), store.fetch({"stage": "artifact"}, folder / "out"))
print(store.every_key(), list((folder / "store" / "staging").iterdir()))
"""
    mount = f"mount -t tmpfs -o size=256k,mode=700 tmpfs {tmp_path / 'store'}"
    done = in_a_mount(mount, tmp_path, code.replace("'", '"'))
    lines = done.stdout.splitlines()
    assert "No space left on device" in lines[0] and "going on without" in lines[0], done
    assert lines[1:] == ["False None", "[] []"]


def test_a_store_that_can_only_be_read_is_used(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", print)
    kept(store, tmp_path)
    os.chmod(store.root, 0o700)
    code = f"""
import pathlib, sys
from scripts.core.store import place
from scripts.core.store.entries import Store, key_of
folder = pathlib.Path(sys.argv[1])
store, on = Store(folder / "store", print), {ON!r}
print(place.objection(store.root), store.fetch(on, folder / "out") is not None)
with store.making("k") as held:
    print(held, store.keep({{"stage": "artifact"}}, folder / "out", {{}}))
""".replace("'", '"')
    mount = f"mount --bind {store.root} {store.root} && mount -o remount,bind,ro {store.root}"
    lines = in_a_mount(mount, tmp_path, code).stdout.splitlines()
    assert lines[0] == "None True" and "Read-only file system" in lines[1] and lines[2] == "False False", lines
