"""Every candidate that did not run as asked or did not pass its gate, with its reason."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from scripts.report.evidence import Evidence
from scripts.report.palette import colour
from scripts.report.views.thumbnails import Photo, photos
from scripts.report.wording import FAILED_GATE, STATUS, candidate, known, listed, network, number, percent, sentence

NAMED_PHOTOS = 3
MEASURES = {
    "sqnr_db": "SQNR in dB",
    "top1_agreement": "top-1 agreement",
    "photos_lost": "net loss in labelled photos",
    "mcnemar_p": "p of the exact McNemar test",
}


@dataclass(frozen=True)
class Trouble:
    """One candidate of one network: how it ended, on which batches, why. `status` is `gate` where a gate failed."""

    model: str
    host: str
    name: str
    colour: str
    batches: str
    status: str
    label: str
    reason: str
    photos: list[Photo]


def troubles(table: pd.DataFrame, evidence: Evidence) -> list[Trouble]:
    """All of them, workloads with the same ending together; this host first, as the table has it."""
    reasons = table.apply(lambda cells: _reason(cells, evidence), axis=1) if len(table) else pd.Series(dtype=object)
    sizes = table.groupby(["model", "weights"])["image_size"].transform("nunique")
    rows = table.assign(_reason=reasons, _label=_outcomes(table), _several=sizes > 1)
    rows = rows[rows["_label"] != "ok"]
    names = ["host", "model", "weights", "runtime", "precision", "variant", "device", "_label", "_reason"]
    return [_trouble(group, evidence) for _, group in rows.groupby(names, sort=False, dropna=False)]


def _outcomes(table: pd.DataFrame) -> pd.Series:
    """Status of each row; `gate` for those that ran and failed it."""
    return table["status"].where((table["status"] != "ok") | (table["gate"] != "fail").fillna(True), "gate")


def _reason(cells: pd.Series, evidence: Evidence) -> str:
    if cells["status"] != "ok":
        return sentence(str(cells["reason"]))
    return failed_gate(cells, evidence) if known(cells["gate"]) and cells["gate"] == "fail" else ""


def failed_gate(cells: pd.Series, evidence: Evidence) -> str:
    """Which limits an artifact missed, and on which photos."""
    verified = evidence.verified(cells)
    missed = [
        f"{MEASURES.get(name, name)} is {number(check.get('value')) or 'not a number'}, the limit"
        f" {number(check.get('limit'), 2)}"
        for name, check in sorted((verified.get("gated") or {}).items())
        if not check.get("ok")
    ]
    wrong = [photo["file"] for photo in verified.get("wrong") or []]
    text = f"Its outputs are too far from the reference's: {listed(missed) or 'no figure was recorded'}."
    if wrong:
        agreement = percent(cells["top1_agreement"])
        shown = listed(
            [*wrong[:NAMED_PHOTOS], *([f"{len(wrong) - NAMED_PHOTOS} more"] if len(wrong) > NAMED_PHOTOS else [])]
        )
        text += f" It agrees on {agreement} of photos; another class comes first for {shown}."
    return text


def batches_of(group: pd.DataFrame, several: bool) -> str:
    """`1, 8`; where the network was measured at several image sizes `1, 8 at 224 px; 8 at 640 px`."""

    def told(size: Any, batches: pd.Series) -> str:
        text = ", ".join(str(batch) for batch in batches.drop_duplicates())
        return f"{text} at {size:.0f}\N{NO-BREAK SPACE}px" if several and known(size) else text

    return "; ".join(told(size, batches) for size, batches in group.groupby("image_size", dropna=False)["batch"])


def _trouble(group: pd.DataFrame, evidence: Evidence) -> Trouble:
    cells = group.iloc[0]
    status = cells["_label"]
    wrong = (evidence.verified(cells).get("wrong") or []) if status == "gate" else []
    labels = evidence.model(cells["model"], cells["weights"]).get("labels")
    return Trouble(
        model=network(cells), host=cells["host"], name=candidate(cells), colour=colour(cells["runtime"]),
        batches=batches_of(group, bool(cells["_several"])), status=status,
        label=STATUS.get(status, FAILED_GATE), reason=cells["_reason"],
        photos=photos(wrong, evidence.photos(cells["model"], cells["weights"]), labels),
    )  # fmt: skip


def counts(table: pd.DataFrame) -> list[tuple[str, int, str]]:
    """(outcome, how many rows, in words), in the order of the statuses."""
    outcomes = _outcomes(table)
    words = {"ok": "ran and may win" if (outcomes == "gate").any() else "ran", "gate": "ran and failed the gate"}
    order = {"ok": "", "gate": "", **STATUS}
    return [(name, int(n), words.get(name, STATUS.get(name, ""))) for name in order if (n := (outcomes == name).sum())]
