"""Entries of the store: verified when read, atomic when written, safe beside readers, writers and prunes.

STORE/entries/KEY[:2]/KEY/manifest.json   what it depended on, what it cost, what it holds; sealed by its own hash
STORE/entries/KEY[:2]/KEY/files/...
STORE/staging/                            being written or removed: never read
STORE/locks/KEY.lock                      held by who makes an entry, so that others wait for it
"""

import contextlib
import datetime
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from scripts.core.store import locks

SCHEMA = 1
MANIFEST = "manifest.json"
TRIES = 9
"""How often an entry is looked at anew that others change meanwhile. Then it counts as missing."""
FILES = "files"
CHUNK = 1 << 20

Values = dict[str, Any]


def canonical(values: Any) -> str:
    """One text for equal values, whatever their order."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"))


def key_of(ingredients: Values) -> str:
    """The key of what an entry depends on: 64 hex digits."""
    return hashlib.sha256(canonical(ingredients).encode()).hexdigest()


def _seal(manifest: Values) -> str:
    return hashlib.sha256(canonical({k: v for k, v in manifest.items() if k != "seal"}).encode()).hexdigest()


class Damaged(Exception):
    """An entry is not what was written; the message says where."""


@dataclass(frozen=True)
class Store:
    """The store in the folder `root`. say: tells a person what went wrong, in one line.

    Nothing here raises for what befalls a store: an entry that cannot be read is missing, one that cannot be written
    is not kept, and both are said.
    """

    root: Path
    say: Callable[[str], None]

    def folder(self, key: str) -> Path:
        """Where the entry of a key lies."""
        return self.root / "entries" / key[:2] / key

    def making(self, key: str) -> AbstractContextManager[bool]:
        """Hold the right to make an entry; waits while another makes the same."""
        return locks.held(_made(self.root / "locks") / f"{key}.lock")

    def fetch(self, ingredients: Values, into: Path) -> Values | None:
        """Copy the files of the entry for these ingredients to the new folder `into`; its manifest. None: a miss.

        A damaged entry is said, dropped, and missing; `into` is then gone again. Raises OSError where `into` cannot be
        written.
        """
        key = key_of(ingredients)
        folder = self.folder(key)
        for _ in range(TRIES):
            seen = _identity(folder / MANIFEST)
            try:
                return self._read(folder, into)
            except FileNotFoundError as error:
                wrong = f"{Path(str(error.filename)).name} is gone"
            except Damaged as error:
                wrong = str(error)
            shutil.rmtree(into, ignore_errors=True)
            is_here = folder.exists()  # asked first: an entry comes and goes as a whole
            if _identity(folder / MANIFEST) != seen:
                continue  # others made, replaced or dropped it meanwhile
            if is_here:
                self._bad(key, wrong)
            return None
        return None

    def _read(self, folder: Path, into: Path) -> Values:
        with locks.reading(folder / MANIFEST):
            manifest = read_manifest(folder)
            copy_verified(manifest, folder, into)
            with contextlib.suppress(OSError):  # when it was used last; a read-only store does not know
                os.utime(folder / MANIFEST)
            return manifest

    def _bad(self, key: str, what: str) -> None:
        self.say(f"store: entry {key[:12]} is damaged ({what}): dropped, and made again")
        self.drop(key)

    def keep(self, ingredients: Values, files: Path, record: Values, replace: bool = False) -> bool:
        """Keep the files below `files` and what a record says of them; whether they are kept now.

        replace: in the place of an entry that is there. Otherwise that one stays, being the same.
        """
        key = key_of(ingredients)
        if not replace and (self.folder(key) / MANIFEST).exists():
            return True
        try:
            with self.staged(key) as staging:
                self._write(staging, key, ingredients, files, record)
                if replace:
                    self.drop(key)
                self.adopt(staging, key)
        except OSError as error:
            self.say(f"store: {key[:12]} could not be kept in {self.root} ({error.strerror}): going on without")
            return False
        return True

    def _write(self, staging: Path, key: str, ingredients: Values, files: Path, record: Values) -> None:
        listed = {}
        for source in sorted(path for path in files.rglob("*") if path.is_file()):
            name = source.relative_to(files).as_posix()
            listed[name] = _copy(source, staging / FILES / name, durable=True)
        manifest = {
            "schema": SCHEMA, "key": key, "ingredients": ingredients, "files": listed, "record": record,
            "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }  # fmt: skip
        write_durable(staging / MANIFEST, json.dumps(manifest | {"seal": _seal(manifest)}, indent=1, sort_keys=True))

    @contextlib.contextmanager
    def staged(self, name: str) -> Iterator[Path]:
        """A new folder to write in; gone at the end unless it was renamed. Its lock says that its writer lives."""
        staging = _made(self.root / "staging") / f"{name[:12]}.{uuid.uuid4().hex[:12]}"
        with locks.held(staging.with_name(staging.name + ".lock")):
            try:
                staging.mkdir(mode=0o700)
                yield staging
            finally:
                shutil.rmtree(staging, ignore_errors=True)

    def adopt(self, folder: Path, key: str) -> bool:
        """Put a whole entry that lies in `folder`, on the store's own disk, in its place; False if one is there."""
        _made(self.folder(key).parent)
        with contextlib.suppress(FileExistsError):
            _rename(folder, self.folder(key))
            _sync(self.folder(key).parent)
            return True
        return False

    def drop(self, key: str) -> bool:
        """Remove an entry: out of sight at once, then its bytes. Whether it is gone."""
        try:
            with self.staged(key) as staging, contextlib.suppress(FileNotFoundError):
                _rename(self.folder(key), staging / "dropped")
        except OSError as error:
            self.say(f"store: {key[:12]} could not be removed ({error.strerror})")
            return False
        return True

    def every_key(self) -> list[str]:
        """Keys of all entries, sorted."""
        return sorted(path.name for path in self.root.glob("entries/??/*") if path.is_dir())


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file lies at `path`; None for none."""
    with contextlib.suppress(FileNotFoundError):
        found = path.stat()
        return found.st_dev, found.st_ino
    return None


def read_manifest(folder: Path) -> Values:
    """The manifest of an entry. Raises Damaged if it is not the one that was written, FileNotFoundError."""
    try:
        manifest: Values = json.loads((folder / MANIFEST).read_bytes())
        whole = manifest["seal"] == _seal(manifest) and manifest["key"] == key_of(manifest["ingredients"])
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{MANIFEST} cannot be read") from error
    if not whole or manifest["key"] != folder.name or manifest["schema"] != SCHEMA:
        raise Damaged(f"{MANIFEST} is not the one that was written")
    return manifest


def copy_verified(manifest: Values, folder: Path, into: Path) -> None:
    """Copy an entry's files to `into`, verified on the way. Raises Damaged, OSError."""
    into.mkdir(parents=True, exist_ok=True)
    for name, known in manifest["files"].items():
        if _copy(folder / FILES / name, into / name) != known:
            raise Damaged(f"{name} is not what was written")


def verify(folder: Path) -> int:
    """Read an entry whole; its bytes. Raises Damaged, OSError."""
    manifest = read_manifest(folder)
    for name, known in manifest["files"].items():
        path = folder / FILES / name
        with path.open("rb") as stream:
            found = {"sha256": hashlib.file_digest(stream, "sha256").hexdigest(), "bytes": path.stat().st_size}
        if found != known:
            raise Damaged(f"{name} is not what was written")
    return size_of(manifest)


def size_of(manifest: Values) -> int:
    """Bytes of an entry's files."""
    return sum(file["bytes"] for file in manifest["files"].values())


def write_durable(path: Path, text: str) -> None:
    """Write a file of the user's own and see it on the disk."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _copy(source: Path, target: Path, durable: bool = False) -> Values:
    """Copy one file and hash what is copied: {"sha256", "bytes"}. durable: see it on the disk, for this user alone."""
    with source.open("rb") as reader:
        return write_stream(reader, target, durable)


def write_stream(reader: IO[bytes], target: Path, durable: bool = True) -> Values:
    """Write a stream to a file and hash it: {"sha256", "bytes"}. durable: see it on the disk, for this user alone."""
    if durable:
        _made(target.parent)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if durable else 0o666)
    with open(descriptor, "wb") as writer:
        while chunk := _read(reader):
            digest.update(chunk)
            size += writer.write(chunk)
        if durable:
            writer.flush()
            os.fsync(writer.fileno())
    return {"sha256": digest.hexdigest(), "bytes": size}


def _read(stream: IO[bytes]) -> bytes:
    try:
        return stream.read(CHUNK)
    except OSError as error:
        raise Damaged(f"it cannot be read: {error.strerror}") from error


def _rename(source: Path, target: Path) -> None:
    """Rename a folder. Raises FileExistsError where there is one already."""
    try:
        source.rename(target)
    except OSError as error:
        if target.exists():
            raise FileExistsError(*error.args) from error
        raise


def _made(folder: Path) -> Path:
    """The folder, made if it can be; who writes to it will say if not."""
    if not folder.parent.exists():
        _made(folder.parent)  # one by one: `parents=True` would leave those open to others
    with contextlib.suppress(OSError):
        folder.mkdir(exist_ok=True, mode=0o700)
    return folder


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
