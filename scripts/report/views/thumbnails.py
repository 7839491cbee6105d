"""Photos that a candidate got wrong, small, as part of the page."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

SIDE = 96
MOST = 12
"""So many are shown of one candidate; the record names them all."""


@dataclass(frozen=True)
class Photo:
    """One photo: its name, the classes in words, the picture as a `data:` address (empty where the file is gone)."""

    file: str
    took: str
    reference: str
    lost: bool
    picture: str


def photos(wrong: list[dict[str, Any]], source: str, labels: list[str] | None) -> list[Photo]:
    """The first of the photos that a verify record calls wrong, those that cost accuracy first.

    source: the config's `photos`, a folder or a CSV in it; labels: the network's classes in words.
    """
    where = Path(source)
    folder = where if where.is_dir() else where.parent
    shown = sorted(wrong, key=lambda photo: not photo["lost"])[:MOST]
    return [
        Photo(
            each["file"], _named(each["took"], labels), _named(each["reference"], labels), each["lost"],
            picture(folder / each["file"]),
        )
        for each in shown
    ]  # fmt: skip


def _named(index: int, labels: list[str] | None) -> str:
    return labels[index] if labels else f"class {index}"


def picture(path: Path) -> str:
    """A square JPEG of `SIDE` pixels as a `data:` address; empty where the file cannot be read."""
    try:
        with Image.open(path) as image:
            small = ImageOps.fit(ImageOps.exif_transpose(image).convert("RGB"), (SIDE, SIDE))
    except OSError:
        return ""
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=75)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()
