"""An entry of the store is whole or absent, and never another's."""

import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from scripts.core.store import entries, ingredients, place
from scripts.core.store.entries import MANIFEST, Damaged, Store, key_of, verify

ON: dict[str, Any] = {"stage": "artifact", "verb": "scripts.openvino.compile", "options": {"batch": 1, "threads": 2}}


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def store(tmp_path: Path, said: list[str]) -> Store:
    return Store(tmp_path / "store", said.append)


def files(folder: Path, content: bytes = b"engine") -> Path:
    (folder / "kernels").mkdir(parents=True)
    (folder / "model.blob").write_bytes(content)
    (folder / "kernels" / "a.so").write_bytes(b"code")
    return folder


def kept(store: Store, tmp_path: Path, on: dict[str, Any] = ON) -> Path:
    """The folder of a new entry for `on`."""
    made = files(tmp_path / f"made-{key_of(on)[:6]}")
    assert store.keep(on, made, {"build": {"wall_s": 12.5}})
    return store.folder(key_of(on))


def test_what_is_kept_is_served(store: Store, tmp_path: Path, said: list[str]) -> None:
    kept(store, tmp_path)
    manifest = store.fetch(ON, tmp_path / "out")
    assert manifest is not None and manifest["record"] == {"build": {"wall_s": 12.5}}
    assert (tmp_path / "out" / "model.blob").read_bytes() == b"engine"
    assert (tmp_path / "out" / "kernels" / "a.so").read_bytes() == b"code" and said == []


def test_a_miss_leaves_nothing(store: Store, tmp_path: Path, said: list[str]) -> None:
    assert store.fetch(ON, tmp_path / "out") is None
    assert not (tmp_path / "out").exists() and said == []


def test_an_entry_that_others_make_meanwhile_is_served_and_not_called_damaged(
    store: Store, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes right after this process did not find it, and before it looks why."""
    look = Store._read

    def late(self: Store, folder: Path, into: Path) -> Any:
        try:
            return look(self, folder, into)
        except FileNotFoundError:
            if not folder.exists():
                kept(store, tmp_path)
            raise

    monkeypatch.setattr(Store, "_read", late)
    assert store.fetch(ON, tmp_path / "out") is not None
    assert (tmp_path / "out" / "model.blob").read_bytes() == b"engine" and said == []


def test_an_entry_that_others_replace_while_it_is_read_is_read_again(
    store: Store, tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(store, tmp_path)
    copy = entries.copy_verified
    news = [files(tmp_path / "anew", b"another")]

    def late(manifest: dict[str, Any], folder: Path, into: Path) -> None:
        while news:
            assert store.keep(ON, news.pop(), {}, replace=True)
            raise FileNotFoundError(2, "gone", str(folder / "files" / "model.blob"))
        copy(manifest, folder, into)

    monkeypatch.setattr(entries, "copy_verified", late)
    assert store.fetch(ON, tmp_path / "out") is not None
    assert (tmp_path / "out" / "model.blob").read_bytes() == b"another" and said == []


def test_another_order_is_the_same_question_another_value_is_not(store: Store, tmp_path: Path) -> None:
    kept(store, tmp_path)
    same = {"options": {"threads": 2, "batch": 1}, "verb": ON["verb"], "stage": "artifact"}
    assert store.fetch(same, tmp_path / "same") is not None
    assert store.fetch(ON | {"options": {"batch": 1, "threads": 1}}, tmp_path / "other") is None


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-2])


@pytest.mark.parametrize("name", [MANIFEST, "files/model.blob", "files/kernels/a.so"])
@pytest.mark.parametrize("harm", [flip, truncate, Path.unlink])
def test_harm_is_noticed_said_and_mended(store: Store, tmp_path: Path, said: list[str], harm: Any, name: str) -> None:
    harm(kept(store, tmp_path) / name)
    assert store.fetch(ON, tmp_path / "out") is None
    assert not (tmp_path / "out").exists()
    assert len(said) == 1 and key_of(ON)[:12] in said[0] and "made again" in said[0]
    shutil.rmtree(tmp_path / f"made-{key_of(ON)[:6]}")
    kept(store, tmp_path)
    assert store.fetch(ON, tmp_path / "out") is not None


def test_a_changed_cost_is_noticed(store: Store, tmp_path: Path) -> None:
    """The seal covers what an entry says of itself, its ingredients and the cost that travels with it."""
    folder = kept(store, tmp_path)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["record"]["build"]["wall_s"] = 0.1
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(Damaged):
        verify(folder)


def test_an_entry_in_the_place_of_another_is_not_served(store: Store, tmp_path: Path) -> None:
    other = ON | {"verb": "scripts.tensorrt.compile"}
    folder = kept(store, tmp_path, other)
    target = store.folder(key_of(ON))
    target.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(target)
    assert store.fetch(ON, tmp_path / "out") is None


def test_only_its_user_can_read_or_write(store: Store, tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        assert place.objection(store.root) is None
        kept(store, tmp_path)
    finally:
        os.umask(mask)
    for path in [store.root, *store.root.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_what_another_can_write_to_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    assert "can be written by others" in str(place.objection(open_to_all))
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    assert "belongs to another user" in str(place.objection(tmp_path))


def test_where_the_store_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(place.VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert place.chosen("auto") == tmp_path / "assay" / "store"
    monkeypatch.setenv(place.VARIABLE, str(tmp_path / "named"))
    assert place.chosen("auto") == tmp_path / "named"
    assert place.chosen("/else") == Path("/else") and place.chosen("off") is None


def test_replacing(store: Store, tmp_path: Path) -> None:
    kept(store, tmp_path)
    assert store.keep(ON, files(tmp_path / "newer", b"newer"), {}, replace=True)
    assert store.fetch(ON, tmp_path / "out") is not None
    assert (tmp_path / "out" / "model.blob").read_bytes() == b"newer"


def test_explain_names_the_ingredient() -> None:
    other = ON | {"options": {"batch": 8, "threads": 2}}
    assert ingredients.differences(ON, other) == ["options.batch: 1 / 8"]


def test_what_was_compiled_for_another_host_is_refused_in_a_sentence() -> None:
    here = ingredients.host_parts(["isa", "gpu"])
    assert ingredients.foreign(here) is None
    said = ingredients.foreign(here | {"isa": [*here["isa"], "avx_nowhere"]})
    assert said is not None and "avx_nowhere are missing here" in said
    assert "gpu" in str(ingredients.foreign(here | {"gpu": {"name": "H100", "capability": "9.0", "driver": "1"}}))
