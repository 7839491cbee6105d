"""What the parts of the config's schema share: strictness, lists without repetition, paths that exist."""

import csv
import lzma
import tarfile
from pathlib import Path
from typing import Annotated, TypeVar, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from scripts.core import verb
from scripts.core.config_errors import ALLOWED, raise_mistakes, shown
from scripts.models import class_folders
from scripts.models.class_folders import SUFFIXES

T = TypeVar("T")


class Part(BaseModel):
    """A mapping of the config: no unknown keys, no conversions ("8" is no 8, true is no 1)."""

    # defer_build: a part is built with the whole that holds it, not by itself before.
    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, hide_input_in_errors=True, defer_build=True
    )


def unique(values: list[T]) -> list[T]:
    """The list itself; a mistake for each item that was there before."""
    raise_mistakes(
        ((i,), f"{shown(value)} is there twice; name it once") for i, value in enumerate(values) if value in values[:i]
    )
    return values


def path_field(what: str) -> object:
    """Constraints of a path. Braces would be wildcards to Snakemake."""
    return Field(min_length=1, pattern=r"^[^{}\n]+$", json_schema_extra={ALLOWED: f"{what} (no braces)"})


def base_of(info: ValidationInfo) -> Path:
    """The folder that relative paths start from; `load` hands it on."""
    if info.context is None:
        raise RuntimeError("the config is made by scripts.core.config.load, which knows where paths start")
    base: Path = info.context["base"]
    return base


def _existing_file(text: str, info: ValidationInfo) -> str:
    if not (base_of(info) / text).is_file():
        raise_mistakes([((), f"there is no file {base_of(info) / text}; put it there, or correct the path")])
    return text


def _records(text: str, info: ValidationInfo) -> str:
    where = base_of(info) / text
    if not (where / "hosts").is_dir() and not (where.name.endswith(".tar.xz") and _begins_with_records(where)):
        raise_mistakes(
            [
                (
                    (),
                    f"{where} holds no host's records; give an archive of `make records`, or a folder of artifacts",
                )
            ]
        )
    return text


def _begins_with_records(path: Path) -> bool:
    """Whether a file is an archive whose first entry is a host's record. The rest is looked at when it is unpacked."""
    try:
        with tarfile.open(path) as archive:
            first = archive.next()
    except (OSError, tarfile.TarError, lzma.LZMAError, EOFError):
        return False
    return first is not None and first.name.startswith("hosts/")


Records = Annotated[str, path_field("an archive of `make records`, or a folder of artifacts"), AfterValidator(_records)]
ExistingFile = Annotated[str, path_field("a file that exists"), AfterValidator(_existing_file)]


def found(info: ValidationInfo, source: str) -> list[str]:
    """The files of a photos folder or CSV, looked for once; the context keeps them. Raises mistakes."""
    base, kept = base_of(info), cast(dict[str, list[str]], info.context["files"])  # type: ignore[index]
    if source not in kept:
        kept[source] = photo_files(base, source)
    return kept[source]


def photo_files(base: Path, source: str) -> list[str]:
    """The files that a photos folder or CSV stands for, the CSV included, as paths that start like `source`.

    They are looked at, not read. Raises mistakes for a source or a listed photo that is missing.
    """
    where = Path(source)
    if (base / where).is_dir() and (base / where / "photos.csv").is_file():
        where = where / "photos.csv"
    if (base / where).is_file():
        return [where.as_posix(), *_listed(base, where)]
    if not (base / where).is_dir():
        raise_mistakes([((), f"there is no {base / source}; name a folder of photos or a CSV that lists them")])
    if class_folders.is_one(base / where):
        return classes_in(base, source)
    found = sorted(p for p in (base / where).rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not found:
        raise_mistakes([((), f"{source} holds no photos; the kinds that count are {', '.join(sorted(SUFFIXES))}")])
    return [(where / p.relative_to(base / where)).as_posix() for p in found]


def classes_in(base: Path, source: str) -> list[str]:
    """The photos of a folder of classes, as paths that start like `source`. Raises a mistake for another layout."""
    try:
        parts = class_folders.listed(base / source)
    except verb.Mistake as mistake:
        raise_mistakes([((), str(mistake))])
    return [(Path(source) / name).as_posix() for name, _ in [*parts.train, *parts.test]]


def _listed(base: Path, table: Path) -> list[str]:
    """The photos that a CSV lists, all of them there."""
    try:
        with (base / table).open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
    except (UnicodeDecodeError, csv.Error):
        raise_mistakes([((), f"{table} is no CSV in UTF-8; name a folder of photos or a CSV that lists them")])
    if not rows or "file" not in rows[0]:
        raise_mistakes(
            [((), f"{table} lists no photos; give it a column `file` with a path from its folder in each row")]
        )
    files = [(table.parent / (row["file"] or "?")).as_posix() for row in rows]
    missing = [file for file in files if not (base / file).is_file()]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise_mistakes(
            [((), f"{table} lists {missing[0]}{more}, which is not there; put it there or take it off the list")]
        )
    return files
