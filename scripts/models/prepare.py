"""Prepare a checkpoint: load the weights safely, build the network, prune it if asked, export it once.

Options: {"model": a model entry (keys: see registry and checkpoints; pruned, training, train), "photos": folder or CSV
(for untrained weights: their BatchNorm statistics are taken from photos; for training: none of those that validate may
be trained on)}.
Source, for an entry with train: tuned, what `train` left of it, whose weights are taken.
Writes weights.pt (state dict), program.pt2 (exported program, dynamic batch, float32) and model.json.
"""

import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import torch

from scripts.core.verb import Facts, Job, Mistake, main, write_json
from scripts.models import checkpoints, export, network, pruning, registry, starting, training, work
from scripts.models.description import FILE, PROGRAM, TRAINING, WEIGHTS


def prepare(job: Job) -> Facts:
    """Write the checkpoint; return versions, operator counts and the work of the exported program, and options."""
    entry = job.options["model"]
    description = registry.describe(entry)
    if description["build"] == PROGRAM:
        built, source = _trusted_program(entry)
    elif "tuned" in job.sources:
        built, source, description = _tuned(job.sources["tuned"], description)
    else:
        built, source = starting.built(entry, description, job.options.get("photos"))
    pruned = _pruned(built, entry, description, job.options.get("photos"))
    program = export.exported(built, description["inputs"])
    model = dict(description, **_learned(built, program, entry, description))
    trained = "train" in entry or _kind(entry) != "untrained"
    model.update(weights=entry.get("label") or _kind(entry), trained=trained, source=source)
    if pruned:
        model.update(pruned=pruned, build=_loadable(description["build"], pruned["method"]))
    export.save_state(built.state_dict(), job.out / WEIGHTS)
    export.save_program(program, job.out / PROGRAM)
    write_json(job.out / FILE, model)
    return {
        "versions": registry.versions(),
        "operators": export.operators(program),
        "work": work.of(program.module(), export.example(description["inputs"], 1)),
        "options": {"batch": [1, export.MAX_BATCH], "weights": model["weights"]},
        **({"pruned": pruned} if pruned else {}),
    }


def _kind(entry: Dict[str, Any]) -> str:
    return str(entry.get("weights") or ("file" if entry.get("file") else "untrained"))


def _tuned(folder: Path, description: Dict[str, Any]) -> Tuple[torch.nn.Module, Dict[str, Any], Dict[str, Any]]:
    """The fine-tuned network in `folder`, where its weights started from, and its description."""
    record = json.loads((folder / TRAINING).read_text(encoding="utf-8"))
    kept = {key: record[key] for key in ("photos", "epochs", "layers", "losses", "test")}
    described = dict(description, labels=record["classes"], fine_tuned=kept)
    if record["head"]:
        described["head"] = record["head"]
    built = network.build(described)
    checkpoints.fill(built, torch.load(str(folder / WEIGHTS), map_location="cpu", weights_only=True))
    return built.float(), record["source"], described


def _pruned(built: Any, entry: Dict[str, Any], description: Dict[str, Any], source: Any) -> Optional[Dict[str, Any]]:
    """Prune `built`, in place, as the entry asks; what changed, or None for a network that stays whole."""
    if not entry.get("pruned"):
        return None
    if description["build"] == PROGRAM:
        raise Mistake("pruned: an exported program has no layers to prune; give the network by build and a state dict")
    example, asked = export.example(description["inputs"], 1), entry.get("training")
    if not asked:
        print("pruned: no training photos were given, so that nothing is trained after pruning", flush=True)
        return pruning.pruned(built, entry["pruned"], example, None)
    if not source:
        raise Mistake("photos: training needs to know the photos that validate, to train on none of them")
    data = training.labelled(asked["photos"], source, pruning.outputs(built, example))
    spec = description["preprocess"]
    return pruning.pruned(built, entry["pruned"], example, lambda net: training.fine_tune(net, data, asked, spec))


def _loadable(build: str, method: str) -> str:
    """What a pruned network is loaded from: without some of its channels it is no longer what `build` makes."""
    return PROGRAM if method == "structured" else build


def _trusted_program(entry: Dict[str, Any]) -> Any:
    path, digest = checkpoints.checked_file(entry)
    return torch.export.load(str(path)).module(), {"file": path.name, "sha256": digest}


def _learned(built: Any, program: Any, entry: Dict[str, Any], description: Dict[str, Any]) -> Dict[str, Any]:
    """What only the built network tells: its outputs and the number of parameters."""
    count = len(program.graph.output_node().args[0])
    if description["task"] == "classification":
        if count != 1:
            raise Mistake(
                "the network returns %d tensors; a classifier returns logits alone (or declare its inputs)" % count
            )
        names: List[str] = ["logits"]
    else:
        names = list(entry.get("outputs") or ["output_%d" % index for index in range(count)])
    outputs = export.outputs(program, names)
    if description["task"] == "classification":
        shape, labels = outputs[0]["shape"], description["labels"]
        if len(shape) != 2 or not isinstance(shape[1], int):
            raise Mistake("the network returns %s; a classifier returns [batch, classes]" % json.dumps(shape))
        if labels and len(labels) != shape[1]:
            raise Mistake("labels: %d given, but the network has %d outputs" % (len(labels), shape[1]))
    return {"outputs": outputs, "parameters": sum(parameter.numel() for parameter in built.parameters())}


if __name__ == "__main__":
    raise SystemExit(main(prepare, __doc__))
