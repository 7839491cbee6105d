"""How one cell of a table is filled: what it shows, what it sorts by, the interval below it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from scripts.report.wording import GATE, is_untrained, known, number, percent, percents, span


@dataclass(frozen=True)
class Cell:
    """What a cell shows, what it sorts by (None: last), and what stands small below it."""

    text: str
    sort: float | str | None = None
    kind: str = ""
    small: str = ""
    title: str = ""


@dataclass(frozen=True)
class Column:
    """A column: heading, unit, what it means, how to fill it. `words`: it holds text, not numbers."""

    head: str
    unit: str
    says: str
    cell: Callable[[pd.Series], Cell]
    words: bool = False


EMPTY = Cell("")
UNIT = re.compile(r"_(per_s|ms|s)$")
"""How a column's name ends that says its unit."""


def figure(name: str, scale: float = 1.0, digits: int = 3, kind: str = "") -> Callable[[pd.Series], Cell]:
    """A number; where the table has its bounds (`x_lo_ms` and `x_hi_ms` of `x_ms`), the interval below it."""
    unit = UNIT.search(name)
    at = unit.start() if unit else len(name)
    lo, hi = (f"{name[:at]}_{end}{name[at:]}" for end in ("lo", "hi"))

    def cell(cells: pd.Series) -> Cell:
        value = cells[name]
        if not known(value):
            return EMPTY
        if isinstance(value, int) and scale == 1:
            return Cell(f"{value:,}", float(value), kind)
        ends = [cells[end] if end in cells and known(cells[end]) else None for end in (lo, hi)]
        if ends == [value, value]:
            return Cell(number(value * scale, digits), float(value), kind)  # a baseline against itself
        return Cell(number(value * scale, digits), float(value), kind, span(*(end and end * scale for end in ends)))

    return cell


def share(name: str, digits: int = 3) -> Callable[[pd.Series], Cell]:
    """A share as a percentage; where the table has its bounds (`x_lo` and `x_hi`), the interval below it."""

    def cell(cells: pd.Series) -> Cell:
        value = cells[name]
        if not known(value):
            return EMPTY
        bounds = [cells[end] for end in (f"{name}_lo", f"{name}_hi") if end in cells and known(cells[end])]
        return Cell(percent(value, digits), float(value), small=percents(*bounds) if len(bounds) == 2 else "")

    return cell


def accuracy(cells: pd.Series) -> Cell:
    """How many labelled photos are right; of fresh weights that says nothing, and nothing is shown."""
    return EMPTY if is_untrained(str(cells["weights"])) else share("top1_accuracy")(cells)


def text(name: str) -> Callable[[pd.Series], Cell]:
    """Words, as they are."""

    def cell(cells: pd.Series) -> Cell:
        value = cells[name]
        return Cell(str(value), str(value)) if known(value) else EMPTY

    return cell


def gate(cells: pd.Series) -> Cell:
    """Whether the gate was passed."""
    value = cells["gate"]
    return Cell(GATE.get(value, value), value, f"gate-{value}") if known(value) else EMPTY


def lost(cells: pd.Series) -> Cell:
    """Labelled photos that only the candidate, and that only the reference got wrong: `−2 +1`."""
    if not known(cells["photos_lost"]):
        return EMPTY
    minus, plus = int(cells["photos_lost"]), int(cells["photos_gained"])
    said = "exact McNemar test: p = " + number(cells["mcnemar_p"], 2) if known(cells["mcnemar_p"]) else ""
    return Cell(f"\N{MINUS SIGN}{minus} +{plus}" if minus or plus else "0", float(minus - plus), title=said)


def mark(name: str) -> Callable[[pd.Series], Cell]:
    """A tick where the table says yes."""

    def cell(cells: pd.Series) -> Cell:
        return Cell("\N{CHECK MARK}", 0.0) if known(cells[name]) and cells[name] else EMPTY

    return cell


def energy(cells: pd.Series) -> Cell:
    """Joules an item, or why they are not known."""
    if known(cells["energy_j"]):
        return Cell(number(cells["energy_j"]), float(cells["energy_j"]))
    return Cell(str(cells["energy_reason"]) if known(cells["energy_reason"]) else "", None, "quiet")
