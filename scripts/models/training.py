"""A short fine-tuning of a pruned network on labelled photos, none of which may be among those that validate."""

import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence

import torch

from scripts.core.verb import Mistake
from scripts.models import photos, preprocess

LEAST = 2
"""BatchNorm needs more than one photo a step."""


def labelled(source: Any, validating: Any, outputs: int) -> List[photos.Photo]:
    """The photos of `source` whose classes the network knows. Raises `Mistake` where one of them also validates.

    source, validating: folders or CSVs; outputs: the network's classes.
    """
    found = [photo for photo in _read(source) if photo.right(outputs)]
    if len(found) < LEAST:
        raise Mistake(
            "training.photos: %s has %d photos with classes of this network, and training takes %d or more; give a CSV "
            "with the columns file and classes" % (source, len(found), LEAST)
        )
    held = {photo.sha256: photo for photo in photos.read(Path(validating)) if photo.split == photos.VALIDATION}
    both = ["%s (%s)" % (photo.path, held[photo.sha256].path) for photo in found if photo.sha256 in held]
    if both:
        raise Mistake(
            "training.photos: %d of the photos to train on also validate, such as %s: they could not judge what was "
            "trained on them; take them out of one or the other" % (len(both), both[0])
        )
    return found


def _read(source: Any) -> List[photos.Photo]:
    try:
        return photos.read(Path(source))
    except Mistake as mistake:
        raise Mistake("training.%s" % mistake) from None


def fine_tune(
    network: torch.nn.Module, data: Sequence[photos.Photo], asked: Dict[str, Any], spec: preprocess.Spec
) -> Dict[str, Any]:
    """Train `network`, in place, and say a line per epoch; the epochs, the photos and each epoch's mean loss.

    asked: epochs, learning_rate, batch and seed; spec: how a photo becomes an input.
    The seed decides all that is drawn, and one thread adds up: the same weights every time.
    """
    torch.manual_seed(asked["seed"])
    torch.set_num_threads(1)
    outputs = _logits(network, _pixels(data[:1], spec)).shape[1]
    targets = torch.stack([_target(photo.right(outputs), outputs) for photo in data])
    optimizer = torch.optim.Adam(network.parameters(), lr=asked["learning_rate"])
    losses = []
    network.train()
    for epoch in range(asked["epochs"]):
        started, total = time.monotonic(), 0.0
        for rows in _batches(torch.randperm(len(data)).tolist(), asked["batch"]):
            logits = _logits(network, _pixels([data[row] for row in rows], spec))
            loss = torch.nn.functional.cross_entropy(logits, targets[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        losses.append(total / len(data))
        seconds = time.monotonic() - started
        progress = (epoch + 1, asked["epochs"], losses[-1], len(data), seconds)
        print("epoch %d of %d: mean loss %.4f over %d photos, %.0f s" % progress, flush=True)
    network.eval()
    return {"epochs": asked["epochs"], "photos": len(data), "losses": losses}


def _pixels(data: Sequence[photos.Photo], spec: preprocess.Spec) -> torch.Tensor:
    """Inputs float32 [N, 3, size, size]."""
    try:
        return torch.from_numpy(preprocess.batch([photo.path for photo in data], spec))
    except ValueError as error:
        raise Mistake("training.photos: %s" % error) from None


def _logits(network: torch.nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    """The first output [N, classes]: some networks have more of them while they train."""
    first: torch.Tensor = torch.utils._pytree.tree_leaves(network(pixels))[0]
    return first


def _target(classes: Sequence[int], outputs: int) -> torch.Tensor:
    """A distribution over all classes, even over those that are right."""
    target = torch.zeros(outputs)
    target[list(classes)] = 1.0 / len(set(classes))
    return target


def _batches(order: List[int], count: int) -> Iterator[List[int]]:
    """Rows in steps of `count`; a single one left over joins the step before it."""
    starts = list(range(0, len(order), count))
    if len(starts) > 1 and len(order) - starts[-1] < LEAST:
        starts.pop()
    for place, start in enumerate(starts):
        yield order[start : starts[place + 1] if place + 1 < len(starts) else len(order)]
