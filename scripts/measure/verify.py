"""Compare one candidate with the fp32 reference on every input for validation: a gate, by precision.

Sources: `deployable` (the files a session opens), `reference` (inputs, reference outputs, labels) and
`checkpoint` (`model.json`). Runs in the runtime's own environment, through the same door as the worker.
"""

import hashlib
import importlib
import json
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from scripts.core.door import Arrays, Session
from scripts.core.verb import Facts, Job, main
from scripts.measure.gate import Paired, judge
from scripts.measure.inputs import batch_of, read_model, stored, with_names
from scripts.models.photos import VALIDATION

ORIGINAL = "original_logits.npy"
"""Beside a pruned network's reference: what the network said before."""
ROUNDING = "rounding.json"
"""Beside the reference of untrained weights: what rounding alone costs them, dB by precision."""

IDENTICAL_DB = 200.0
"""What stands for an infinite ratio: outputs equal to the reference bit for bit."""


def sqnr_db(reference: np.ndarray, got: np.ndarray) -> Optional[float]:
    """Signal-to-quantisation-noise ratio over all outputs, 10 log10(sum r^2 / sum (r - g)^2); None if not finite."""
    noise = float(np.sum((reference.astype(np.float64) - got) ** 2))
    signal = float(np.sum(reference.astype(np.float64) ** 2))
    if not np.isfinite(noise) or signal == 0.0:
        return None
    return IDENTICAL_DB if noise == 0.0 else min(IDENTICAL_DB, 10.0 * float(np.log10(signal / noise)))


def cosine(reference: np.ndarray, got: np.ndarray) -> Optional[float]:
    """Cosine of the angle between all outputs as one vector; None if not finite."""
    a, b = reference.astype(np.float64).ravel(), got.astype(np.float64).ravel()
    value = float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b) or np.nan))
    return value if np.isfinite(value) else None


def run_all(session: Session, inputs: Arrays, batch: int, output: str) -> np.ndarray:
    """Outputs for all inputs, [N, ...], in batches of the opened size; the last batch is filled with repeats."""
    count = len(next(iter(inputs.values())))
    got: List[np.ndarray] = []
    for start in range(0, count, batch):
        session.put(batch_of(inputs, batch, start))
        session.execute()
        got.append(np.array(session.get()[output])[: count - start])
    return np.concatenate(got)


def classes(
    reference: np.ndarray, got: np.ndarray, photos: List[Dict[str, Any]], original: Optional[np.ndarray] = None
) -> Tuple[Facts, float, Optional[Paired]]:
    """Agreement with the reference and accuracy on the labels, for outputs [N, classes].

    original: outputs of the network before it was pruned, against which the loss is then counted. `wrong` names the
    photos of which the candidate says something else: the class that each took, and whether the candidate lost there
    what was right.
    """
    ours, theirs = got.argmax(1), (reference if original is None else original).argmax(1)
    top = min(5, got.shape[1])
    best, wanted = np.argsort(-got, 1)[:, :top], np.argsort(-reference, 1)[:, :top]
    agreement = float(np.mean(ours == reference.argmax(1)))
    shared = [len(set(a) & set(b)) / top for a, b in zip(best.tolist(), wanted.tolist())]
    labelled = [i for i, photo in enumerate(photos) if photo["classes"]]
    hits = [int(ours[i]) in photos[i]["classes"] for i in labelled]
    before = [int(theirs[i]) in photos[i]["classes"] for i in labelled]
    lost = [i for i, now, then in zip(labelled, hits, before) if then and not now]
    paired = Paired(len(labelled), len(lost), sum(now and not then for now, then in zip(hits, before)))
    facts: Facts = {
        "top1_agreement": agreement,
        "top5_agreement": float(np.mean(shared)),
        "labelled": len(labelled),
        "top1_accuracy": float(np.mean(hits)) if hits else None,
        "reference_accuracy": float(np.mean(before)) if hits else None,
        "lost": paired.lost if hits else None,
        "gained": paired.gained if hits else None,
        "mcnemar_p": paired.p_value if hits else None,
        "wrong": [
            {"file": photos[i]["file"], "took": int(ours[i]), "reference": int(theirs[i]), "lost": i in lost}
            for i in np.flatnonzero(ours != theirs).tolist()
        ],
    }
    return facts, agreement, paired if hits else None


def verify(job: Job) -> Facts:
    """Open the candidate, run every input, compare, judge."""
    reference, model = job.sources["reference"], read_model(job.sources["checkpoint"])
    options = with_names(job.options, model)
    photos = json.loads((reference / "photos.json").read_text())
    held = [i for i, photo in enumerate(photos) if photo["split"] == VALIDATION]
    inputs = {name: rows[held] for name, rows in stored(reference, "inputs", options["inputs"]).items()}
    wanted = next(iter(stored(reference, "logits", options["outputs"]).values()))[held]
    session: Session = importlib.import_module("scripts.%s.session" % options["room"]).open(
        job.sources["deployable"], options
    )
    got = run_all(session, inputs, options["batch"], options["outputs"][0])
    placement = session.placement()
    session.close()
    ratio, agreement, paired = sqnr_db(wanted, got), None, None
    facts: Facts = {
        "batch": options["batch"],
        "image_size": options["image_size"],
        "photos": len(wanted),
        "max_abs_error": float(np.max(np.abs(wanted.astype(np.float64) - got))) if np.isfinite(got).all() else None,
        "sqnr_db": ratio,
        "cosine": cosine(wanted, got),
        "outputs_sha256": hashlib.sha256(np.ascontiguousarray(got).tobytes()).hexdigest(),
        "placement": placement._asdict(),
    }
    if model["task"] == "classification":
        before = reference / ORIGINAL
        original = np.load(str(before), mmap_mode="r")[held] if before.is_file() else None
        more, agreement, paired = classes(wanted, got, [photos[i] for i in held], original)
        facts.update(more)
    pruned = model.get("pruned") is not None
    rounding = json.loads((reference / ROUNDING).read_text()) if (reference / ROUNDING).is_file() else {}
    limit = rounding.get(options["precision"])
    facts.update(judge(options["precision"], model["trained"], ratio, agreement, paired, pruned, limit))
    if placement.degraded:
        facts.update(status="degraded", reason=placement.degraded)
    return facts


if __name__ == "__main__":
    raise SystemExit(main(verify, __doc__))
