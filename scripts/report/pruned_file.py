"""What the zeros of a pruned network do to its file, and why a file that still holds masks grows."""

from typing import Any

from scripts.report.evidence import Evidence
from scripts.report.originals import Original
from scripts.report.study_rows import models_of, pruned_by
from scripts.report.wording import megabytes, number, percent

HEADER = ["file", "as it is", "compressed (zlib)", "of the whole network's"]

Values = dict[str, Any]


def facts_of(evidence: Evidence) -> Values | None:
    """What the pruning of this run's network recorded; None where nothing was pruned by magnitude."""
    weights = {(row.model, row.weights) for row in evidence.rows.values() if row.model in models_of(evidence)}
    for model, label in sorted(weights):
        found = evidence.model(model, label).get("pruned") if pruned_by(label) else None
        if found and found.get("masked"):
            return dict(found)
    return None


def table(facts: Values) -> list[list[str]]:
    """The whole network's file, the pruned one's with masks and without."""
    masked, whole = facts["masked"], facts["bytes"]["before"]
    files = [
        ("whole network", whole, facts["compressed"]["before"]),
        (
            "pruned, as torch.nn.utils.prune leaves it: weight_orig and weight_mask",
            masked["bytes"],
            masked["compressed"],
        ),
        ("pruned, after prune.remove: zeros among the weights", facts["bytes"]["after"], facts["compressed"]["after"]),
    ]
    return [[name, megabytes(size), megabytes(small), f"{number(size / whole)} times"] for name, size, small in files]


def sentences(original: Original, facts: Values) -> list[str]:
    """Why the file grows, and what size the pruned network truly has."""
    masks, whole = facts["masked"]["masks"], facts["bytes"]["before"]
    total = sum(masks.values())
    told = [
        f"Of the weights {percent(facts['sparsity'])} are zero. Until `prune.remove` is called, each pruned layer keeps"
        f" its weights as they were (`weight_orig`) and a mask of the same shape and type (`weight_mask`):"
        f" {megabytes(total)} of masks here, so the file grows by that. A dense file writes every zero in full:"
        f" removing the masks brings it back to {megabytes(facts['bytes']['after'])}, not below. What compresses does"
        f" shrink, from {megabytes(facts['compressed']['before'])} to {megabytes(facts['compressed']['after'])}."
    ]
    said = original.pruned_file_mb
    if said:
        growth = [number(1 + part / whole) for part in (total, masks["convolutions"])]
        told.append(
            f"The original's file grew {number(said['pruned'] / said['whole'])} times, from {said['whole']} to"
            f" {said['pruned']} MB. Here it is {growth[0]} times with masks on all convolutions and linear layers, and"
            f" would be {growth[1]} times with masks on the convolutions alone."
        )
    return told


def headline(facts: Values) -> str:
    """What the overview says of the file."""
    masked, after = (megabytes(facts[name][key]) for name, key in (("masked", "bytes"), ("bytes", "after")))
    return (
        f"{masked} with masks, {after} without, {megabytes(facts['compressed']['after'])} compressed;"
        f" the whole network's {megabytes(facts['bytes']['before'])}"
    )
