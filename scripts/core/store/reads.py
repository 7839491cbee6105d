"""What a trial and a verification read of their sources: a photo that neither looks at changes no answer.

Arrays are read here without NumPy, which Snakemake's own Python does not have.
"""

import ast
import hashlib
import json
import math
import struct
from pathlib import Path
from typing import Any

from scripts.core import records

VALIDATION = "validation"
CHUNK = 1 << 20

Values = dict[str, Any]


def head(path: Path, rows: int) -> str:
    """sha256 of the type, the shape of a row and the first `rows` rows of an .npy file.

    Raises ValueError if it is no C-ordered one (NumPy enhancement proposal 1 says how they are laid out).
    """
    with path.open("rb") as stream:
        magic, version = stream.read(6), stream.read(2)
        if magic != b"\x93NUMPY":
            raise ValueError(f"{path} is no .npy file")
        length = struct.unpack("<H", stream.read(2)) if version[0] == 1 else struct.unpack("<I", stream.read(4))
        header = ast.literal_eval(stream.read(length[0]).decode())
        if header["fortran_order"]:
            raise ValueError(f"{path} is not C-ordered")
        shape = header["shape"]
        left = min(rows, shape[0]) * math.prod(shape[1:]) * int(header["descr"][2:])
        digest = hashlib.sha256(repr((header["descr"], shape[1:], min(rows, shape[0]))).encode())
        while left > 0 and (chunk := stream.read(min(CHUNK, left))):
            digest.update(chunk)
            left -= len(chunk)
    return digest.hexdigest()


def heads(folder: Path, kind: str, rows: int) -> dict[str, str]:
    """`head` of each array of a kind ("inputs", "logits") in a reference, by file name."""
    return {path.name: head(path, rows) for path in sorted(folder.glob(f"{kind}*.npy"))}


def of_trial(folders: dict[str, Path], batch: int) -> Values:
    """What a trial reads: the artifact, the first batch of inputs, the names of the tensors."""
    model = json.loads((folders["checkpoint"] / "files" / "model.json").read_text())
    return {
        "deployable": _sha256(folders["deployable"]),
        "inputs": heads(folders["reference"] / "files", "inputs", batch),
        "tensors": {kind: model[kind] for kind in ("inputs", "outputs")},
    }  # fmt: skip


def of_verify(folders: dict[str, Path]) -> Values:
    """What a verification reads: the artifact, the validation rows (they come first), their labels, the network."""
    reference = folders["reference"] / "files"
    photos = [photo for photo in json.loads((reference / "photos.json").read_text()) if photo["split"] == VALIDATION]
    model = json.loads((folders["checkpoint"] / "files" / "model.json").read_text())
    arrays = [heads(reference, kind, len(photos)) for kind in ("inputs", "logits", "original_logits")]
    rounding = reference / "rounding.json"
    return {
        "deployable": _sha256(folders["deployable"]), "arrays": arrays, "photos": photos, "model": model,
        "rounding": rounding.read_text() if rounding.is_file() else None,
    }  # fmt: skip


def _sha256(folder: Path) -> str:
    return records.load(folder / "artifact.json").get("sha256") or ""
