"""Looking after the store: what is in it, whether it is whole, what to remove, and moving entries between machines."""

import contextlib
import datetime
import io
import json
import os
import shutil
import tarfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from scripts.core.store import entries, locks
from scripts.core.store.entries import FILES, MANIFEST, Damaged, Store

DAY_S = 86400.0

Values = dict[str, Any]


class Mistake(SystemExit):
    """Asked for what cannot be; the message says why."""


@dataclass(frozen=True)
class Listed:
    """An entry as `list` shows it."""

    key: str
    what: str
    bytes: int
    used: datetime.datetime
    cost_s: float | None


def of_prefix(store: Store, prefix: str) -> str:
    """The one key that begins with `prefix`. Raises Mistake if there is none, or more."""
    found = [key for key in store.every_key() if key.startswith(prefix)]
    if len(found) != 1:
        raise Mistake(f"{len(found) or 'no'} keys begin with {prefix}; `list` shows them all")
    return found[0]


def manifest_of(store: Store, prefix: str) -> Values:
    """The manifest of the entry whose key begins with `prefix`. Raises Mistake."""
    key = of_prefix(store, prefix)
    try:
        return entries.read_manifest(store.folder(key))
    except (Damaged, OSError) as error:
        raise Mistake(f"entry {key[:12]} is damaged: {error}; `verify` drops it") from None


def what(manifest: Values) -> str:
    """What an entry is, in a few words."""
    on = manifest["ingredients"]
    if on["stage"] == "cache":
        return f"what {on['name']} keeps for itself"
    if on["stage"] == "artifact":
        options = on["options"]
        shape = f"b{options['batch']}" if options.get("batch") else "any batch"
        return " ".join([on["verb"].removeprefix("scripts."), options.get("precision", ""), shape])
    asked = on["options"]
    trial = f", trial {on['trial']}" if "trial" in on else ""
    return f"{on['stage']} of {asked.get('runtime')} {asked.get('precision')} b{asked.get('batch')}{trial}"


def listed(store: Store) -> Iterator[Listed]:
    """Every entry that can be read, by key."""
    for key in store.every_key():
        folder = store.folder(key)
        with contextlib.suppress(Damaged, OSError):
            manifest = entries.read_manifest(folder)
            used = datetime.datetime.fromtimestamp((folder / MANIFEST).stat().st_mtime, datetime.UTC)
            cost = manifest["record"].get("build", {}).get("wall_s")
            yield Listed(key, what(manifest), entries.size_of(manifest), used, cost)


@dataclass(frozen=True)
class Verified:
    """What `verify` found: entries and bytes that are whole, keys of damaged ones, seconds."""

    entries: int
    bytes: int
    damaged: list[str]
    seconds: float


def verify(store: Store) -> Verified:
    """Read every entry whole; drop what is damaged, and say so."""
    start, good, size, damaged = time.monotonic(), 0, 0, []
    for key in store.every_key():
        try:
            with locks.reading(store.folder(key) / MANIFEST):
                size += entries.verify(store.folder(key))
            good += 1
        except (Damaged, OSError) as error:
            if store.folder(key).exists():
                store.say(f"store: entry {key[:12]} is damaged ({error}): dropped")
                store.drop(key)
                damaged.append(key)
    return Verified(good, size, damaged, time.monotonic() - start)


def prune(store: Store, older_than_s: float) -> tuple[int, int]:
    """Remove what was not used for so long and is not in use, and what killed processes left behind.

    Returns how many entries, and how many leftovers.
    """
    before, removed = time.time() - older_than_s, 0
    for key in store.every_key():
        manifest = store.folder(key) / MANIFEST
        try:
            unused = manifest.stat().st_mtime < before
        except FileNotFoundError:  # a folder without one is no entry
            unused = True
        if unused and not locks.is_read(manifest):
            removed += store.drop(key)
    return removed, _sweep(store.root)


def _sweep(root: Path) -> int:
    """Remove lock files that nobody holds and unfinished folders whose writer is gone; how many."""
    removed = 0
    for folder in root.glob("staging/*"):
        if folder.suffix == ".lock":
            continue
        with locks.held(folder.with_name(folder.name + ".lock"), wait=False) as ours:
            if ours:
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    for lock in [*root.glob("locks/*.lock"), *root.glob("staging/*.lock")]:
        with locks.held(lock, wait=False) as ours:  # which removes it at the end
            removed += ours
    return removed


def export(store: Store, keys: Iterable[str], target: Path) -> int:
    """Write entries to a new tar file; how many."""
    count, partial = 0, target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        with tarfile.open(partial, "w") as archive:
            for key in keys:
                folder = store.folder(key)
                with locks.reading(folder / MANIFEST):
                    entries.verify(folder)
                    for path in [folder / MANIFEST, *sorted(p for p in (folder / FILES).rglob("*") if p.is_file())]:
                        archive.add(path, f"{key}/{path.relative_to(folder).as_posix()}", filter=_anonymous)
                count += 1
        partial.replace(target)
    except (Damaged, OSError) as error:
        raise Mistake(f"nothing was exported: {error}") from None
    finally:
        partial.unlink(missing_ok=True)
    return count


def _anonymous(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """A member of the archive without its owner."""
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def import_(store: Store, source: Path) -> tuple[int, int]:
    """Take the entries of an exported file, each verified; how many are new, how many were there. Raises Mistake."""
    new = known = 0
    try:
        with tarfile.open(source, "r:") as archive, store.staged("import") as staging:
            for key in _unpacked(archive, staging):
                entries.verify(staging / key)
                if store.adopt(staging / key, key):
                    new += 1
                else:
                    known += 1
    except (Damaged, OSError, tarfile.TarError) as error:
        raise Mistake(f"{source}: {error}; {new} entries were taken before") from None
    return new, known


def _unpacked(archive: tarfile.TarFile, into: Path) -> list[str]:
    """Unpack the plain files of an archive below `into`; the keys. Raises Damaged for what is none of an entry's."""
    keys = []
    for member in archive:
        parts = PurePosixPath(member.name).parts
        inside = len(parts) > 1 and ".." not in parts and not member.name.startswith("/")
        if not member.isfile() or not inside or (parts[1] not in (MANIFEST, FILES)):
            raise Damaged(f"{member.name} is no file of an entry")
        stream = archive.extractfile(member)
        assert stream is not None  # it is a file
        entries.write_stream(stream, into / Path(*parts))
        if parts[1] == MANIFEST:
            keys.append(parts[0])
    return keys


def shown(manifest: Values) -> str:
    """A manifest for people: what it depended on by name and value, what it holds and what it cost."""
    text = io.StringIO()
    for part in ("key", "created", "ingredients", "files", "record"):
        print(f"{part}:", json.dumps(manifest[part], indent=2, sort_keys=True), file=text)
    return text.getvalue()
