"""One network on several machines: a request's time side by side, and what their GPUs say."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from scripts.report.palette import colour
from scripts.report.views.cells import Cell, Column, figure
from scripts.report.views.tables import ON_GPU
from scripts.report.wording import STATUS, candidate, is_untrained, known


@dataclass(frozen=True)
class Machines:
    """One network's candidates over several hosts: a line per candidate and batch, a cell per host."""

    model: str
    weights: str
    hosts: tuple[str, ...]
    lines: tuple[tuple[str, str, int, tuple[Cell, ...]], ...]
    gpu_columns: tuple[Column, ...]
    gpu_lines: tuple[tuple[str, str, int, str, tuple[Cell, ...]], ...]

    @property
    def untrained(self) -> bool:
        return is_untrained(self.weights)


def machines(table: pd.DataFrame, model: str, weights: str, location: str) -> Machines:
    """One network's candidates by host, at `location`; a row that did not run says how it ended."""
    rows = table[(table["model"] == model) & (table["weights"] == weights) & (table["mode"] == "latency")]
    hosts = tuple(rows["host"].drop_duplicates())
    names = ["runtime", "precision", "variant", "device", "batch", "image_size"]
    found = []
    for _, group in rows.groupby(names, sort=False, dropna=False):
        by_host: dict[Any, pd.Series] = {cells["host"]: cells for _, cells in group.iterrows()}
        first = group.iloc[0]
        cells = tuple(_on_host(by_host.get(host), location) for host in hosts)
        found.append((candidate(first), colour(first["runtime"]), int(first["batch"]), cells))
    return Machines(model, weights, hosts, tuple(found), ON_GPU, tuple(_on_gpus(rows)))


def _on_gpus(rows: pd.DataFrame) -> Iterator[tuple[str, str, int, str, tuple[Cell, ...]]]:
    """What GPUs themselves say: candidate, colour, batch, host and cells of each row that ran on one, fastest first."""
    for _, cells in rows[rows["device_ms"].notna()].sort_values(["batch", "device_ms"]).iterrows():
        shown = tuple(column.cell(cells) for column in ON_GPU)
        yield candidate(cells), colour(cells["runtime"]), int(cells["batch"]), str(cells["host"]), shown


def _on_host(cells: pd.Series | None, location: str) -> Cell:
    if cells is None:
        return Cell("not asked for", None, "quiet")
    if not known(cells["median_ms"]):
        return Cell(STATUS[cells["status"]], None, "quiet")
    return figure(f"{location}_ms")(cells)
