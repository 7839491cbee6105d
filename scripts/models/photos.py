"""Photos for validation and calibration: a folder of images, or a CSV that lists them.

The CSV has a column `file` (relative to the CSV's folder) and may have `classes` (indexes of the model's own
classes), `imagenet_classes` (used for models with 1000 classes), `names` (the classes in words) and `sha256`.
Several right classes of one photo are separated by spaces. A folder that holds `photos.csv` is read through it.
A folder of classes (see `class_folders`) is labelled for networks with as many classes: test/ validates, and of
train/ photos spread evenly, at most MOST_CALIBRATING, are for calibration.

Which photo is for what: below `labelled/` validation, below `calibration/` calibration; elsewhere photos with a
class are for validation and the others for calibration; without any class every second photo is for calibration.
Where that leaves none for calibration, every fifth is taken for it, and for validation no more.
Standard library only.
"""

import csv
import hashlib
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Tuple

from scripts.core.verb import Mistake
from scripts.models import class_folders
from scripts.models.class_folders import SUFFIXES

VALIDATION, CALIBRATION = "validation", "calibration"
IMAGENET_CLASSES = 1000
MOST_CALIBRATING = 500
"""Of a folder of classes: all of train/ would be run and kept, where calibration takes some."""


class Photo(NamedTuple):
    """One photo. `file` is relative to the photos folder, with forward slashes; class lists may be empty.

    outputs: the number of classes that `classes` are out of; 0 where that is not known.
    """

    file: str
    path: Path
    classes: Tuple[int, ...]
    imagenet_classes: Tuple[int, ...]
    names: str
    split: str
    sha256: str
    outputs: int = 0

    def right(self, outputs: int) -> List[int]:
        """The classes that count as right for a network with `outputs` classes; [] where none is known."""
        if self.outputs and self.outputs != outputs:
            return []
        if self.classes:
            wrong = [index for index in self.classes if index >= outputs]
            if wrong:
                raise Mistake("%s has class %d, but the network has %d outputs" % (self.path, wrong[0], outputs))
            return list(self.classes)
        return list(self.imagenet_classes) if outputs == IMAGENET_CLASSES else []


def read(source: Path) -> List[Photo]:
    """The photos of a folder or a CSV: validation first, then calibration, each in the order listed.

    Raises `Mistake` for a missing or changed file, a class that is no number, or nothing to read.
    """
    source = Path(source)
    if source.is_dir() and (source / "photos.csv").is_file():
        source = source / "photos.csv"
    if source.is_dir() and class_folders.is_one(source):
        train, photos = of_classes(source)
        step = max(1, -(-len(train) // MOST_CALIBRATING))
        photos += train[::step]
    elif source.is_dir():
        photos = _of_folder(source)
    elif source.is_file():
        photos = _of_csv(source)
    else:
        raise Mistake("photos: %s does not exist; name a folder of images or a CSV" % source)
    if not photos:
        raise Mistake("photos: %s holds no images (%s)" % (source, ", ".join(sorted(SUFFIXES))))
    if not any(photo.classes or photo.imagenet_classes for photo in photos):
        photos = _alternate(photos)
    if all(photo.split == VALIDATION for photo in photos):
        photos = _with_calibration(photos)
    if all(photo.split == CALIBRATION for photo in photos):
        raise Mistake("photos: in %s none is left to validate on; put some into a folder named labelled" % source)
    return sorted(photos, key=lambda photo: photo.split != VALIDATION)


def record(photo: Photo, outputs: int) -> Dict[str, Any]:
    """What `photos.json` says of one photo, for a network with `outputs` classes."""
    return {
        "file": photo.file,
        "classes": photo.right(outputs),
        "names": photo.names,
        "split": photo.split,
        "sha256": photo.sha256,
    }


def of_classes(folder: Path) -> Tuple[List[Photo], List[Photo]]:
    """All photos of a folder of classes: those of train/, which are for calibration, and those of test/.

    Raises `Mistake` for a folder of another layout, and where a photo is in both parts.
    """
    try:
        classes, *parts = class_folders.listed(folder)
    except Mistake as mistake:
        raise Mistake("photos: %s" % mistake) from None
    train, test = (
        [
            _photo(folder, name, {"classes": str(index), "names": classes[index]})._replace(
                split=split, outputs=len(classes)
            )
            for name, index in part
        ]
        for part, split in zip(parts, (CALIBRATION, VALIDATION))
    )
    trained = {photo.sha256: photo for photo in train}
    both = ["%s (%s)" % (photo.file, trained[photo.sha256].file) for photo in test if photo.sha256 in trained]
    if both:
        raise Mistake(
            "photos: in %s %d of the photos in test/ are in train/ too, such as %s: they could not judge what was "
            "trained on them; take them out of one or the other" % (folder, len(both), both[0])
        )
    return train, test


def _of_folder(folder: Path) -> List[Photo]:
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    return [_photo(folder, path.relative_to(folder).as_posix(), {}) for path in files]


def _of_csv(table: Path) -> List[Photo]:
    try:
        with open(str(table), newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
    except UnicodeDecodeError:
        raise Mistake("photos: %s is not a CSV in UTF-8" % table) from None
    if rows and "file" not in rows[0]:
        raise Mistake("photos: %s has no column `file`; its columns are %s" % (table, ", ".join(map(str, rows[0]))))
    return [_photo(table.parent, row["file"], row) for row in rows]


def _photo(folder: Path, name: str, row: Dict[str, str]) -> Photo:
    path = folder / name
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise Mistake("photos: cannot read %s (%s)" % (path, error.strerror)) from None
    expected = (row.get("sha256") or "").strip().lower()
    if expected and expected != digest:
        raise Mistake("photos: %s has changed: its sha256 is %s, the CSV says %s" % (path, digest, expected))
    classes = _indexes(row.get("classes"), path)
    imagenet = _indexes(row.get("imagenet_classes"), path)
    split = _split(name, bool(classes or imagenet))
    return Photo(Path(name).as_posix(), path, classes, imagenet, (row.get("names") or "").strip(), split, digest)


def _indexes(text: Any, path: Path) -> Tuple[int, ...]:
    words = (text or "").replace(";", " ").split()
    if not all(word.isdigit() for word in words):
        raise Mistake("photos: the classes of %s are %r; write indexes separated by spaces, such as 7 8" % (path, text))
    return tuple(int(word) for word in words)


def _split(name: str, labelled: bool) -> str:
    folders = Path(name).parts[:-1]
    if "calibration" in folders:
        return CALIBRATION
    return VALIDATION if labelled or "labelled" in folders else CALIBRATION


def _with_calibration(photos: List[Photo]) -> List[Photo]:
    """Every fifth photo for calibration, or the last of fewer; a single one stays."""
    taken = range(4, len(photos), 5) if len(photos) > 4 else range(max(1, len(photos) - 1), len(photos))
    return [photo._replace(split=CALIBRATION) if i in taken else photo for i, photo in enumerate(photos)]


def _alternate(photos: List[Photo]) -> List[Photo]:
    """Share photos without any class or split folder between validation and calibration."""
    if any({"labelled", "calibration"} & set(Path(photo.file).parts[:-1]) for photo in photos):
        return photos
    return [p._replace(split=CALIBRATION if i % 2 else VALIDATION) for i, p in enumerate(photos)]
