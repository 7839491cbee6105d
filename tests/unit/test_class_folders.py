"""Folders of classes: their layout, what is said of another one, and what their photos are for."""

from pathlib import Path

import pytest

from scripts.core.verb import Mistake
from scripts.models import class_folders, photos
from tests.checkout import ROOT

FIVE = ROOT / "data" / "five_classes"
NAMES = ("Zebra", "apple", "étoile filante", "рыба", "建築物")


def lay(folder: Path, *names: str) -> Path:
    """Files whose bytes are their names."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return folder


def test_classes_in_any_script_are_sorted_by_code_point(tmp_path: Path) -> None:
    lay(tmp_path, *(f"{part}/{name}/1.jpg" for part in ("train", "test") for name in reversed(NAMES)))
    assert class_folders.listed(tmp_path).classes == list(NAMES) == sorted(NAMES)
    train, test = photos.of_classes(tmp_path)
    assert [(photo.names, photo.classes) for photo in test] == [(name, (at,)) for at, name in enumerate(NAMES)]
    assert [photo.file for photo in train] == [f"train/{name}/1.jpg" for name in NAMES]


def test_test_validates_and_train_calibrates(tmp_path: Path) -> None:
    lay(tmp_path, "test/b/1.png", "train/a/1.jpg", "train/a/deeper/2.JPEG", "train/b/1.jpg", "train/.kept/1.jpg")
    read = photos.read(tmp_path)
    assert [(photo.file, photo.split, photo.right(2)) for photo in read] == [
        ("test/b/1.png", "validation", [1]),
        ("train/a/1.jpg", "calibration", [0]),
        ("train/a/deeper/2.JPEG", "calibration", [0]),
        ("train/b/1.jpg", "calibration", [1]),
    ]
    assert not any(photo.right(1000) for photo in read), "of another number of classes nothing is known"


def test_a_large_folder_calibrates_on_some_from_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "MOST_CALIBRATING", 4)
    lay(tmp_path, *(f"train/{name}/{n}.jpg" for name in "ab" for n in range(5)), "test/a/x.jpg")
    read = photos.read(tmp_path)
    assert [p.file for p in read[1:]] == ["train/a/0.jpg", "train/a/3.jpg", "train/b/1.jpg", "train/b/4.jpg"]
    assert len(photos.of_classes(tmp_path)[0]) == 10, "all of them train"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["test/a/1.jpg"], "has no folder train/"),
        (["train/a/1.jpg", "train/b/1.jpg"], "has no folder test/"),
        (["train/a/1.jpg", "test/a/2.jpg"], r"train has one class only \(a\)"),
        (["train/1.jpg", "test/2.jpg"], "train has no classes"),
        (["train/a/1.jpg", "train/b/1.jpg", "test/ц/1.jpg"], "test/ц is a class without a folder in .*train"),
        (["train/a/1.jpg", "train/b/notes.txt", "test/a/1.jpg"], r"train/b holds no photos \(.bmp, "),
        (["train/a/1.jpg", "train/b/1.jpg", "test/a/x.txt"], "test/a holds no photos"),
        (["train/a/1.jpg", "train/b/1.jpg", "test/x.jpg"], "test holds no photos; put some of each class there"),
    ],
)
def test_other_layouts(tmp_path: Path, names: list[str], said: str) -> None:
    with pytest.raises(Mistake, match=said):
        class_folders.listed(lay(tmp_path, *names))


def test_a_photo_may_not_both_train_and_test(tmp_path: Path) -> None:
    lay(tmp_path, "train/a/1.jpg", "train/b/2.jpg", "test/a/3.jpg")
    (tmp_path / "test/a/3.jpg").write_bytes((tmp_path / "train/b/2.jpg").read_bytes())
    with pytest.raises(Mistake, match=r"1 of the photos in test/ are in train/ too, such as test/a/3.jpg \(train/b/2"):
        photos.of_classes(tmp_path)


def test_the_example_is_links_to_photos_that_are_here() -> None:
    listed = class_folders.listed(FIVE)
    assert listed.classes == ["animal", "building", "fish", "tool", "windmill"]
    assert (len(listed.train), len(listed.test)) == (73, 49)
    assert min(sum(index == of for _, index in listed.test) for of in range(5)) >= 5
    known = {photo.sha256 for photo in photos.read(ROOT / "data" / "photos")}
    train, test = photos.of_classes(FIVE)
    assert len({photo.sha256 for photo in train + test} & known) == 122
    assert all((FIVE / photo.file).is_symlink() for photo in train + test)
