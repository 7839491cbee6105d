"""One network on several machines: a request's time side by side, and what their GPUs and CPUs reach."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from scripts.report.palette import colour
from scripts.report.views.cells import Cell, Column, figure
from scripts.report.views.charts import Chart
from scripts.report.views.columns import KEPT_FULL, ON_CPU, ON_GPU
from scripts.report.views.power import power
from scripts.report.views.tables import is_on_cpu
from scripts.report.wording import STATUS, candidate, is_untrained, known

SIZED = ["image_size", "batch"]
RATE = figure("throughput_per_s", kind="strong")
NOT_ASKED = Cell("–", None, "quiet", title="not asked for there")


@dataclass(frozen=True)
class Line:
    """A candidate at one batch, and at one image size (pixels) where the network was measured at several."""

    name: str
    colour: str
    batch: int
    size: int | None
    host: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Reached:
    """What each row reached that ran on one kind of device; `says`: what of it."""

    says: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Machines:
    """One network's candidates over several hosts: a line per candidate and batch, a cell per host."""

    model: str
    weights: str
    hosts: tuple[str, ...]
    lines: tuple[Line, ...]
    reached: tuple[Reached, ...]
    charts: tuple[Chart, ...]

    @property
    def untrained(self) -> bool:
        return is_untrained(self.weights)

    @property
    def has_gaps(self) -> bool:
        """Whether something was asked of one host and not of another."""
        return any(cell is NOT_ASKED for line in self.lines for cell in line.cells)


def machines(table: pd.DataFrame, model: str, weights: str, location: str, noun: str) -> Machines:
    """One network's candidates by host, at `location`; a row that did not run says how it ended.

    noun: what the network takes, such as images.
    """
    of_network = table[(table["model"] == model) & (table["weights"] == weights)]
    rows = of_network[of_network["mode"] == "latency"]
    hosts = tuple(rows["host"].drop_duplicates())
    names = ["runtime", "precision", "variant", "device", *SIZED]
    several = rows["image_size"].nunique() > 1
    found = []
    for _, group in rows.sort_values(names).groupby(names, sort=False, dropna=False):
        by_host: dict[Any, pd.Series] = {cells["host"]: cells for _, cells in group.iterrows()}
        cells = tuple(_on_host(by_host.get(host), location) for host in hosts)
        found.append(_line(group.iloc[0], cells, several))
    reached = (*_reached(rows, several), *_kept_full(of_network, several, noun))
    return Machines(model, weights, hosts, tuple(found), reached, tuple(power(rows, noun)))


def _reached(rows: pd.DataFrame, several: bool) -> Iterator[Reached]:
    """What was reached on GPUs and on CPUs, fastest first; no table that has no row."""
    on_gpu, on_cpu = rows[rows["device_ms"].notna()], rows[is_on_cpu(rows) & rows["peak_share"].notna()]
    kinds: Sequence[tuple[str, tuple[Column, ...], pd.DataFrame, str]] = (
        ("on GPUs: the time on the GPU alone, and what came of it", ON_GPU, on_gpu, "device_ms"),
        ("on CPUs: the execution alone, and what came of it", ON_CPU, on_cpu, "execute_ms"),
    )
    for says, columns, found, time in kinds:
        if not found.empty:
            yield _shown(says, columns, found.sort_values([*SIZED, time]), several)


def _kept_full(rows: pd.DataFrame, several: bool, noun: str) -> Iterator[Reached]:
    """What several requests in flight reached, most first; nothing where no row measured that.

    noun: what the network takes, such as images.
    """
    found = rows[(rows["mode"] == "throughput") & rows["throughput_per_s"].notna()]
    if not found.empty:
        columns = (Column(f"{noun.capitalize()}/s", "", "With as many streams as were best", RATE), *KEPT_FULL)
        ordered = found.sort_values([*SIZED, "throughput_per_s"], ascending=[True, True, False])
        yield _shown("kept full: several requests in flight", columns, ordered, several)


def _shown(says: str, columns: Sequence[Column], rows: pd.DataFrame, several: bool) -> Reached:
    """A line for each row, in their order, without the columns that no row tells anything in."""
    ordered = [cells for _, cells in rows.iterrows()]
    told = tuple(column for column in columns if any(column.cell(cells).text for cells in ordered))
    shown = [_line(cells, tuple(column.cell(cells) for column in told), several) for cells in ordered]
    return Reached(says, told, tuple(shown))


def _line(cells: pd.Series, shown: tuple[Cell, ...], several: bool) -> Line:
    """several: the network was measured at more than one image size."""
    size = int(cells["image_size"]) if several and known(cells["image_size"]) else None
    return Line(candidate(cells), colour(cells["runtime"]), int(cells["batch"]), size, str(cells["host"]), shown)


def _on_host(cells: pd.Series | None, location: str) -> Cell:
    if cells is None:
        return NOT_ASKED
    if not known(cells["median_ms"]):
        return Cell(STATUS[cells["status"]], None, "quiet")
    return figure(f"{location}_ms")(cells)
