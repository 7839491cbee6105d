"""What a recipe means to quantise, and whether that is what runs. The same words in every room.

A converter that quantises leaves `quantised.json` beside its file, a compiler carries it on, and the session holds
what it finds in the loaded artifact against it. Standard library only, Python 3.8 on.
"""

import json
import shutil
from pathlib import Path
from typing import Iterable, List, NamedTuple, Optional, Tuple

FILE = "quantised.json"
INT8 = ("int8", "int8_dynamic")
USUAL_SIZE = 224
"""Side of the images by which shares of files are told that serve images of every size."""
SLACK = 0.005
"""By how much the share of multiplications in integers may lie below the declared one: rounding, no layer of weight."""


class Recipe(NamedTuple):
    """How a file was quantised.

    method:  for people, such as "u8 activations (MinMax), s8 weights per channel"
    share:   share of the multiplications (MACs) that it means to do in integers, 0 to 1
    kept:    names of layers with weights that it leaves in floating point
    """

    method: str
    share: float
    kept: List[str]

    def write(self, folder: Path) -> None:
        """Leave it beside the quantised file."""
        (folder / FILE).write_text(json.dumps(self._asdict(), indent=1, sort_keys=True) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Optional["Recipe"]:
        """The one beside a file; None where nothing was quantised."""
        path = folder / FILE
        return cls(**json.loads(path.read_text())) if path.is_file() else None


def carry(source: Path, out: Path) -> None:
    """A compiler's part: the recipe goes with what is made of the file."""
    if (source / FILE).is_file():
        shutil.copyfile(str(source / FILE), str(out / FILE))


def macs(outputs: float, weights: float, channels: float) -> float:
    """Multiplications of a convolution or a linear layer, from the elements of its output and weights.

    outputs: elements of its output, the batch included; weights: elements of its weights; channels: its output
    channels. (N C H W times C_in/groups k k, and C_out of those are the weights.)
    """
    return outputs * weights / channels


def int8_share(layers: Iterable[Tuple[float, bool]]) -> Optional[float]:
    """Share of the multiplications that run in integers, from (MACs, in integers) of each layer; None without any."""
    found = list(layers)
    total = sum(count for count, _ in found)
    return sum(count for count, integers in found if integers) / total if total else None


def not_as_declared(
    precision: str, quantised: int, share: Optional[float] = None, recipe: Optional[Recipe] = None
) -> Optional[str]:
    """Why an int8 request is degraded: nothing is in integers, or less than was declared. None if neither is so.

    quantised: how many kernels compute in integers; share: of the multiplications that run in integers, as read back,
    None where that is not readable.
    """
    if precision not in INT8:
        return None
    if not quantised or share == 0.0:
        return "asked for %s, nothing is quantised" % precision
    if share is not None and recipe is not None and share < recipe.share - SLACK:
        words = "the recipe declares %.1f %% of the multiplications in integers, %.1f %% run in them"
        return words % (100 * recipe.share, 100 * share)
    return None


def with_quantised(summary: str, precision: str, quantised: int) -> str:
    """A placement's phrase, and how many kernels are quantised where that was asked or is so."""
    return "%s, %d quantised" % (summary, quantised) if precision in INT8 or quantised else summary
