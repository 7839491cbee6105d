"""Only what code means counts: not comments, docstrings or layout."""

from pathlib import Path

import pytest

from scripts.core import codehash

BASE = '''"""About."""
import os
from scripts.core.helper import add

def f(x):
    """Say."""
    # why
    return add(x, 1)
'''


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "scripts" / "core"
    folder.mkdir(parents=True)
    (folder / "verb.py").write_text(BASE)
    (folder / "helper.py").write_text("def add(a, b):\n    return a + b\n")
    (folder / "other.py").write_text("x = 1\n")
    monkeypatch.setattr(codehash, "ROOT", tmp_path)
    monkeypatch.setattr(codehash, "_remembered", codehash._Remembered(tmp_path / "known.json"))
    return folder


def hash_now(module: str = "scripts.core.verb") -> str:
    codehash._file.cache_clear()
    codehash._meaning.cache_clear()
    codehash.closure.cache_clear()
    codehash.code_hash.cache_clear()
    return codehash.code_hash(module)


@pytest.mark.parametrize(
    "same",
    [
        BASE.replace("# why", "# because"),
        BASE.replace("Say.", "Say it well."),
        BASE.replace("About.", "About this."),
        BASE.replace("\n\n", "\n\n\n"),
        BASE.replace("    return", "  \n    return"),
    ],
)
def test_what_does_not_count(tree: Path, same: str) -> None:
    before = hash_now()
    (tree / "verb.py").write_text(same)
    assert same != BASE and hash_now() == before


@pytest.mark.parametrize(
    "other",
    [BASE.replace("x, 1", "x, 2"), BASE.replace("def f", "def g"), BASE + "y = 'a string that is no docstring'\n"],
)
def test_what_counts(tree: Path, other: str) -> None:
    before = hash_now()
    (tree / "verb.py").write_text(other)
    assert hash_now() != before


def test_a_helper_counts_for_its_importers_only(tree: Path) -> None:
    before, other = hash_now(), hash_now("scripts.core.other")
    (tree / "helper.py").write_text("def add(a, b):\n    return b + a\n")
    assert hash_now() != before and hash_now("scripts.core.other") == other


def test_an_import_inside_a_function_counts(tree: Path) -> None:
    (tree / "verb.py").write_text("def f():\n    from scripts.core import other\n    return other.x\n")
    before = hash_now()
    (tree / "other.py").write_text("x = 2\n")
    assert hash_now() != before


def test_answers_are_remembered_by_content(tree: Path, tmp_path: Path) -> None:
    before = hash_now()
    assert (tmp_path / "known.json").exists()
    (tree / "verb.py").write_text(BASE + "z = 1\n")
    changed = hash_now()
    (tree / "verb.py").write_text(BASE)
    assert changed != before and hash_now() == before


def test_the_real_rooms_do_not_know_each_other() -> None:
    closure = codehash.closure("scripts.openvino.convert")
    assert all(name.startswith(("scripts.openvino", "scripts.core", "scripts.models")) for name in closure), closure
