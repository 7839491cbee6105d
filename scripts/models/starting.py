"""The network of a config's entry with the weights that it names: what is exported, pruned or fine-tuned."""

from pathlib import Path
from typing import Any, Dict, Tuple

import torch

from scripts.core.verb import Mistake
from scripts.models import arrays, checkpoints, network, photos, preprocess, untrained

SETTLING_PHOTOS = 16


def built(entry: Dict[str, Any], description: Dict[str, Any], source: Any) -> Tuple[torch.nn.Module, Dict[str, Any]]:
    """The network in float32 and eval mode, and where its weights are from.

    source: photos, from which the BatchNorm statistics of untrained weights are set; a folder or CSV.
    """
    weights = checkpoints.read(entry)
    untrained.seed()
    made = network.build(description)
    if weights.state is not None:
        checkpoints.fill(made, weights.state)
    elif description["task"] == "arrays":
        untrained.settle(made, arrays.drawn(description["inputs"], SETTLING_PHOTOS))
    else:
        untrained.settle(made, [_settling_photos(source, description["preprocess"])])
    return made.float(), weights.source


def _settling_photos(source: Any, spec: Dict[str, Any]) -> Any:
    if not source:
        raise Mistake("photos: untrained weights need photos, from which their BatchNorm statistics are set")
    listed = photos.read(Path(source))
    chosen = [photo.path for photo in listed if photo.split == photos.CALIBRATION] or [photo.path for photo in listed]
    try:
        return preprocess.batch(chosen[:: max(1, len(chosen) // SETTLING_PHOTOS)][:SETTLING_PHOTOS], spec)
    except ValueError as error:
        raise Mistake("photos: %s" % error) from None
