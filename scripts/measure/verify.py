"""Compare one candidate with the fp32 reference on every input: a gate, by precision.

Sources: `deployable` (the files a session opens), `reference` (inputs, reference outputs, labels) and
`checkpoint` (`model.json`). Runs in the runtime's own environment, through the same door as the worker.
"""

import importlib
import json
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from scripts.core.door import Arrays, Session
from scripts.core.verb import Facts, Job, main
from scripts.measure.gate import judge
from scripts.measure.inputs import batch_of, read_model, stored, with_names

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


def classes(reference: np.ndarray, got: np.ndarray, photos: List[Dict[str, Any]]) -> Tuple[Facts, float]:
    """Agreement with the reference and accuracy on the labels, for outputs [N, classes]."""
    ours, theirs = got.argmax(1), reference.argmax(1)
    top = min(5, got.shape[1])
    best, wanted = np.argsort(-got, 1)[:, :top], np.argsort(-reference, 1)[:, :top]
    shared = [len(set(a) & set(b)) / top for a, b in zip(best.tolist(), wanted.tolist())]
    labelled = [i for i, photo in enumerate(photos) if photo["classes"]]
    hits = [int(ours[i]) in photos[i]["classes"] for i in labelled]
    agreement = float(np.mean(ours == theirs))
    facts: Facts = {
        "top1_agreement": agreement,
        "top5_agreement": float(np.mean(shared)),
        "labelled": len(labelled),
        "top1_accuracy": float(np.mean(hits)) if hits else None,
        "wrong": [photos[i]["file"] for i in np.flatnonzero(ours != theirs)],
    }
    return facts, agreement


def verify(job: Job) -> Facts:
    """Open the candidate, run every input, compare, judge."""
    reference, model = job.sources["reference"], read_model(job.sources["checkpoint"])
    options = with_names(job.options, model)
    inputs = stored(reference, "inputs", options["inputs"])
    wanted = np.asarray(next(iter(stored(reference, "logits", options["outputs"]).values())))
    session: Session = importlib.import_module("scripts.%s.session" % options["room"]).open(
        job.sources["deployable"], options
    )
    got = run_all(session, inputs, options["batch"], options["outputs"][0])
    placement = session.placement()
    session.close()
    ratio, agreement = sqnr_db(wanted, got), None
    facts: Facts = {
        "batch": options["batch"],
        "image_size": options["image_size"],
        "photos": len(wanted),
        "max_abs_error": float(np.max(np.abs(wanted.astype(np.float64) - got))) if np.isfinite(got).all() else None,
        "sqnr_db": ratio,
        "cosine": cosine(wanted, got),
        "placement": placement._asdict(),
    }
    if model["task"] == "classification":
        more, agreement = classes(wanted, got, json.loads((reference / "photos.json").read_text()))
        facts.update(more)
    facts.update(judge(options["precision"], model["trained"], ratio, agreement))
    if placement.degraded:
        facts.update(status="degraded", reason=placement.degraded)
    return facts


if __name__ == "__main__":
    raise SystemExit(main(verify, __doc__))
