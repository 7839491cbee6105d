"""What Snakemake's own Python must hold: what makes environments only where some are to be made."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.core import bootstrap, environment
from scripts.core.paths import ROOT


@pytest.fixture
def without_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    """This Python, as if it had no uv."""
    find = importlib.util.find_spec

    def found(name: str, package: str | None = None) -> Any:
        return None if name == "uv" else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", found)


@pytest.mark.usefixtures("without_uv")
def test_where_pythons_are_named_uv_is_not_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert bootstrap.python(ROOT, {"interpreters": {"torch": "/opt/torch/bin/python"}}) == sys.executable
    broken = tmp_path / "requirements.txt"
    broken.write_text("no such package\n")
    with pytest.raises(bootstrap.Stop, match="`make` sets up all that is needed"):
        bootstrap.python(tmp_path, {"interpreters": {}})


@pytest.mark.usefixtures("without_uv")
def test_an_environment_that_cannot_be_made_without_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(environment.Failed, match="uv, which makes environments, is not in Snakemake's Python") as told:
        environment.make("report", environment.ENVS / "report.lock.txt", tmp_path, [])
    assert "interpreters: {report: /path/to/python}" in str(told.value)


def test_a_folder_that_snakemake_would_take_for_wildcards_is_refused(tmp_path: Path) -> None:
    with pytest.raises(bootstrap.Stop, match="has braces in its name"):
        bootstrap.python(tmp_path / "a{b}", {})
