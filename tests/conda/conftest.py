"""The stand-in for conda, set up once for all tests of this folder."""

from __future__ import annotations

import os

import pytest

from tests.conda.prepare import prepare


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment variables for a Snakemake that is to find the stand-in."""
    return {**os.environ, **prepare(tmp_path_factory.mktemp("conda"))}
