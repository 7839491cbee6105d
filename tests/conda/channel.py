"""Make a tiny conda channel on disk: `python`, which wraps the interpreter that runs this, and `pip`. No network.

The `python` package holds links to the base interpreter and a pyvenv.cfg, so that a prefix made from it is a virtual
environment that conda's metadata describe. `pip` comes from the wheel that ensurepip bundles.
"""

from __future__ import annotations

import ensurepip
import hashlib
import io
import json
import os
import platform
import sys
import tarfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SUBDIRS = ("linux-64", "noarch")


@dataclass(frozen=True)
class Package:
    """A conda package to be: files {path: bytes} and symbolic links {path: target}."""

    name: str
    version: str
    build: str
    subdir: str
    depends: list[str] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    link_json: dict[str, Any] | None = None

    @property
    def filename(self) -> str:
        return f"{self.name}-{self.version}-{self.build}.tar.bz2"

    def index(self) -> dict[str, Any]:
        """What repodata.json and info/index.json say of it."""
        where = {"noarch": "python"} if self.subdir == "noarch" else {"arch": "x86_64", "platform": "linux"}
        return {
            "name": self.name, "version": self.version, "build": self.build, "build_number": 0,
            "depends": self.depends, "subdir": self.subdir, "license": "see upstream", "timestamp": 0, **where,
        }  # fmt: skip

    def archive(self) -> bytes:
        """The package as a .tar.bz2."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:bz2", compresslevel=1) as archive:
            for path, value in self._info().items():
                _add(archive, path, value)
            for path, value in sorted(self.files.items()):
                _add(archive, path, value)
            for path, target in sorted(self.links.items()):
                member = tarfile.TarInfo(path)
                member.type, member.linkname = tarfile.SYMTYPE, target
                archive.addfile(member)
        return buffer.getvalue()

    def _info(self) -> dict[str, bytes]:
        paths = [
            {"_path": path, "path_type": "hardlink", "sha256": _sha256(value), "size_in_bytes": len(value)}
            for path, value in sorted(self.files.items())
        ]
        paths += [
            {"_path": path, "path_type": "softlink", "sha256": _sha256(b""), "size_in_bytes": 0}
            for path in sorted(self.links)
        ]
        documents: dict[str, Any] = {"info/index.json": self.index()}
        documents["info/paths.json"] = {"paths": paths, "paths_version": 1}
        documents["info/about.json"] = {"summary": f"local stand-in for {self.name}"}
        if self.link_json:
            documents["info/link.json"] = self.link_json
        info = {path: json.dumps(value, indent=1).encode() for path, value in documents.items()}
        info["info/files"] = "".join(f"{path}\n" for path in sorted([*self.files, *self.links])).encode()
        return info


def _add(archive: tarfile.TarFile, path: str, value: bytes) -> None:
    member = tarfile.TarInfo(path)
    member.size = len(value)
    archive.addfile(member, io.BytesIO(value))


def _sha256(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()


def python_package() -> Package:
    """`python`, of this interpreter's version."""
    short = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base = os.path.realpath(Path(sys.base_prefix) / "bin" / short)
    config = (
        f"home = {os.path.dirname(base)}\ninclude-system-site-packages = false\n"
        f"version = {platform.python_version()}\nexecutable = {base}\n"
    )
    readme = f"lib/{short}/site-packages/README.txt"  # so that the folder exists
    return Package(
        "python", platform.python_version(), "0_wrap", "linux-64",
        files={"pyvenv.cfg": config.encode(), readme: b"site-packages of a wrapped interpreter\n"},
        links={f"bin/{short}": base, "bin/python3": short, "bin/python": short},
    )  # fmt: skip


def pip_package() -> Package:
    """`pip`, of the version that ensurepip bundles."""
    (wheel,) = (Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith(("/", "/RECORD"))]
        files = {f"site-packages/{name}": archive.read(name) for name in names}
    entry_points = ["pip = pip._internal.cli.main:main", "pip3 = pip._internal.cli.main:main"]
    return Package(
        "pip", wheel.name.split("-")[1], "py_0", "noarch", depends=["python >=3.7"], files=files,
        link_json={"package_metadata_version": 1, "noarch": {"type": "python", "entry_points": entry_points}},
    )  # fmt: skip


def make(folder: Path) -> None:
    """Write the channel `folder`, such as .../conda-forge, with both packages."""
    for subdir in SUBDIRS:
        (folder / subdir).mkdir(parents=True, exist_ok=True)
    records: dict[str, dict[str, Any]] = {subdir: {} for subdir in SUBDIRS}
    for package in (python_package(), pip_package()):
        archive = package.archive()
        (folder / package.subdir / package.filename).write_bytes(archive)
        sums = {"md5": hashlib.md5(archive).hexdigest(), "sha256": _sha256(archive), "size": len(archive)}
        records[package.subdir][package.filename] = package.index() | sums
    for subdir in SUBDIRS:
        document = {"info": {"subdir": subdir}, "packages": records[subdir], "packages.conda": {}, "removed": []}
        (folder / subdir / "repodata.json").write_text(json.dumps({**document, "repodata_version": 1}, indent=1))
