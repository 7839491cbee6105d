"""Reference outputs: the checkpoint in float32, in eager PyTorch on the CPU, one sample at a time.

Sources: checkpoint; of a pruned network also original, the reference of the whole one.
Options: {"photos": folder or CSV} for classifiers; for networks that take arrays {"model": the model entry}, whose
`samples` names an .npz (without it 128 samples are drawn from a fixed seed).
Writes inputs.npy float32 [N, 3, H, W] (preprocessed photos, validation first), logits.npy float32 [N, classes] and
photos.json, which says what each is for (validation, calibration) and its right classes; of a network with several
inputs or outputs inputs.NAME.npy and logits.NAME.npy, each [N, ...]. Of a pruned network also original_logits.npy (or
original_logits.NAME.npy): what the whole network says of the same inputs. Of untrained weights also rounding.json: what
rounding alone costs them, dB by precision.
"""

import filecmp
import shutil
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np
import torch

from scripts.core.verb import Facts, Job, Mistake, main, write_json
from scripts.models import arrays, description, network, photos, preprocess, registry, rounding

DRAWN = 128


def work(job: Job) -> Facts:
    """Write the reference; return versions and top-1 accuracy where there are labels."""
    folder = job.sources["checkpoint"]
    model = description.read(folder)
    # One thread: the sums come out the same on hosts with other numbers of cores, and builders run beside this.
    torch.set_num_threads(1)
    built = network.load(folder)
    options = {"batch": 1, "threads": 1}
    if model["task"] == "arrays":
        samples = job.options["model"].get("samples")
        inputs = arrays.read(Path(samples), model["inputs"]) if samples else arrays.drawn(model["inputs"], DRAWN)
        results = run(built, inputs)
        require_numbers(results, model)
        _save(job.out, "inputs", model["inputs"], inputs)
        _save(job.out, "logits", model["outputs"], results)
        splits = [photos.CALIBRATION if i % 2 else photos.VALIDATION for i in range(len(inputs[0]))]
        write_json(job.out / "photos.json", [{"split": split, "classes": []} for split in splits])
        _add_original(job)
        _add_rounding(job, built, inputs, results[0], model)
        return {"versions": registry.versions(), "options": options, "samples": len(inputs[0])}
    records, pixels = _photos(job.options.get("photos"), model)
    logits = run(built, [pixels])[0]
    require_numbers([logits], model)
    _save(job.out, "inputs", model["inputs"], [pixels])
    _save(job.out, "logits", model["outputs"], [logits])
    write_json(job.out / "photos.json", records)
    _add_original(job)
    _add_rounding(job, built, [pixels], logits, model)
    labelled = sum(1 for record in records if _judges(record))
    facts = {"versions": registry.versions(), "options": options, "samples": len(pixels), "labelled": labelled}
    return dict(facts, top1_accuracy=accuracy(logits, records))


def run(built: torch.nn.Module, inputs: Sequence[np.ndarray]) -> List[np.ndarray]:
    """The outputs of a network for arrays [N, ...], computed one sample at a time; each [N, ...]."""
    rows: List[List[np.ndarray]] = []
    with torch.inference_mode():
        for index in range(len(inputs[0])):
            result = built(*(torch.from_numpy(value[index : index + 1]) for value in inputs))
            tensors = torch.utils._pytree.tree_leaves(result)
            rows.append([tensor.numpy() for tensor in tensors])
    return [np.ascontiguousarray(np.concatenate(column)) for column in zip(*rows)]


def require_numbers(outputs: Sequence[np.ndarray], model: Dict[str, Any]) -> None:
    """Raises Mistake where the network itself answers with infinities or what is no number: nothing can be held
    against that."""
    for tensor, values in zip(model["outputs"], outputs):
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            share = 100 * (1 - np.isfinite(values).mean())
            raise Mistake(
                "weights: %.3g %% of the network's own outputs (%s, in float32 on the CPU) are no finite numbers; "
                "correct the checkpoint, or its preprocessing" % (share, tensor["name"])
            )


def accuracy(logits: np.ndarray, records: Sequence[Dict[str, Any]]) -> Any:
    """Share of the labelled photos that validate whose largest logit is one of their classes; None without any."""
    hits = [int(row.argmax()) in record["classes"] for row, record in zip(logits, records) if _judges(record)]
    return sum(hits) / len(hits) if hits else None


def _judges(record: Dict[str, Any]) -> bool:
    """What calibrates may have been trained on."""
    return bool(record["classes"]) and record["split"] == photos.VALIDATION


def _photos(source: Any, model: Dict[str, Any]) -> Tuple[List[Dict[str, Any]], np.ndarray]:
    if not source:
        raise Mistake("photos: a classifier needs photos; name a folder or a CSV")
    listed = photos.read(Path(source))
    classes = model["outputs"][0]["shape"][1]
    try:
        pixels = preprocess.batch([photo.path for photo in listed], model["preprocess"])
    except ValueError as error:
        raise Mistake("photos: %s" % error) from None
    return [photos.record(photo, classes) for photo in listed], pixels


def _add_original(job: Job) -> None:
    """Beside a pruned network's outputs those of the whole one, from its own reference, for the same inputs."""
    if "original" not in job.sources:
        return
    for path in sorted(job.out.glob("inputs*.npy")):
        if not filecmp.cmp(str(path), str(job.sources["original"] / path.name), shallow=False):
            raise RuntimeError("%s of the whole network's reference differs: it is of other inputs" % path.name)
    for path in sorted(job.sources["original"].glob("logits*.npy")):
        shutil.copyfile(str(path), str(job.out / ("original_" + path.name)))


def _add_rounding(
    job: Job, built: torch.nn.Module, inputs: Sequence[np.ndarray], outputs: np.ndarray, model: Dict[str, Any]
) -> None:
    if not model["trained"]:
        write_json(job.out / rounding.FILE, rounding.costs(built, inputs, outputs, run))


def _save(out: Path, kind: str, tensors: Sequence[Dict[str, Any]], values: Sequence[np.ndarray]) -> None:
    """KIND.npy for the only tensor, KIND.NAME.npy for each of several."""
    for tensor, value in zip(tensors, values):
        name = kind if len(tensors) == 1 else "%s.%s" % (kind, tensor["name"])
        np.save(str(out / (name + ".npy")), value)


if __name__ == "__main__":
    raise SystemExit(main(work, __doc__))
