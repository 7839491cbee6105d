"""From photo to input array, against values worked out by hand."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts.models import preprocess

PLAIN = dict(preprocess.IMAGENET, size=4, resize=4, mean=[0.0, 0.0, 0.0], std=[1.0, 1.0, 1.0], scale=1)


def saved(path: Path, pixels: np.ndarray, **options: object) -> Path:
    Image.fromarray(pixels).save(path, **options)
    return path


def gradient(height: int, width: int) -> np.ndarray:
    """uint8 [height, width, 3]; red counts columns, green counts rows, blue is 200."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns, rows, np.full_like(rows, 200)], axis=-1).astype(np.uint8)


def test_shape_layout_and_order_of_channels(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", gradient(4, 4))
    rgb = preprocess.load(path, PLAIN)
    assert rgb.dtype == np.float32 and rgb.shape == (3, 4, 4) and rgb.flags.c_contiguous
    assert rgb[0, 0].tolist() == [0, 1, 2, 3] and rgb[1, :, 0].tolist() == [0, 1, 2, 3] and (rgb[2] == 200).all()
    bgr = preprocess.load(path, dict(PLAIN, channels="bgr"))
    assert (bgr == rgb[::-1]).all()
    assert preprocess.batch([path, path], PLAIN).shape == (2, 3, 4, 4)


def test_scale_then_mean_then_std(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", np.full((4, 4, 3), 255, np.uint8))
    spec = dict(PLAIN, scale=255, mean=[0.5, 0.25, 0.0], std=[0.5, 0.25, 2.0])
    assert preprocess.load(path, spec)[:, 0, 0].tolist() == [1.0, 3.0, 0.5]


@pytest.mark.parametrize(("height", "width", "left", "top"), [(4, 9, 2, 0), (9, 4, 0, 2), (4, 8, 2, 0)])
def test_the_crop_is_central(tmp_path: Path, height: int, width: int, left: int, top: int) -> None:
    got = preprocess.load(saved(tmp_path / "a.png", gradient(height, width)), PLAIN)
    assert got[0, 0].tolist() == [left, left + 1, left + 2, left + 3]
    assert got[1, :, 0].tolist() == [top, top + 1, top + 2, top + 3]


def test_the_short_side_is_resized(tmp_path: Path) -> None:
    image = preprocess.cropped(Image.fromarray(gradient(10, 20)), dict(PLAIN, resize=5))
    assert image.size == (4, 4)
    whole = Image.fromarray(gradient(10, 20)).resize((10, 5), Image.Resampling.BILINEAR)
    assert (np.asarray(image) == np.asarray(whole)[0:4, 3:7]).all()


def test_a_photo_taken_sideways_is_turned(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise to see it upright
    pixels = gradient(4, 4)
    upright = preprocess.load(saved(tmp_path / "turned.png", pixels, exif=turned), PLAIN)
    assert (upright == preprocess.load(saved(tmp_path / "plain.png", np.rot90(pixels, -1)), PLAIN)).all()


def test_grey_and_transparent_images_become_rgb(tmp_path: Path) -> None:
    grey = preprocess.load(saved(tmp_path / "grey.png", np.full((4, 4), 7, np.uint8)), PLAIN)
    clear = preprocess.load(saved(tmp_path / "clear.png", np.full((4, 4, 4), 7, np.uint8)), PLAIN)
    assert (grey == 7).all() and (clear == 7).all() and grey.shape == clear.shape == (3, 4, 4)


def test_what_is_no_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    with pytest.raises(ValueError, match="broken.jpg cannot be read as an image"):
        preprocess.load(tmp_path / "broken.jpg", PLAIN)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sise": 4}, "does not know sise"),
        ({"interpolation": "cubic"}, "interpolation is 'cubic'; it can be bicubic, bilinear"),
        ({"size": 5}, "size is 5 and resize 4"),
        ({"size": 0}, "0 < size"),
        ({"mean": [1.0]}, "mean has 1 numbers"),
        ({"std": [1.0, 0.0, 1.0]}, "must be above 0"),
    ],
)
def test_specs_that_cannot_be_carried_out(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        preprocess.check({**PLAIN, **change})
