"""Power against throughput: what each candidate takes and gives, host by host, for one network and batch."""

from collections.abc import Iterator

import pandas as pd

from scripts.report.dots import Dot, dots
from scripts.report.views.charts import Chart, barred, marks, prefix_of
from scripts.report.wording import candidate, known, listed, merged

UNTOLD = "not recorded"
LEAST = 2
"""A single dot is told by the tables."""


def power(rows: pd.DataFrame, noun: str) -> Iterator[Chart]:
    """A chart per image size and batch at which the power of two rows or more is known.

    rows: one network's in latency mode, of all hosts; noun: what it takes, such as images.
    """
    rows = rows[rows["throughput_per_s"].notna()]
    several = rows["image_size"].nunique() > 1
    for _, group in rows.groupby(["image_size", "batch"], dropna=False):
        told = group[group["power_w"].notna()]
        if len(told) < LEAST:
            continue
        first = group.iloc[0]
        size, batch = (int(first[name]) if known(first[name]) else None for name in ("image_size", "batch"))
        name = prefix_of(first["model"], first["weights"], size)
        title = f"Power and throughput at batch {batch}" + (f", {size} px" if several and size else "")
        note = (
            f"Mean power under load, idle included, against {noun} per second, a panel per host. Named: no other"
            f" candidate of the host gives more for less power.{marks(told)}{' '.join(['', *_untold(group)])}"
        )
        svg = dots(list(_dots(told)), f"{noun} per second")
        yield Chart(f"{name}-power-b{batch}", title, note, svg)


def _dots(rows: pd.DataFrame) -> Iterator[Dot]:
    if rows["device"].nunique() == 1:
        rows = rows.assign(device="")  # it needs no saying
    for host, group in rows.groupby("host", sort=False):
        for _, cells in group.iterrows():
            rate, watts = float(cells["throughput_per_s"]), float(cells["power_w"])
            better = group[(group["throughput_per_s"] >= rate) & (group["power_w"] <= watts)]
            beaten = ((better["throughput_per_s"] > rate) | (better["power_w"] < watts)).any()
            name = candidate(cells) + (" *" if barred(cells) else "")
            yield Dot(name, cells["runtime"], cells["precision"], str(host), rate, watts, named=not beaten)


def _untold(rows: pd.DataFrame) -> Iterator[str]:
    """A sentence for each reason why rows have no power: which ones, or that it is all of a host's."""
    untold = rows[rows["power_w"].isna()]
    for host, group in untold.groupby("host", sort=False):
        of_host = rows[rows["host"] == host]
        reasons = group["energy_reason"].fillna(UNTOLD)
        for reason, those in group.groupby(reasons.map(merged(reasons)), sort=False):
            names = [candidate(cells) for _, cells in those.iterrows()]
            who = "any candidate" if len(names) == len(of_host) else listed(names)
            yield f"Without power on {host}: {who} ({reason})."
