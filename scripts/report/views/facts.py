"""What else matters before a leader is deployed: right answers, slow requests, size, memory, cold start, energy."""

from dataclasses import dataclass

import pandas as pd

from scripts.report.evidence import Evidence
from scripts.report.wording import candidate, is_untrained, known, milliseconds, number, percent, percents, span


@dataclass(frozen=True)
class Facts:
    """A line per fact, a value per leader; facts that no leader has are left out."""

    names: tuple[str, ...]
    lines: tuple[tuple[str, tuple[str, ...]], ...]


def facts(rows: pd.DataFrame, evidence: Evidence) -> Facts:
    """The facts of some rows, side by side."""
    each = [_facts(cells, evidence) for _, cells in rows.iterrows()]
    names = list(dict.fromkeys(name for one in each for name in one))
    lines = [(name, tuple(one.get(name, "") for one in each)) for name in names]
    return Facts(
        tuple(candidate(cells) for _, cells in rows.iterrows()),
        tuple((name, values) for name, values in lines if any(values)),
    )


def _facts(cells: pd.Series, evidence: Evidence) -> dict[str, str]:
    verified = evidence.verified(cells)
    photos, labelled = verified.number("photos"), verified.number("labelled")
    found = {}
    if known(cells["top1_agreement"]) and photos:
        agreed = round(float(cells["top1_agreement"]) * photos)
        found["Same class as the reference"] = f"{agreed:.0f} of {photos:.0f} photos"
    if known(cells["top1_accuracy"]) and labelled and not is_untrained(str(cells["weights"])):
        interval = percents(*(cells[f"top1_accuracy_{end}"] for end in ("lo", "hi")))
        found["Top-1 accuracy"] = f"{percent(cells['top1_accuracy'])} of {labelled:.0f} labelled photos ({interval})"
        if known(cells["photos_lost"]) and (cells["photos_lost"] or cells["photos_gained"]):
            change = f"{cells['photos_lost']} lost, {cells['photos_gained']} gained"
            found["Against the reference"] = f"{change}; exact McNemar p = {number(cells['mcnemar_p'], 2)}"
    return found | {
        "Slowest tenth of requests": f"above {milliseconds(cells['p90_ms'])}" if known(cells["p90_ms"]) else "",
        "Artifact": f"{number(cells['artifact_bytes'] / 1e6)} MB" if known(cells["artifact_bytes"]) else "",
        "Memory": f"{number(cells['peak_rss_mb'])} MB" if known(cells["peak_rss_mb"]) else "",
        "Cold start": cold_start(cells),
        "Energy": f"{number(cells['energy_j'])} J an item" if known(cells["energy_j"]) else "",
    }


def cold_start(cells: pd.Series) -> str:
    """`0.21 s (0.20 to 0.23)`."""
    if not known(cells["cold_start_s"]):
        return ""
    interval = span(cells["cold_start_lo_s"], cells["cold_start_hi_s"])
    return f"{number(cells['cold_start_s'], 2)} s" + (f" ({interval})" if interval else "")
