"""Fine-tune a network on a folder of classes, on the CPU: its last layer is made anew, and it or all are trained.

Options: {"model": a model entry with train: photos (a folder of classes), epochs, learning_rate, batch, layers (all or
head), seed}, and what else decides the weights, such as the hash of the code.
Writes weights.pt (state dict) and training.json: classes, photos, epochs, layers, losses (the mean of each epoch), test
(photos, right, accuracy), head (what rebuilds the last layer; None where the network's own stayed), source.

After each epoch the state is kept in `unfinished/` beside the output folder: a run that was killed goes on after its
last whole epoch. The same config gives the same weights, bit for bit, killed or not, on one host with as many usable
cores and the same packages. Another number of cores, or another kind of CPU, adds up in another order: weights that
differ in their last digits. A network of one's own that draws numbers elsewhere than from PyTorch's generator is as
reproducible as those. The test photos are looked at once, when all epochs are over: they choose nothing.
"""

import hashlib
import os
import time
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import torch

from scripts.core.verb import Facts, Job, Mistake, main, write_json
from scripts.models import export, heads, photos, preprocess, registry, starting, training
from scripts.models.description import TRAINING, WEIGHTS
from scripts.models.unfinished import Unfinished

State = Dict[str, torch.Tensor]


def train(job: Job) -> Facts:
    """Write the weights and what came of them; return versions, options, and the seconds of training of all runs."""
    entry = job.options["model"]
    asked, description = entry["train"], registry.describe(entry)
    data, test = _photos(asked["photos"])
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    network, source = starting.built(entry, description, asked["photos"])
    network.requires_grad_(True)
    torch.manual_seed(asked["seed"])
    example = export.example(description["inputs"], 1)
    head, made = heads.fitted(network, example, data[0].outputs, keep=bool(entry.get("build")))
    kept = Unfinished(job.out.parent / "unfinished", _decides(job, network.state_dict(), data))
    losses, seconds = _trained(network, head, data, asked, description["preprocess"], kept)
    record = {"classes": _classes(data), "photos": len(data), "epochs": asked["epochs"], "layers": asked["layers"]}
    record.update(losses=losses, test=judged(network, test, description["preprocess"]), head=made, source=source)
    export.save_state(network.state_dict(), job.out / WEIGHTS)
    write_json(job.out / TRAINING, record)
    kept.forget()
    options = {name: value for name, value in asked.items() if name != "photos"}
    return {"versions": registry.versions(), "options": options, "cost": {"trained_s": round(seconds, 3)}}


def judged(network: torch.nn.Module, test: Sequence[photos.Photo], spec: preprocess.Spec) -> Dict[str, Any]:
    """How many of the test photos `network`, in eval mode, gets right."""
    right = 0
    with torch.inference_mode():
        for photo in test:
            logits = training.first_output(network, training.pixels([photo], spec))
            right += int(logits.argmax()) in photo.classes
    return {"photos": len(test), "right": right, "accuracy": right / len(test)}


def _photos(source: str) -> Tuple[List[photos.Photo], List[photos.Photo]]:
    try:
        return photos.of_classes(Path(source))
    except Mistake as mistake:
        raise Mistake("train.%s" % mistake) from None


def _classes(data: Sequence[photos.Photo]) -> List[str]:
    names = {photo.classes[0]: photo.names for photo in data}
    return [names[index] for index in sorted(names)]


def _decides(job: Job, state: State, data: Sequence[photos.Photo]) -> Dict[str, Any]:
    """All that the trained weights follow from."""
    return {
        "options": job.options,
        "versions": registry.versions(),
        "threads": torch.get_num_threads(),
        "cpu": torch.backends.cpu.get_cpu_capability(),
        "start": {name: _digest(tensor) for name, tensor in state.items()},
        "photos": [[photo.sha256, list(photo.classes)] for photo in data],
    }


def _trained(
    network: torch.nn.Module, head: heads.Head, data: Sequence[photos.Photo], asked: Dict[str, Any],
    spec: preprocess.Spec, kept: Unfinished,
) -> Tuple[List[float], float]:  # fmt: skip
    """Train `network`, in place, from the beginning or from where it was; losses and seconds of all runs."""
    started = time.monotonic()
    trained = network.get_submodule(head.layer) if asked["layers"] == "head" else network
    optimizer = torch.optim.Adam(trained.parameters(), lr=asked["learning_rate"])
    logits = _of_head(network, head, data, spec) if trained is not network else _of_all(network, data, spec)
    before = kept.read()
    if before:
        trained.load_state_dict(before["weights"])
        optimizer.load_state_dict(before["optimizer"])
        torch.set_rng_state(before["generator"])
        print("going on after epoch %d of %d" % (len(before["losses"]), asked["epochs"]), flush=True)
    earlier = before["seconds"] if before else 0.0

    def keep(losses: List[float]) -> None:
        kept.write(
            {
                "weights": trained.state_dict(),
                "optimizer": optimizer.state_dict(),
                "generator": torch.get_rng_state(),
                "losses": losses,
                "seconds": earlier + time.monotonic() - started,
            }
        )

    wanted = training.targets(data, data[0].outputs)
    losses = training.run(logits, wanted, optimizer, asked, before["losses"] if before else (), keep)
    network.eval()
    return losses, earlier + time.monotonic() - started


def _of_all(network: torch.nn.Module, data: Sequence[photos.Photo], spec: preprocess.Spec) -> training.Logits:
    network.train()
    return lambda rows: training.first_output(network, training.pixels([data[row] for row in rows], spec))


def _of_head(
    network: torch.nn.Module, head: heads.Head, data: Sequence[photos.Photo], spec: preprocess.Spec
) -> training.Logits:
    """Logits by a head that alone is trained: from what the layers before it say of each photo, computed once.

    Where something comes after the head the whole network is run for each step: slower, the same weights.
    """
    layer = network.get_submodule(head.layer)
    network.requires_grad_(False)
    layer.requires_grad_(True)
    network.eval()
    if not head.last:
        return lambda rows: training.first_output(network, training.pixels([data[row] for row in rows], spec))
    found: List[torch.Tensor] = []
    hook = layer.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0]))
    progress = training.Progress(1, len(data), 0, "the layers before the last")
    with torch.no_grad():
        for photo in data:
            network(training.pixels([photo], spec))
            progress.step(1)
    hook.remove()
    features = torch.cat(found)
    return lambda rows: layer(features[rows])


def _digest(tensor: torch.Tensor) -> str:
    return hashlib.sha256(tensor.contiguous().numpy().tobytes()).hexdigest()


if __name__ == "__main__":
    raise SystemExit(main(train, __doc__))
