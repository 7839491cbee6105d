"""The synthetic finals: the fastest of each question, at most three, measured afresh; eager PyTorch as their guest."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.unit.records_cases import Case
from tests.unit.records_trials import call_ms, trial_facts

if TYPE_CHECKING:
    from tests.unit.records_factory import Tree

QUESTION = ("model", "weights", "batch", "image_size", "mode", "threads")
Planned = tuple[dict[str, Any], Case]
"""A row of the plan, and how it fares."""


def write_finals(tree: "Tree", host: str, rounds: int, noise: float) -> None:
    """finals.json of `host`, with its samples. noise: standard deviation of logs between trials."""
    questions: dict[tuple[Any, ...], list[Planned]] = {}
    for row, case in tree.cases:
        questions.setdefault(tuple(row[name] for name in QUESTION), []).append((row, case))
    folder, found = tree.artifacts / "hosts" / host / "finals", []
    for number, (key, rows) in enumerate(questions.items()):
        rows.sort(key=lambda each: call_ms(each[1], each[0]["batch"], False))
        if len(rows) < 2:
            continue
        phase = tree.random.normal(0, 0.02, rounds)
        guests = [each for each in rows[3:] if each[0]["runtime"] == "pytorch"]
        finalists = [
            _finalist(tree, folder, str(number), planned, phase, noise) | {"guest": planned in guests}
            for planned in [*rows[:3], *guests]
        ]
        counts = {"rounds_asked": rounds, "rounds": rounds, "why_fewer": None}
        found.append(dict(zip(QUESTION, key, strict=True)) | counts | {"finalists": finalists})
    record = {"schema": 1, "kind": "finals", "host": host, "location": "p10", "questions": found}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "finals.json").write_text(json.dumps(record))


def _finalist(
    tree: "Tree", folder: Path, question: str, planned: Planned, phase: np.ndarray, noise: float
) -> dict[str, Any]:
    """One finalist with a trial in each round. phase: of the host, a log for each round."""
    row, case = planned
    name = ".".join(row[part] for part in ("runtime", "precision", "variant"))
    trials = []
    for n, host in enumerate(phase, 1):
        ms = call_ms(case, row["batch"], False) * float(np.exp(host + tree.random.normal(0, noise)))
        raw = f"{question}/{name}.{n}.npz"
        facts = tree.raw(folder / raw, row["mode"], ms)
        trials.append(
            {"status": "ok", "reason": None, "raw": raw, "trial": n, "round": n, "position": 0}
            | {"session": "s.finals", "mode": row["mode"], "batch": row["batch"]}
            | trial_facts(case, n, row["device"], tree.samples) | facts
        )  # fmt: skip
    kind = {name: row[name] for name in ("runtime", "precision", "variant", "device", "shape")}
    return kind | {"artifact_sha256": "0" * 64, "trials": trials}
