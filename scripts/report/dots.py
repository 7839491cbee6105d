"""The figure of power against throughput: a dot per candidate, a panel per host on the same axes.

A runtime has its colour, a precision its mark. Bold dots are named where they lie; the others are pale.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from scripts.report.figures import FONT_PT, STYLE, WIDTH_IN, Bar, as_svg, name_apart
from scripts.report.palette import INK, MUTED, colour
from scripts.report.wording import runtime

PANEL_IN, LEGEND_IN, FOOT_IN = 2.2, 0.18, 0.55
COLUMNS = 3
MARKS = {"fp32": "o", "tf32": "h", "fp16": "s", "bf16": "D", "int8": "^", "int8_dynamic": "v", "fp8": "P"}
PALE = 0.4
FEW = 30
"""An axis over less than this ratio is labelled at 1, 2 and 5 of each power of ten."""


@dataclass(frozen=True)
class Dot:
    """A candidate on a host: items per second, watts."""

    label: str
    runtime: str
    precision: str
    host: str
    rate: float
    watts: float
    named: bool


def dots(shown: Sequence[Dot], unit: str) -> str:
    """The figure; `unit` is that of the rates."""
    hosts = list(dict.fromkeys(dot.host for dot in shown))
    handles = _legend(shown)
    height = PANEL_IN * len(hosts) + LEGEND_IN * -(-len(handles) // COLUMNS) + FOOT_IN
    with matplotlib.rc_context(STYLE | {"axes.grid.axis": "both"}):
        layout = ConstrainedLayoutEngine(w_pad=0.04, h_pad=0.03)
        figure = Figure(figsize=(WIDTH_IN, height), layout=layout)
        panels = list(figure.subplots(len(hosts), 1, sharex=True, sharey=True, squeeze=False)[:, 0])
        for host, axes in zip(hosts, panels, strict=True):
            _panel(axes, host, [dot for dot in shown if dot.host == host])
        rates = [dot.rate for dot in shown]
        few = max(rates) < FEW * min(rates)
        last = panels[-1]
        last.set_xscale("log")
        last.margins(x=0.14)
        last.set_ylim(0, 1.18 * max(dot.watts for dot in shown))
        last.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
        last.xaxis.set_minor_locator(NullLocator())
        last.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
        last.yaxis.set_major_locator(MaxNLocator(4))
        last.set_xlabel(f"{unit} (log scale)", loc="right")
        figure.legend(
            handles=handles, loc="outside upper left", ncols=COLUMNS, handlelength=1, handletextpad=0.4,
            columnspacing=1.2, fontsize=FONT_PT - 2,
        )  # fmt: skip
        figure.canvas.draw()  # where the labels may lie depends on the laid-out axes
        for host, axes in zip(hosts, panels, strict=True):
            of_host = [dot for dot in shown if dot.host == host and dot.named]
            name_apart(axes, [Bar(dot.label, dot.runtime, (dot.rate, dot.watts)) for dot in of_host])
        return as_svg(figure)


def _panel(axes: Axes, host: str, shown: Sequence[Dot]) -> None:
    for dot in sorted(shown, key=lambda dot: dot.named):
        axes.plot(
            [dot.rate], [dot.watts], MARKS.get(dot.precision, "o"), color=colour(dot.runtime), markersize=7,
            markeredgewidth=0, alpha=1.0 if dot.named else PALE,
        )  # fmt: skip
    axes.set_title(host, loc="left", fontsize=FONT_PT - 1, fontweight="bold", color=INK, pad=4)
    axes.set_ylabel("W")


def _legend(shown: Sequence[Dot]) -> list[Line2D]:
    """The runtimes' colours, then the precisions' marks, in the order in which they come."""
    runtimes = [(runtime(name), "o", colour(name)) for name in dict.fromkeys(dot.runtime for dot in shown)]
    precisions = {dot.precision for dot in shown}
    marks = [(name, mark, MUTED) for name, mark in MARKS.items() if name in precisions]
    return [
        Line2D([], [], linestyle="none", marker=mark, color=shade, markersize=6, markeredgewidth=0, label=name)
        for name, mark, shade in [*runtimes, *marks]
    ]
