"""Which rows of the results answer what a study asked, and why there is none where there is none.

A line is one candidate of the original on one host under one workload, with its row of the table or the reason why it
has none. Nothing that the original had is left out: what no row answers is a line with a reason.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from scripts.core.catalogue import RUNTIMES
from scripts.report.evidence import Evidence, key_of
from scripts.report.originals import Asked, Compared, Original, Values, matching
from scripts.report.reading import Trial
from scripts.report.relations import ratio
from scripts.report.wording import FAILED_GATE, STATUS, known, listed
from scripts.stats.intervals import Interval

WHOLE = "whole"
LEAST_ROUNDS = 3
"""Of two rounds an interval is as wide as chance likes: the screen, with more trials, says more."""


@dataclass(frozen=True)
class Line:
    """One candidate on one host under one workload (device, batch, image_size).

    cells: its row of the table, None where there is none; reason: why it has no figures, empty where it has.
    batches, sizes: those that the line stands for; several only where no figures are there to tell them apart.
    """

    asked: Asked
    host: str
    network: str
    workload: Values
    cells: pd.Series | None
    reason: str
    said: Values = field(default_factory=dict)
    batches: tuple[int, ...] = ()
    sizes: tuple[int | None, ...] = ()


def pruned_by(weights: str) -> str | None:
    """The method by which weights were pruned, from what they are called; None for whole ones."""
    kind = weights.rpartition("_")[2].rstrip("0123456789")
    return kind if kind in ("magnitude", "structured") else None


def base(weights: str) -> str:
    """What the weights were before they were pruned."""
    return weights.rpartition("_")[0] if pruned_by(weights) else weights


def models_of(evidence: Evidence) -> list[str]:
    """The networks of this run."""
    return list(dict.fromkeys(row.model for row in evidence.rows.values() if row.host == evidence.host))


def _rows(table: pd.DataFrame, asked: Asked, device: str, models: list[str]) -> pd.DataFrame:
    """The rows of all hosts that are this candidate, one request at a time."""
    wanted = {"runtime": asked.runtime, "precision": asked.precision, "variant": asked.variant, "device": device}
    is_asked = table["model"].isin(models) & (table["mode"] == "latency")
    for name, value in wanted.items():
        is_asked &= table[name] == value
    return table[is_asked & (table["weights"].map(pruned_by, na_action="ignore").map(_name) == _name(asked.pruned))]


def _name(method: Any) -> str:
    return str(method) if known(method) else WHOLE


def workload_of(cells: pd.Series) -> Values:
    """Device, batch and image size of a row."""
    size = cells["image_size"]
    return {"device": cells["device"], "batch": int(cells["batch"]), "image_size": int(size) if known(size) else None}


def reason_of(cells: pd.Series) -> str:
    """Why a row has no figures; empty where it has."""
    if known(cells["median_ms"]):
        return ""
    reason, label = str(cells["reason"]), STATUS[cells["status"]]
    return reason if label in reason else f"{label}: {reason}"


def why_absent(asked: Asked, device: str) -> str:
    """Why no row of this host is this candidate there."""
    runtime = RUNTIMES[asked.runtime]
    place = next((place for place in runtime.places if device in place.devices), None)
    if place is None:
        where = listed([device for place in runtime.places for device in place.devices])
        return f"not measured: Assay runs {runtime.title} on {where} alone"
    if asked.variant not in place.variants_of(asked.precision, [asked.variant]):
        return f"not measured: Assay has no {asked.precision} ({asked.variant}) of {runtime.title} on {device}"
    return "not measured: this run did not ask for it"


def lines(original: Original, table: pd.DataFrame, evidence: Evidence) -> list[Line]:
    """Every candidate that the study asked for, on every host: this one first."""
    return [
        line
        for asked in original.candidates
        for device in asked.devices
        for line in _merged(_lines(original, asked, device, table, evidence))
    ]


def _lines(original: Original, asked: Asked, device: str, table: pd.DataFrame, evidence: Evidence) -> Iterator[Line]:
    models = models_of(evidence)
    rows = _rows(table, asked, device, models)
    here = rows[rows["host"] == evidence.host]
    answered: list[Values] = []
    for _, cells in here.iterrows():
        yield _line(original, asked, cells)
        answered.append(workload_of(cells))
    if original.network in models or not len(here):
        yield from _unanswered(original, asked, device, answered, evidence)
    for _, cells in rows[rows["host"] != evidence.host].iterrows():
        yield _line(original, asked, cells)


def _line(original: Original, asked: Asked, cells: pd.Series) -> Line:
    """A row's line; the original's figures beside it where it is the original's network."""
    workload = workload_of(cells)
    said = matching(asked.said, workload) if cells["model"] == original.network else []
    network = f"{cells['model']}.{base(cells['weights'])}"
    kind = (workload["batch"],), (workload["image_size"],)
    return Line(asked, cells["host"], network, workload, cells, reason_of(cells), said[0] if said else {}, *kind)


def _unanswered(
    original: Original, asked: Asked, device: str, answered: list[Values], evidence: Evidence
) -> Iterator[Line]:
    """What the original had and this run has no row for: its workloads, or all of the candidate."""
    network, absent = _network(original, evidence), why_absent(asked, device)
    missing = [
        said for said in asked.said
        if said.get("device", device) == device and not any(said in matching([said], each) for each in answered)
    ]  # fmt: skip
    for said in missing:
        workload = {"device": device, "batch": said["batch"], "image_size": said.get("image_size")}
        reason = "not measured: this run did not ask for this workload" if answered else absent
        kind = (workload["batch"],), (workload["image_size"],)
        yield Line(asked, evidence.host, network, workload, None, reason, said, *kind)
    if not missing and not answered:
        yield Line(asked, evidence.host, network, {"device": device, "batch": None, "image_size": None}, None, absent)


def _network(original: Original, evidence: Evidence) -> str:
    """The original's network as this run has it; its bare name where the run does without."""
    weights = (r.weights for r in evidence.rows.values() if (r.host, r.model) == (evidence.host, original.network))
    return next((f"{original.network}.{base(each)}" for each in weights), original.network)


def _merged(found: Iterator[Line]) -> list[Line]:
    """Neighbours that say nothing but the same reason are one line."""
    kept: list[Line] = []
    for line in found:
        last = kept[-1] if kept else None
        if (
            last
            and line.reason
            and not (line.said or last.said)
            and (line.host, line.reason, line.network) == (last.host, last.reason, last.network)
        ):
            batches = tuple(dict.fromkeys(last.batches + line.batches))
            kept[-1] = replace(last, batches=batches, sizes=tuple(dict.fromkeys(last.sizes + line.sizes)))
        else:
            kept.append(line)
    return kept


@dataclass(frozen=True)
class Claim:
    """One comparison on one host under one workload: the original's ratio, and ours or why there is none.

    finals: the same ratio from the finals, where both took part in LEAST_ROUNDS of their rounds; caveats: which of the
    two is not what was asked for, or failed its gate.
    """

    compared: Compared
    host: str
    network: str
    workload: Values
    original: float | None
    ours: Interval | None
    finals: Interval | None
    reason: str
    caveats: str
    batches: tuple[int, ...]
    sizes: tuple[int | None, ...]

    @property
    def is_headline(self) -> bool:
        """Whether the overview shows it: a workload that the study's file names, or none at all."""
        return any(
            each.get("batch", batch) == batch and each.get("image_size", size) == size
            for each in self.compared.headline
            for batch in self.batches or (each.get("batch"),)
            for size in self.sizes or (each.get("image_size"),)
        )

    @property
    def verdict(self) -> str:
        """Where the original's ratio lies, seen from our interval."""
        told = self.finals or self.ours
        if self.original is None or told is None or told.lo is None or told.hi is None:
            return ""
        if told.lo <= self.original <= told.hi:
            return "as the original"
        return "less than the original" if told.hi < self.original else "more than the original"


def claims(original: Original, found: list[Line], evidence: Evidence) -> list[Claim]:
    """Every comparison of the study, on every host and under every workload that its new candidate has a line for."""
    return [
        claim
        for compared in original.comparisons
        for new in found
        if new.asked is compared.new
        for claim in _claims(compared, new, found, evidence, original)
    ]


def _claims(
    compared: Compared, new: Line, found: list[Line], evidence: Evidence, original: Original
) -> Iterator[Claim]:
    if new.workload["device"] not in compared.devices:
        return
    is_same = new.cells is None or new.cells["model"] == original.network
    told = compared.original(new.workload) if is_same and new.workload["batch"] else None
    old = next((line for line in found if line.asked is compared.old and _is_beside(line, new)), None)
    place = (compared, new.host, new.network, new.workload, told)
    if new.reason or old is None or old.reason:
        why = new.reason or (old.reason if old else f"not measured: no {compared.old.name} beside it")
        yield Claim(*place, None, None, why, "", new.batches, new.sizes)
        return
    caveats = "; ".join(text for line in (new, old) for text in _caveats(line))
    yield Claim(*place, *_ratios(new, old, evidence), "", caveats, new.batches, new.sizes)


def _caveats(line: Line) -> Iterator[str]:
    cells = line.cells
    if cells is not None and cells["status"] != "ok":
        yield f"{line.asked.name} ran {STATUS[cells['status']]}"
    if cells is not None and known(cells["gate"]) and cells["gate"] == "fail":
        yield f"{line.asked.name} {FAILED_GATE}"


def _is_beside(old: Line, new: Line) -> bool:
    """Whether two lines share host, network and workload."""
    return (old.host, old.network, old.workload) == (new.host, new.network, new.workload)


def _ratios(new: Line, old: Line, evidence: Evidence) -> tuple[Interval, Interval | None]:
    keys = key_of(new.cells), key_of(old.cells)  # type: ignore[arg-type]
    screen = ratio(evidence.trials[keys[1]], evidence.trials[keys[0]], evidence.location)
    for finals in evidence.finals.values():
        held = {finalist.key: finalist.trials for finalist in finals.finalists if finalist.trials}
        if held.keys() >= set(keys) and len(_shared(held[keys[0]], held[keys[1]])) >= LEAST_ROUNDS:
            return screen, ratio(held[keys[1]], held[keys[0]], evidence.location)
    return screen, None


def _shared(new: Sequence[Trial], old: Sequence[Trial]) -> set[Any]:
    """The rounds in which both were measured."""
    return {trial.round for trial in new} & {trial.round for trial in old}
