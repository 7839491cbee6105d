"""From a photo's file to a network's input. NumPy and Pillow only; an exported candidate carries this file.

A spec is a dict: size (side of the square input), resize (length of the short side before the crop),
interpolation (bilinear, bicubic, ...), crop (center), scale (what pixels 0..255 are divided by),
mean and std (of the scaled values, one number per channel), channels (rgb or bgr).
"""

from pathlib import Path
from typing import Any, Dict, Iterable

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

Spec = Dict[str, Any]

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
IMAGENET: Spec = {
    "size": 224,
    "resize": 256,
    "interpolation": "bilinear",
    "crop": "center",
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
    "scale": 255,
    "channels": "rgb",
}


def check(spec: Spec) -> None:
    """Raise ValueError, in one sentence, where `spec` cannot be carried out."""
    unknown = sorted(set(spec) - set(IMAGENET))
    missing = sorted(set(IMAGENET) - set(spec))
    if unknown or missing:
        known = ", ".join(IMAGENET)
        what = "does not know %s" % unknown[0] if unknown else "lacks %s" % missing[0]
        raise ValueError("preprocess %s; its keys are %s" % (what, known))
    allowed = {"interpolation": sorted(FILTERS), "crop": ["center"], "channels": ["bgr", "rgb"]}
    for key, values in allowed.items():
        if spec[key] not in values:
            raise ValueError("preprocess.%s is %r; it can be %s" % (key, spec[key], ", ".join(values)))
    if not 0 < spec["size"] <= spec["resize"]:
        raise ValueError("preprocess.size is %r and resize %r; 0 < size <= resize" % (spec["size"], spec["resize"]))
    for key in ("mean", "std"):
        if len(spec[key]) != 3:
            raise ValueError("preprocess.%s has %d numbers; write 3, one per channel" % (key, len(spec[key])))
    if spec["scale"] <= 0 or min(spec["std"]) <= 0:
        raise ValueError("preprocess.scale and preprocess.std must be above 0")


def resized(spec: Spec, size: int) -> Spec:
    """`spec` for another side of the square input: the short side before the crop follows in proportion."""
    return dict(spec, size=size, resize=round(size * spec["resize"] / spec["size"]))


def load(path: Path, spec: Spec) -> np.ndarray:
    """The network's input for one photo: float32 [3, size, size], C-contiguous.

    Raises ValueError, naming the file, where it cannot be read as an image.
    """
    try:
        with Image.open(str(path)) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, OSError) as error:
        raise ValueError("%s cannot be read as an image (%s)" % (path, error)) from None
    return normalise(np.asarray(cropped(upright, spec)), spec)


def batch(paths: Iterable[Path], spec: Spec) -> np.ndarray:
    """`load` of several photos: float32 [N, 3, size, size], C-contiguous."""
    return np.stack([load(path, spec) for path in paths])


def cropped(image: Image.Image, spec: Spec) -> Image.Image:
    """Resize the short side to spec's `resize`, keeping proportions, and cut out the central square."""
    width, height = image.size
    short, size = spec["resize"], spec["size"]
    resized = (short, int(short * height / width)) if width <= height else (int(short * width / height), short)
    image = image.resize(resized, FILTERS[spec["interpolation"]])
    left, top = (int(round((side - size) / 2.0)) for side in resized)
    return image.crop((left, top, left + size, top + size))


def normalise(pixels: np.ndarray, spec: Spec) -> np.ndarray:
    """uint8 RGB [H, W, 3] to float32 [3, H, W]: (pixel / scale - mean) / std, in the spec's channel order."""
    values: np.ndarray = pixels.astype(np.float32) / np.float32(spec["scale"])
    if spec["channels"] == "bgr":
        values = values[..., ::-1]
    values = (values - np.asarray(spec["mean"], np.float32)) / np.asarray(spec["std"], np.float32)
    return np.ascontiguousarray(values.transpose(2, 0, 1))
