"""Photos folders and CSVs: what is read, in which order, and what is said of mistakes."""

import hashlib
from pathlib import Path

import pytest

from scripts.core.verb import Mistake
from scripts.models import photos

ROOT = Path(__file__).resolve().parents[2]


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def test_the_photos_that_come_along() -> None:
    listed = photos.read(ROOT / "data" / "photos")
    splits = [photo.split for photo in listed]
    assert (splits.count("validation"), splits.count("calibration")) == (59, 147)
    assert splits == ["validation"] * 59 + ["calibration"] * 147
    assert all(photo.imagenet_classes for photo in listed[:59])
    several = next(photo for photo in listed if len(photo.right(1000)) > 1)
    assert several.right(10) == []  # ImageNet's classes say nothing about a network with 10


def test_a_folder_without_classes_is_shared_between_the_splits(tmp_path: Path) -> None:
    write(tmp_path, "b.png", "a.jpg", "c.JPEG", "d.webp", "notes.txt")
    listed = photos.read(tmp_path)
    assert [(photo.file, photo.split) for photo in listed] == [
        ("a.jpg", "validation"),
        ("c.JPEG", "validation"),
        ("b.png", "calibration"),
        ("d.webp", "calibration"),
    ]


def test_subfolders_say_the_split(tmp_path: Path) -> None:
    write(tmp_path, "labelled/x.jpg", "calibration/a.jpg")
    assert [(p.file, p.split) for p in photos.read(tmp_path)] == [
        ("labelled/x.jpg", "validation"),
        ("calibration/a.jpg", "calibration"),
    ]


def test_where_all_have_a_class_every_fifth_calibrates(tmp_path: Path) -> None:
    write(tmp_path, *(f"{n}.jpg" for n in range(10)))
    (tmp_path / "photos.csv").write_text("file,classes\n" + "".join(f"{n}.jpg,{n}\n" for n in range(10)))
    listed = photos.read(tmp_path)
    assert [photo.file for photo in listed if photo.split == "calibration"] == ["4.jpg", "9.jpg"]
    assert [photo.split for photo in listed] == ["validation"] * 8 + ["calibration"] * 2


def test_somebody_must_be_left_to_validate_on(tmp_path: Path) -> None:
    write(tmp_path, "calibration/a.jpg", "calibration/b.jpg")
    with pytest.raises(Mistake, match="none is left to validate on; put some into a folder named labelled"):
        photos.read(tmp_path)


@pytest.mark.parametrize(("count", "calibrating"), [(1, []), (2, ["1.jpg"]), (4, ["3.jpg"]), (7, ["4.jpg"])])
def test_a_few_photos_with_classes(tmp_path: Path, count: int, calibrating: list[str]) -> None:
    write(tmp_path, *(f"{n}.jpg" for n in range(count)))
    (tmp_path / "photos.csv").write_text("file,classes\n" + "".join(f"{n}.jpg,{n}\n" for n in range(count)))
    listed = photos.read(tmp_path)
    assert [photo.file for photo in listed if photo.split == "calibration"] == calibrating


def test_a_csv_of_ones_own(tmp_path: Path) -> None:
    write(tmp_path, "one.jpg", "two.jpg")
    table = tmp_path / "mine.csv"
    digest = hashlib.sha256(b"one.jpg").hexdigest()
    table.write_text(f"file,classes,sha256\ntwo.jpg,,\none.jpg,3 4,{digest}\n")
    one, two = photos.read(table)
    assert (one.file, one.right(10), one.split) == ("one.jpg", [3, 4], "validation")
    assert (two.file, two.right(10), two.split) == ("two.jpg", [], "calibration")
    with pytest.raises(Mistake, match="class 4, but the network has 4 outputs"):
        one.right(4)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("name\none.jpg\n", "has no column `file`; its columns are name"),
        ("file\ngone.jpg\n", r"cannot read .*gone.jpg \(No such file"),
        ("file,classes\none.jpg,cat\n", "are 'cat'; write indexes"),
        ("file,sha256\none.jpg,00ff\n", "has changed: its sha256 is .*, the CSV says 00ff"),
        ("file\n", "holds no images"),
    ],
)
def test_mistakes_in_a_csv(tmp_path: Path, table: str, said: str) -> None:
    write(tmp_path, "one.jpg")
    (tmp_path / "photos.csv").write_text(table)
    with pytest.raises(Mistake, match=said):
        photos.read(tmp_path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Mistake, match="nowhere does not exist"):
        photos.read(tmp_path / "nowhere")
