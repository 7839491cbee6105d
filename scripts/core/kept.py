"""How stages use the store: what was made or measured before is served, what is made now is kept.

The config decides where the store lies and whether it is read (`store`, `fresh`); rules hand that on in the
environment. A store that may not be used is said once, by the Snakefile, and stages go on without it.
"""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from scripts.core.guard import say
from scripts.core.records import USABLE
from scripts.core.store import place
from scripts.core.store.entries import Store, key_of
from scripts.core.verb import write_json

FRESH_VARIABLE = "ASSAY_FRESH"
"""Set where nothing may be served: what is made replaces what was kept."""
RECORD, RAW = "record.json", "raw.npz"

Values = dict[str, Any]
Make = Callable[[], tuple[Values, Values]]
"""Makes an artifact's files; returns its record and its cost's, as plain values."""


def store() -> Store | None:
    """The store of this run; None where there is none that may be used."""
    root = place.chosen()
    return Store(root, say) if root is not None and place.objection(root) is None else None


def is_fresh() -> bool:
    """Whether nothing may be served."""
    return bool(os.environ.get(FRESH_VARIABLE))


def artifact(ingredients: Values, folder: Path, log: Path, make: Make) -> tuple[Values, Values]:
    """The records of an artifact and of its cost, whose files then lie in `folder`/files: served, or made and kept.

    While one process makes an entry, others that ask for it wait and are served.
    """
    kept, key = store(), key_of(ingredients)
    if kept is None:
        return make()
    if found := _served(kept, ingredients, folder, log):
        return found
    with kept.making(key):
        if found := _served(kept, ingredients, folder, log):
            return found
        artifact, build = make()
        build |= {"key": key, "ingredients": ingredients}
        if artifact["status"] in USABLE:
            kept.keep(ingredients, folder / "files", {"artifact": artifact, "build": build}, replace=is_fresh())
        return artifact, build


def _served(kept: Store, ingredients: Values, folder: Path, log: Path) -> tuple[Values, Values] | None:
    if is_fresh():
        return None
    partial = folder / f"files.{os.getpid()}.partial"
    manifest = kept.fetch(ingredients, partial)
    if manifest is None:
        return None
    partial.rename(folder / "files")
    artifact, build = manifest["record"]["artifact"], manifest["record"]["build"]
    log.write_text(
        f"Served from the store, entry {manifest['key']}: 0 compiles. "
        f"It took {build['wall_s']:g} s on {build['host']}, {build['date']}.\n"
    )
    return artifact, build | {"cache": "hit"}


@contextlib.contextmanager
def compiler_cache(ingredients: Values | None, folder: Path) -> Iterator[Path | None]:
    """A folder below `folder` that holds what a compiler kept for itself when it ran last; kept again if it changed.

    None where there is no store, or the compiler keeps nothing. Where two run at a time the last one's stays.
    """
    kept = store()
    if kept is None or ingredients is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="cache-", dir=folder, ignore_cleanup_errors=True) as scratch:
        cache = Path(scratch) / "cache"
        if is_fresh() or kept.fetch(ingredients, cache) is None:
            cache.mkdir()
        before = listing(cache)
        yield cache
        if listing(cache) != before:
            kept.keep(ingredients, cache, {}, replace=True)


def listing(folder: Path) -> list[tuple[str, int, int]]:
    """Name, size and time of every file below a folder."""
    found = [(path, path.stat()) for path in sorted(folder.rglob("*")) if path.is_file()]
    return [(path.relative_to(folder).as_posix(), about.st_size, about.st_mtime_ns) for path, about in found]


def answer(ingredients: Values, record: Path, log: Path, raw: Path | None = None) -> bool:
    """Answer a question from the store: its record, and its raw samples. Whether it was answered."""
    kept = store()
    if kept is None or is_fresh():
        return False
    with tempfile.TemporaryDirectory(prefix="answer-", dir=record.parent) as folder:
        manifest = kept.fetch(ingredients, Path(folder) / "files")
        if manifest is None:
            return False
        log.write_text(f"Answered from the store, entry {manifest['key']}: 0 samples taken.\n")
        if raw is not None:
            os.replace(Path(folder) / "files" / RAW, raw)
        values = json.loads((Path(folder) / "files" / RECORD).read_text())
        write_json(record, values | {"answered": manifest["key"]})
    return True


def keep_answer(ingredients: Values, record: Path, raw: Path | None = None) -> None:
    """Keep the answer to a question, if it is one."""
    kept, values = store(), json.loads(record.read_text())
    if kept is None or values["status"] not in USABLE:
        return
    with tempfile.TemporaryDirectory(prefix="answer-", dir=record.parent) as folder:
        shutil.copyfile(record, Path(folder) / RECORD)
        if raw is not None:
            shutil.copyfile(raw, Path(folder) / RAW)
        about = {name: values[name] for name in ("candidate", "trial", "session") if name in values}
        kept.keep(ingredients, Path(folder), about, replace=is_fresh())
