"""Which PyTorch build: asked of the machine once, kept, and said in one sentence."""

from __future__ import annotations

import functools
import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.core import environment, host, torch_build
from tests.unit import wheels

pytestmark = pytest.mark.alone

PIN = "torch==9.9.0+cpu"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No network, no find-links but the test's own, no GPU."""
    for name in ("UV_FIND_LINKS", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setattr(host, "DRIVER", (tmp_path / "nvidiactl",))


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "torch_cpu.lock.txt"
    path.write_text(f"# python: 3.11\n{PIN} \\\n    --hash=sha256:00\ntorchvision===1.0\n")
    return path


@pytest.fixture
def wheelhouse(tmp_path: Path) -> Path:
    wheels.wheel(tmp_path / "wheelhouse", "torch", "9.9.0+cpu")
    return tmp_path / "wheelhouse"


def test_cpu_build_from_pips_find_links(
    lock: Path, wheelhouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheelhouse))
    assert torch_build.choose("auto", tmp_path / "kept.json", lock) == "cpu"
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert str(wheelhouse) in said
    choice = torch_build.read(tmp_path / "kept.json")
    assert choice is not None
    assert choice.find_links == [str(wheelhouse)]


def test_find_links_come_from_pips_configuration_file_too(
    wheelhouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "pip.conf"
    config.write_text(
        f"[global]\nfind-links =\n    {wheelhouse}\n    https://wheels.example/page.html\n    /not/there\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    assert {str(wheelhouse), "https://wheels.example/page.html"} <= set(torch_build.find_links())
    assert "/not/there" not in torch_build.find_links()


def test_another_version_in_find_links_is_not_it(lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheels.wheel(tmp_path / "other", "torch", "9.8.0+cpu")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "other"))
    assert torch_build.choose("auto", tmp_path / "kept.json", lock) == "cuda"


def test_pypis_build_where_nothing_else_can_be_had(lock: Path, tmp_path: Path) -> None:
    assert torch_build.choose("auto", tmp_path / "kept.json", lock) == "cuda"
    choice = torch_build.read(tmp_path / "kept.json")
    assert choice is not None
    assert "cannot be reached" in choice.reason


def test_cpu_by_name_fails_readably_where_it_cannot_be_had(lock: Path, tmp_path: Path) -> None:
    with pytest.raises(torch_build.Unavailable, match="PIP_FIND_LINKS"):
        torch_build.choose("cpu", tmp_path / "kept.json", lock)
    assert not (tmp_path / "kept.json").exists()


def test_a_gpu_decides_unless_the_config_does(
    lock: Path, wheelhouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "nvidiactl").touch()
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheelhouse))
    assert torch_build.choose("auto", tmp_path / "kept.json", lock) == "cuda"
    assert torch_build.choose("cpu", tmp_path / "kept.json", lock) == "cpu"
    assert torch_build.choose("cuda", tmp_path / "kept.json", lock) == "cuda"


def test_the_choice_stays_and_is_read_quickly(
    lock: Path, wheelhouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept.json"
    assert torch_build.choose("auto", kept, lock) == "cuda"
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheelhouse))  # what it would choose now is another
    capsys.readouterr()
    start = time.monotonic()
    assert torch_build.choose("auto", kept, lock) == "cuda"
    assert time.monotonic() - start < 0.05
    assert capsys.readouterr().err == ""
    kept.unlink()
    assert torch_build.choose("auto", kept, lock) == "cpu"


@pytest.mark.parametrize("content", ["", "{}", '{"wanted": "auto"', "[]"])
def test_a_broken_file_is_made_anew(content: str, lock: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text(content)
    assert torch_build.choose("auto", kept, lock) == "cuda"
    assert json.loads(kept.read_text())["build"] == "cuda"


def test_a_new_pin_is_looked_for_anew(
    lock: Path, wheelhouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheelhouse))
    assert torch_build.choose("auto", tmp_path / "kept.json", lock) == "cpu"
    lock.write_text(lock.read_text().replace(PIN, "torch==9.9.1+cpu"))
    assert torch_build.choose("auto", tmp_path / "kept.json", lock) == "cuda"


def test_an_unknown_word_is_refused(lock: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="auto, cpu, cuda"):
        torch_build.choose("rocm", tmp_path / "kept.json", lock)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """A package index laid out as PyTorch's is, on this machine: torch, and another package in another build."""
    root = tmp_path / "index"
    for name, version in (("torch", "9.9.0+cpu"), ("assay_small", "1.0+cpu")):
        folder = root / "whl" / "cpu" / name.replace("_", "-")
        file = wheels.wheel(folder, name, version).name
        (folder / "index.html").write_text(f"<!DOCTYPE html><html><body><a href='{file}'>{file}</a></body></html>")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(root))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/whl/cpu"
    server.shutdown()


def test_pytorchs_page_serves_torch_and_nothing_else(
    index: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UV_OFFLINE")
    answer = subprocess.run(
        [sys.executable, "-m", "uv", "pip", "compile", "-q", "--no-deps", "--emit-index-annotation", "-"],
        input=PIN, env={**os.environ, "UV_DEFAULT_INDEX": index}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    page = torch_build.page(answer)
    assert page == f"{index}/torch/"
    own = wheels.wheel(tmp_path / "own", "assay_small", "1.0")
    lock = wheels.lock(tmp_path / "x.lock.txt", own, tmp_path / "index/whl/cpu/torch/torch-9.9.0+cpu-py3-none-any.whl")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "own"))
    made = environment.make("x", lock, tmp_path / "cache", [page])
    assert made["packages"] == {"assay-small": "1.0", "torch": "9.9.0+cpu"}
