"""A folder of classes: train/CLASS/*.jpg to train on, test/CLASS/*.jpg to judge by.

The names of the folders below train/, sorted by code point, are the classes 0, 1, ...; a class may lack test photos.
Names that begin with a dot do not count. Standard library only: the config looks at such folders, too.
"""

from pathlib import Path
from typing import Dict, List, NamedTuple, Tuple

from scripts.core.verb import Mistake

TRAIN, TEST = "train", "test"
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif", ".ppm"}


class Listed(NamedTuple):
    """Names of the classes, and the photos of each part: (relative path with forward slashes, class)."""

    classes: List[str]
    train: List[Tuple[str, int]]
    test: List[Tuple[str, int]]


def is_one(folder: Path) -> bool:
    """Whether `folder` has this layout: train/ with folders in it, and test/."""
    return (folder / TEST).is_dir() and (folder / TRAIN).is_dir() and bool(_folders(folder / TRAIN))


def listed(folder: Path) -> Listed:
    """The classes and photos of `folder`. Nothing is read.

    Raises `Mistake` where a part is missing, a class is empty or only in test/, or there are fewer than two classes.
    """
    for part in (TRAIN, TEST):
        if not (folder / part).is_dir():
            raise Mistake(
                "%s has no folder %s/; a folder of classes holds train/CLASS/*.jpg and test/CLASS/*.jpg"
                % (folder, part)
            )
    classes = _folders(folder / TRAIN)
    if len(classes) < 2:
        has = "one class only (%s)" % classes[0] if classes else "no classes"
        raise Mistake("%s has %s; give each of two or more classes a folder in it" % (folder / TRAIN, has))
    strangers = sorted(set(_folders(folder / TEST)) - set(classes))
    if strangers:
        raise Mistake(
            "%s is a class without a folder in %s; put photos to train on there, or take it out"
            % (folder / TEST / strangers[0], folder / TRAIN)
        )
    indexes = {name: index for index, name in enumerate(classes)}
    train, test = (_photos(folder, part, indexes) for part in (TRAIN, TEST))
    if not test:
        raise Mistake("%s holds no photos; put some of each class there, to judge by" % (folder / TEST))
    return Listed(classes, train, test)


def _folders(where: Path) -> List[str]:
    return sorted(path.name for path in where.iterdir() if path.is_dir() and not path.name.startswith("."))


def _photos(folder: Path, part: str, indexes: Dict[str, int]) -> List[Tuple[str, int]]:
    found: List[Tuple[str, int]] = []
    for name in _folders(folder / part):
        files = sorted(path for path in (folder / part / name).rglob("*") if path.suffix.lower() in SUFFIXES)
        photos = [path.relative_to(folder).as_posix() for path in files if path.is_file()]
        if not photos:
            kinds = ", ".join(sorted(SUFFIXES))
            raise Mistake(
                "%s holds no photos (%s); put some there, or remove the folder" % (folder / part / name, kinds)
            )
        found += [(photo, indexes[name]) for photo in photos]
    return found
