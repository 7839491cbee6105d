"""The report's figures: SVG by matplotlib, the same bytes from the same table.

Each figure is narrow enough for a phone; the page puts them side by side where there is room.
"""

import html
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from scripts.report.palette import GRID, INK, MUTED, PAGE, PAPER, colour
from scripts.report.wording import number

WIDTH_IN, ROW_IN, FRAME_IN = 4.7, 0.29, 0.6
FONT_PT = 10.5
LOG_FROM = 25
"""Where the widest reaches this many times as far as the fastest, a linear axis hides the fast ones."""
OUTSIDE = 20
"""The axis of points ends this many times beyond the outermost of them."""
SHADES = (1.0, 0.6, 0.3)
FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "assay", "font.size": FONT_PT, "font.family": "DejaVu Sans",
    "text.color": INK, "axes.labelcolor": MUTED, "xtick.color": MUTED, "ytick.color": INK, "axes.edgecolor": GRID,
    "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False,
    "axes.grid": True, "axes.grid.axis": "x",
    "grid.color": GRID, "grid.linewidth": 0.8, "axes.axisbelow": True, "ytick.major.size": 0, "xtick.major.size": 0,
    "figure.facecolor": PAPER, "axes.facecolor": "none", "savefig.facecolor": PAPER, "axes.labelsize": FONT_PT - 1,
    "xtick.labelsize": FONT_PT - 1, "legend.frameon": False, "legend.fontsize": FONT_PT - 1,
}  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """One line of a figure: its label, its runtime, its numbers (shown from left to right)."""

    label: str
    runtime: str
    values: tuple[float, ...]
    bold: bool = False


@dataclass(frozen=True)
class Curve:
    """A candidate's total time: `outlay` seconds, then `each` seconds an inference. Bold ones are named."""

    label: str
    runtime: str
    outlay: float
    each: float
    bold: bool


def _axes(rows: int, panels: int = 1) -> tuple[Figure, list[Axes]]:
    layout = ConstrainedLayoutEngine(w_pad=0.04, h_pad=0.03, wspace=0.06)
    figure = Figure(figsize=(WIDTH_IN, FRAME_IN + ROW_IN * rows), layout=layout)
    axes = figure.subplots(1, panels, sharey=True, squeeze=False)[0]
    return figure, list(axes)


def _label_rows(axes: Axes, bars: Sequence[Bar]) -> None:
    """Names on the left, first on top."""
    axes.set_yticks(range(len(bars)), [bar.label for bar in bars])
    axes.set_ylim(len(bars) - 0.45, -0.55)
    for text, bar in zip(axes.get_yticklabels(), bars, strict=True):
        text.set_fontweight("bold" if bar.bold else "normal")


def _frame(axes: Axes, unit: str) -> None:
    axes.set_xlabel(unit, loc="right")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1000 else f"{value:g}"))


def as_svg(figure: Figure) -> str:
    """The figure's text, without a date."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    text = re.sub(r"'DejaVu Sans'[^;\"]*", FONTS, stream.getvalue())
    return text[text.index("<svg") :]


def points(bars: Sequence[Bar], unit: str) -> str:
    """A dot with its interval per candidate, and a ring beside it for a second location.

    `values`: the location, its lower and upper bound (the location where unknown), the second location (NaN: none).
    """
    with matplotlib.rc_context(STYLE):
        figure, (axes,) = _axes(len(bars))
        known = [[value for value in bar.values if value == value] for bar in bars]
        # An interval over powers of ten (two trials) leaves the picture: its points must stay readable.
        edge = min(max(map(max, known)), OUTSIDE * max(bar.values[0] for bar in bars))
        least = max(min(map(min, known)), min(bar.values[0] for bar in bars) / OUTSIDE)
        is_log = edge > LOG_FROM * min(bar.values[0] for bar in bars)
        if is_log:
            axes.set_xscale("log")
        for row, bar in enumerate(bars):
            middle, lo, hi, second = bar.values
            _dot(axes, row, (middle, lo, hi), bar)
            axes.plot([second], [row], "o", color=INK, markersize=6, markerfacecolor="none", markeredgewidth=1)
            axes.annotate(
                number(middle), (min(max(known[row]), edge), row), (8, 0), textcoords="offset points", va="center",
                fontweight="bold" if bar.bold else "normal",
            )  # fmt: skip
        axes.set_xlim(least / 1.3 if is_log else 0, edge * (1.9 if is_log else 1.16))
        if not is_log:
            axes.xaxis.set_major_locator(MaxNLocator(5))
        _label_rows(axes, bars)
        _frame(axes, f"{unit} (log scale)" if is_log else unit)
        return as_svg(figure)


def ratios(bars: Sequence[Bar]) -> str:
    """How much slower than the best each candidate is, with its interval. `values`: ratio, lower and upper bound.

    Bold bars may be the best and have a filled dot; the others are told apart from it and have an open one.
    """
    with matplotlib.rc_context(STYLE):
        figure, (axes,) = _axes(len(bars))
        edge = max(max(bar.values) for bar in bars)
        in_percent = edge < 2
        for row, bar in enumerate(bars):
            shown = [100 * (value - 1) if in_percent else value for value in bar.values]
            _dot(axes, row, (shown[0], shown[1], shown[2]), bar, filled=bar.bold)
        start = 0.0 if in_percent else 1.0
        span = max(100 * (edge - 1) if in_percent else edge - 1, 0.5 if in_percent else 0.005)
        axes.axvline(start, color=INK, linewidth=1)
        axes.set_xlim(start - 0.03 * span, start + 1.06 * span)
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        _label_rows(axes, bars)
        _frame(axes, "% slower than the best" if in_percent else "times the best one's time")
        return as_svg(figure)


def _dot(axes: Axes, row: int, values: tuple[float, float, float], bar: Bar, filled: bool = True) -> None:
    """A point and its interval, as a pale band with a thin line that also shows without colour."""
    middle, lo, hi = values
    shade = colour(bar.runtime)
    axes.plot([lo, hi], [row, row], color=shade, linewidth=7, alpha=0.4, solid_capstyle="butt")
    axes.plot([lo, hi], [row, row], color=shade, linewidth=1.2, solid_capstyle="butt")
    face = shade if filled else PAPER
    axes.plot([middle], [row], "o", color=shade, markersize=5, markerfacecolor=face, markeredgewidth=1.4)


def panels(bars: Sequence[Bar], units: Sequence[str]) -> str:
    """One panel of plain bars per unit, side by side. `values`: one per unit, NaN where unknown."""
    with matplotlib.rc_context(STYLE):
        figure, all_axes = _axes(len(bars), len(units))
        for index, (axes, unit) in enumerate(zip(all_axes, units, strict=True)):
            _bars(axes, bars, [[bar.values[index]] for bar in bars])
            axes.xaxis.set_major_locator(MaxNLocator(2))  # the panels are narrow
            _frame(axes, unit)
        _label_rows(all_axes[0], bars)
        return as_svg(figure)


def stacked(bars: Sequence[Bar], parts: Sequence[str], unit: str) -> str:
    """One bar per candidate made of `parts`, from the full colour to its palest shade. `values`: one per part."""
    with matplotlib.rc_context(STYLE):
        figure, (axes,) = _axes(len(bars) + 1)
        _bars(axes, bars, [bar.values for bar in bars], digits=2)
        for part, shade in zip(parts, SHADES, strict=False):
            axes.barh([0], [0], color=MUTED, alpha=shade, label=part)
        figure.legend(loc="outside upper right", ncols=len(parts), handlelength=1, handleheight=1, columnspacing=1.4)
        _label_rows(axes, bars)
        _frame(axes, unit)
        return as_svg(figure)


DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)))
"""Lines of one colour, told apart."""


def totals(curves: Sequence[Curve], most: float, noun: str) -> str:
    """Total seconds against the number of inferences from 1 to `most`, both on log scales; a line per candidate."""
    with matplotlib.rc_context(STYLE | {"axes.grid.axis": "both"}):
        figure = Figure(figsize=(WIDTH_IN, 3.9), layout=ConstrainedLayoutEngine(w_pad=0.04, h_pad=0.03))
        axes = figure.subplots()
        points = 10 ** np.linspace(0, np.log10(most), 120)
        named: dict[str, int] = {}  # how many of a runtime are named: a colour may stand for two
        for curve in sorted(curves, key=lambda curve: curve.bold):
            named[curve.runtime] = named.get(curve.runtime, -1) + curve.bold
            axes.plot(
                points, curve.outlay + curve.each * points, color=colour(curve.runtime),
                linewidth=2 if curve.bold else 1, alpha=1 if curve.bold else 0.3,
                linestyle=DASHES[named[curve.runtime] % len(DASHES)] if curve.bold else "-",
                label=curve.label if curve.bold else None,
            )  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        figure.legend(loc="outside upper left", ncols=2, handlelength=1.2, columnspacing=1.4)
        axes.set_ylabel("seconds")
        _frame(axes, f"{noun} (both axes are logarithmic)")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
        axes.xaxis.set_major_locator(LogLocator(base=100))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_locator(NullLocator())
        return as_svg(figure)


LABEL_APART_PT, LABEL_BELOW_PT = 10.0, 13.0
"""Of the labels of a scatter: their distance from each other, at least, and from their discs."""


def scatter(bars: Sequence[Bar], x_unit: str, y_unit: str, size_unit: str) -> str:
    """A disc per candidate: where it lies, and its area as a third figure. `values`: x, y, size.

    Bold ones are full and named; the others pale.
    """
    with matplotlib.rc_context(STYLE | {"axes.grid.axis": "both"}):
        figure = Figure(figsize=(WIDTH_IN, 3.6), layout=ConstrainedLayoutEngine(w_pad=0.04, h_pad=0.03))
        axes = figure.subplots()
        largest = max(bar.values[2] for bar in bars)
        for bar in sorted(bars, key=lambda bar: bar.bold):
            x, y, size = bar.values
            area = 20 + 280 * size / largest
            axes.scatter([x], [y], s=area, color=colour(bar.runtime), alpha=0.85 if bar.bold else 0.3, linewidths=0)
        axes.set_xscale("log")
        axes.margins(x=0.12, y=0.2)
        figure.canvas.draw()  # where the labels may lie depends on the laid-out axes
        name_apart(axes, [bar for bar in bars if bar.bold])
        axes.set_ylabel(y_unit)
        _frame(axes, f"{x_unit} (log scale); disc: {size_unit}, largest {number(largest)}")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_locator(NullLocator())
        return as_svg(figure)


def name_apart(axes: Axes, bars: Sequence[Bar]) -> None:
    """Write each label below its disc, further down where it would lie on another."""
    placed: list[tuple[float, float]] = []
    to_pt = 72.0 / axes.figure.dpi
    for bar in sorted(bars, key=lambda bar: (-bar.values[1], bar.values[0])):
        x, y = (value * to_pt for value in axes.transData.transform((bar.values[0], bar.values[1])))
        shift = -LABEL_BELOW_PT
        while any(abs(y + shift - other) < LABEL_APART_PT and abs(x - at) < 110 for at, other in placed):
            shift -= LABEL_APART_PT / 2
        placed.append((x, y + shift))
        on_right = x > to_pt * (axes.bbox.x0 + axes.bbox.x1) / 2
        axes.annotate(
            bar.label, (bar.values[0], bar.values[1]), (6 if on_right else -6, shift), textcoords="offset points",
            va="center", ha="right" if on_right else "left", fontsize=FONT_PT - 2,
        )  # fmt: skip


def _bars(axes: Axes, bars: Sequence[Bar], values: Sequence[Sequence[float]], digits: int = 3) -> None:
    """Bars of one or more stacked parts, the total written behind each."""
    known = [[value if value == value else 0.0 for value in parts] for parts in values]
    for row, (bar, parts) in enumerate(zip(bars, known, strict=True)):
        left = 0.0
        for value, shade in zip(parts, SHADES, strict=False):
            axes.barh([row], [value], left=left, height=0.62, color=colour(bar.runtime), alpha=shade)
            left += value
        axes.annotate(
            number(left, digits), (left, row), (5, 0), textcoords="offset points", va="center", fontsize=FONT_PT - 1
        )
    axes.set_xlim(0, 1.24 * max([sum(parts) for parts in known], default=1) or 1)
    axes.xaxis.set_major_locator(MaxNLocator(4))


def inline(svg: str, name: str, title: str) -> str:
    """The figure as part of a page: ids of its own, a name for screen readers, colours that follow the page."""
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", svg[svg.index(">") + 1 :], flags=re.DOTALL)
    body = re.sub(
        r'\b(id="|href="#|url\(#)', lambda match: f"{match.group(1)}{name}-", body.replace("xlink:href", "href")
    )
    for fixed, from_page in PAGE.items():
        body = re.sub(fixed, from_page, body, flags=re.IGNORECASE)
    box = re.search(r'viewBox="[^"]*"', svg)
    assert box is not None
    return f'<svg role="img" aria-label="{html.escape(title)}" {box[0]}>{body}'.strip()


def standalone(svg: str) -> str:
    """The figure as a file of its own."""
    return '<?xml version="1.0" encoding="utf-8"?>\n' + svg
