"""Training on labelled photos: epochs of Adam on the cross-entropy. `fine_tune` is all of it, for pruned networks.

No photo that is trained on may be among those that validate.
"""

import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Sequence

import torch

from scripts.core.verb import Mistake
from scripts.models import photos, preprocess

LEAST = 2
"""BatchNorm needs more than one photo a step."""
SAY_EVERY_S = 10.0

Logits = Callable[[List[int]], torch.Tensor]
"""What a network says, [N, classes], of photos by their places in the list."""


def labelled(source: Any, validating: Any, outputs: int) -> List[photos.Photo]:
    """The photos of `source` whose classes the network knows. Raises `Mistake` where one of them also validates.

    source, validating: folders or CSVs; outputs: the network's classes.
    """
    found = [photo for photo in _read(source) if photo.right(outputs)]
    if any(photo.outputs for photo in found):  # a folder of classes says itself which photos are for training
        found = [photo for photo in found if photo.split == photos.CALIBRATION]
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
    outputs = first_output(network, pixels(data[:1], spec)).shape[1]
    optimizer = torch.optim.Adam(network.parameters(), lr=asked["learning_rate"])
    network.train()

    def logits(rows: List[int]) -> torch.Tensor:
        return first_output(network, pixels([data[row] for row in rows], spec))

    losses = run(logits, targets(data, outputs), optimizer, asked)
    network.eval()
    return {"epochs": asked["epochs"], "photos": len(data), "losses": losses}


def run(
    logits: Logits, wanted: torch.Tensor, optimizer: torch.optim.Optimizer, asked: Dict[str, Any],
    done: Sequence[float] = (), after: Callable[[List[float]], None] = lambda losses: None,
) -> List[float]:  # fmt: skip
    """Train for the epochs that are left of asked["epochs"]; the mean loss of each epoch, earlier ones included.

    wanted: `targets` of all photos; asked: epochs and batch; done: losses of the epochs that are over.
    after: called with all losses after each epoch. The order of photos is drawn from PyTorch's generator.
    """
    losses, progress = list(done), Progress(asked["epochs"], len(wanted), len(done))
    while len(losses) < asked["epochs"]:
        total = 0.0
        for rows in _batches(torch.randperm(len(wanted)).tolist(), asked["batch"]):
            loss = torch.nn.functional.cross_entropy(logits(rows), wanted[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
            progress.step(len(rows))
        losses.append(total / len(wanted))
        progress.epoch(losses[-1])
        after(losses)
    return losses


class Progress:
    """A line for each epoch, and every ten seconds within a long one: photos a second, and the time left by them.

    done: epochs that are over already, in an earlier run; name: what a pass is called that is no epoch.
    """

    def __init__(self, epochs: int, photos: int, done: int, name: str = "") -> None:
        self.epochs, self.photos, self.done, self.seen, self.name = epochs, photos, done, 0, name
        self.started = self.said = time.monotonic()

    def step(self, count: int) -> None:
        """So many photos more."""
        self.seen += count
        within = self.seen % self.photos
        if within and time.monotonic() - self.said >= SAY_EVERY_S:
            self._say(self.seen // self.photos, "%d of %d photos" % (within, self.photos))

    def epoch(self, loss: float) -> None:
        """An epoch is over."""
        self._say(self.seen // self.photos - 1, "mean loss %.4f over %d photos" % (loss, self.photos))

    def _say(self, over: int, what: str) -> None:
        """over: epochs of this run before the one that is told of."""
        self.said = time.monotonic()
        rate = self.seen / max(self.said - self.started, 1e-9)
        left = ((self.epochs - self.done) * self.photos - self.seen) / rate
        name = self.name or "epoch %d of %d" % (self.done + over + 1, self.epochs)
        print("%s: %s, %.1f photos/s, %.0f s left" % (name, what, rate, left), flush=True)


def targets(data: Sequence[photos.Photo], outputs: int) -> torch.Tensor:
    """For each photo a distribution over all classes, even over those that are right; float32 [N, outputs]."""
    return torch.stack([_target(photo.right(outputs), outputs) for photo in data])


def pixels(data: Sequence[photos.Photo], spec: preprocess.Spec) -> torch.Tensor:
    """Inputs float32 [N, 3, size, size]. Raises `Mistake` for a file that is no image."""
    try:
        return torch.from_numpy(preprocess.batch([photo.path for photo in data], spec))
    except ValueError as error:
        raise Mistake("photos to train on: %s" % error) from None


def first_output(network: torch.nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    """The logits [N, classes]: some networks have more outputs while they train."""
    first: torch.Tensor = torch.utils._pytree.tree_leaves(network(inputs))[0]
    return first


def _target(classes: Sequence[int], outputs: int) -> torch.Tensor:
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
