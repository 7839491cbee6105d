"""What the tests of the config share: reading a text, a folder with files that it may name."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.core.config import ConfigError, load
from scripts.core.paths import ROOT


def resolved(text: str = "{}", base: Path = ROOT) -> dict[str, Any]:
    return load(yaml.safe_load(text), base).model_dump(mode="json")


def mistakes(text: str, base: Path = ROOT) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(yaml.safe_load(text), base)
    return caught.value.mistakes


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder with photos, a state dict, an exported program and a user's module; nothing of it is ever opened."""
    (tmp_path / "data/photos").mkdir(parents=True)
    (tmp_path / "data/photos/cat.jpg").write_bytes(b"jpg")
    for name in ("mine.pt", "mine.pt2"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "nets.py").write_text("raise RuntimeError('imported')\n")
    return tmp_path


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
