"""Figures of how candidates scale: a line each against batches or image sizes, a panel per precision.

Both axes are logarithmic and x is labelled by its own values. Each line is named at its right end.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, Locator, LogLocator, MaxNLocator, NullLocator

from scripts.report.figures import DASHES, FONT_PT, STYLE, WIDTH_IN, as_svg
from scripts.report.palette import INK, MUTED, colour

LABEL_PT = FONT_PT - 2
CHARACTER_IN, LINE_IN = LABEL_PT * 0.57 / 72, LABEL_PT * 1.3 / 72
"""Of the lines' names: the room that one takes, by character and from the next."""
LEFT_IN, RIGHT_IN, HEAD_IN, FOOT_IN, LEADER_IN = 0.58, 0.06, 0.27, 0.5, 0.2
LEAST_PANEL_IN = 1.25
MARGIN = 1.35
"""The y axis ends this many times beyond the outermost points; wider intervals leave the picture."""
CLOSE, FEW = 4, 30
"""An axis over less than this ratio is labelled at 1, 2 and 5 of each power of ten."""


@dataclass(frozen=True)
class Series:
    """A candidate's line. `points`: x, y, and the interval's bounds (y where unknown), x ascending.

    panel: its precision; dash: which of its runtime's lines in the panel it is, from 0.
    """

    label: str
    runtime: str
    panel: str
    points: tuple[tuple[float, float, float, float], ...]
    dash: int = 0


def lines(series: Sequence[Series], x_unit: str, level: float | None = None) -> str:
    """The figure. level: a y that is marked by a line of its own, such as 1 for ratios."""
    panels = {name: [each for each in series if each.panel == name] for name in dict.fromkeys(s.panel for s in series)}
    heights = [max(LEAST_PANEL_IN, LINE_IN * (len(group) + 0.5)) for group in panels.values()]
    names_in = CHARACTER_IN * max(len(each.label) for each in series) + LEADER_IN
    total = sum(heights) + HEAD_IN * len(panels) + FOOT_IN
    with matplotlib.rc_context(STYLE | {"axes.grid.axis": "both"}):
        figure = Figure(figsize=(WIDTH_IN, total))
        width = (WIDTH_IN - LEFT_IN - RIGHT_IN - names_in) / WIDTH_IN
        top = total
        for (name, group), height in zip(panels.items(), heights, strict=True):
            top -= HEAD_IN + height
            axes = figure.add_axes((LEFT_IN / WIDTH_IN, top / total, width, height / total))
            _scales(axes, series)
            _panel(axes, group, level)
            axes.set_title(name, loc="left", fontsize=FONT_PT - 1, fontweight="bold", color=INK, pad=4)
            axes.tick_params(labelbottom=top == FOOT_IN or name == list(panels)[-1])
        figure.text(
            LEFT_IN / WIDTH_IN, 0.1 / total, f"{x_unit} (both axes logarithmic)", color=MUTED, fontsize=FONT_PT - 1
        )
        return as_svg(figure)


def _scales(axes: Axes, series: Sequence[Series]) -> None:
    """The same axes for every panel, so that lines compare across them."""
    xs = sorted({point[0] for each in series for point in each.points})
    ys = [point[1] for each in series for point in each.points]
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(xs[0] / 1.12, xs[-1] * 1.12)
    axes.set_ylim(min(ys) / MARGIN, max(ys) * MARGIN)
    axes.xaxis.set_major_locator(FixedLocator(_apart(axes, xs)))
    axes.yaxis.set_major_locator(_levels(max(ys) / min(ys)))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axes.tick_params(labelsize=LABEL_PT)


def _levels(ratio: float) -> Locator:
    """Where the axis of a figure whose greatest value is `ratio` times its least has marks, never many."""
    if ratio < CLOSE:
        return MaxNLocator(3, steps=[1, 2, 5, 10])
    return LogLocator(subs=(1, 2, 5) if ratio < FEW else (1,))


def _short(value: float) -> str:
    """`0.5`, `20,000`, `2M`."""
    if value >= 1e6:
        return f"{value / 1e6:g}M"
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def _apart(axes: Axes, values: Sequence[float]) -> list[float]:
    """Those values whose labels do not touch, from the last on."""
    kept: list[float] = []
    for value in reversed(values):
        room = CHARACTER_IN * axes.figure.dpi * (len(f"{value:.0f}") + 1)
        at = [axes.transData.transform((each, axes.get_ylim()[0]))[0] for each in (value, *kept[-1:])]
        if len(at) == 1 or at[1] - at[0] >= room:
            kept.append(value)
    return kept[::-1]


def _panel(axes: Axes, group: Sequence[Series], level: float | None) -> None:
    if level is not None:
        axes.axhline(level, color=INK, linewidth=1)
    for each in group:
        xs, ys, lows, highs = (np.array(column) for column in zip(*each.points, strict=True))
        shade = colour(each.runtime)
        axes.fill_between(xs, lows, highs, color=shade, alpha=0.18, linewidth=0)
        axes.plot(xs, ys, color=shade, linewidth=1.5, linestyle=DASHES[each.dash % len(DASHES)])
        axes.plot(xs, ys, "o", color=shade, markersize=3.2)
    _name(axes, group)


def _name(axes: Axes, group: Sequence[Series]) -> None:
    """Each line's name beside the panel, as near to its end as the others allow, and a thin line between the two."""
    per_in = axes.figure.dpi
    x0, y0, x1, y1 = axes.bbox.extents
    ends = [axes.transData.transform(each.points[-1][:2]) for each in group]
    order = sorted(range(len(group)), key=lambda index: ends[index][1])
    heights = spread([ends[index][1] for index in order], LINE_IN * per_in, y0, y1)
    to_axes = axes.transAxes.inverted()
    for index, height in zip(order, heights, strict=True):
        left = x1 + LEADER_IN * per_in
        start, elbow = to_axes.transform(ends[index]), to_axes.transform((left - 0.03 * per_in, height))
        axes.plot(
            [start[0], elbow[0]], [start[1], elbow[1]], transform=axes.transAxes,
            color=colour(group[index].runtime), linewidth=0.6, alpha=0.5,
            clip_on=False, zorder=0.5,
        )  # fmt: skip
        at = to_axes.transform((left, height))
        axes.text(
            at[0], at[1], group[index].label, transform=axes.transAxes, va="center", fontsize=LABEL_PT,
            color=colour(group[index].runtime),
        )  # fmt: skip


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places near the ascending `wanted`, at least `gap` apart, within `low` to `high` where they fit there.

    Neighbours that would touch form a block around the mean of what they want.
    """
    blocks: list[list[float]] = []  # sum of the first's wanted places, members

    def start(block: list[float]) -> float:
        room = gap * (block[1] - 1)
        return max(low, min(block[0] / block[1], high - room))

    for place in wanted:
        blocks.append([place, 1.0])
        while len(blocks) > 1 and start(blocks[-2]) + gap * blocks[-2][1] > start(blocks[-1]):
            last = blocks.pop()
            blocks[-1] = [blocks[-1][0] + last[0] - gap * blocks[-1][1] * last[1], blocks[-1][1] + last[1]]
    return [start(block) + gap * index for block in blocks for index in range(int(block[1]))]
