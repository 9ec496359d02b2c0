"""Charts for paper: drawn by matplotlib as SVG, its texts left to the document.

Rules, in words
---------------
* Matplotlib is drawn without pyplot: no state of the process, no window, nothing left over between two charts.
* Texts are no part of the picture: the document writes them in its own fonts above it, where matplotlib has placed
  them. So Arabic is shaped (WeasyPrint sets the texts of an SVG letter by letter), and they can be searched and read
  aloud. Matplotlib only measures, with the font that it ships.
* The palette is Okabe and Ito's, which people with any kind of colour blindness can tell apart; lines differ in their
  dashes and marks, too. Series are named where they end, not in a legend, wherever there is room.
* Values stand on the bars while there are few enough to read; then the axis needs no grid.
* Many or long labels lie: bars grow sideways. From right to left, everything does.
* Equal charts give equal bytes.

Source: M. Okabe, K. Ito, "Color Universal Design" (2008).
"""

import io
import re
from dataclasses import dataclass
from decimal import Decimal
from html import unescape
from typing import Any

from .content import Chart
from .render_values import Writer, as_number, clean

PALETTE = ("#1f4e79", "#d55e00", "#009e73", "#56b4e9", "#cc79a7", "#e69f00", "#5b6875")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)), (0, (3, 1)), (0, (1, 1)))
MARKS = ("o", "s", "^", "D", "v", "P", "X")
INK, MUTED, RULE = "#1d2733", "#5b6875", "#d5dbe1"
#: Of a full-width chart, in inches.
WIDTH, HEIGHT = 7.0, 2.5
FEW_BARS, FEW_LABELS, LONG_LABEL, LONGEST_LABEL = 24, 12, 12, 28
TICKS = 10
POINTS_AN_INCH = 72
_MEASURING_FONT = "DejaVu Sans"
#: A text as matplotlib writes it: its style, where it stands, and what it says.
_TEXT = re.compile(r'<text style="([^"]*)" x="([^"]*)" y="([^"]*)"[^>]*>([^<]*)</text>')
_SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "distribution",
    "font.family": [_MEASURING_FONT],
    "font.size": 8,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "axes.unicode_minus": True,
    "text.parse_math": False,  # a name with two dollar signs is no formula
}


@dataclass(frozen=True)
class Label:
    """A text of a chart; `x` and `baseline` from the picture's upper left corner, in points.

    :param anchor: which of its points is at `x`: ``start`` (left), ``middle`` or ``end``
    """

    text: str
    x: float
    baseline: float
    anchor: str
    size: float
    colour: str
    bold: bool


@dataclass(frozen=True)
class Drawing:
    """A picture without its texts, its size in points, and the texts."""

    svg: str
    width: float
    height: float
    labels: tuple[Label, ...]


def draw_chart(chart: Chart, writer: Writer, right_to_left: bool = False) -> Drawing | None:
    """The chart; None where it has nothing to show."""
    values = [[as_number(value) for value in series.values] for series in chart.series]
    if not chart.labels or not any(value is not None for row in values for value in row):
        return None
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_SETTINGS):
        lying = chart.kind != "line" and _lies(chart)
        bars = len(chart.labels) * (len(chart.series) if chart.kind == "bar" else 1)
        height = 0.45 + max(0.26 * len(chart.labels), 0.15 * bars) if lying else HEIGHT
        figure = Figure(figsize=(WIDTH, min(height, 8.5)), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        _Artist(chart, values, axes, writer, right_to_left, lying).draw()
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = out.getvalue()
    labels = tuple(_label(*found.groups()) for found in _TEXT.finditer(svg))
    width, height = (float(size) * POINTS_AN_INCH for size in figure.get_size_inches())
    return Drawing(_TEXT.sub("", svg[svg.index("<svg") :]), width, height, labels)


def _label(style: str, x: str, y: str, written: str) -> Label:
    said = dict(re.findall(r"([\w-]+): ([^;]+)", style))
    return Label(
        text=unescape(written),
        x=float(x),
        baseline=float(y),
        anchor=said.get("text-anchor", "start"),
        size=float(re.search(r"([\d.]+)px", style).group(1)),
        colour=said.get("fill", INK),
        bold="700" in style or "bold" in style,
    )


def _lies(chart: Chart) -> bool:
    return len(chart.labels) > FEW_LABELS or max(map(len, chart.labels)) > LONG_LABEL


def _short(label: str) -> str:
    label = clean(label).replace("\n", " ")
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"


class _Artist:
    def __init__(self, chart: Chart, values: list, axes: Any, writer: Writer, right_to_left: bool, lying: bool):
        self.chart, self.values, self.axes, self.writer = chart, values, axes, writer
        self.right_to_left, self.lying = right_to_left, lying
        self.labels = [_short(label) for label in chart.labels]
        self.places = list(range(len(self.labels)))

    def draw(self) -> None:
        {"line": self._line, "stacked_bar": self._stacked}.get(self.chart.kind, self._bars)()
        self._axes()
        if self.right_to_left:
            self.axes.invert_xaxis()
            self.axes.yaxis.tick_right()
            if self.lying:
                self.axes.yaxis.set_tick_params(labelright=True, labelleft=False)

    def _line(self) -> None:
        for place, values in enumerate(self.values):
            heights = [float("nan") if value is None else float(value) for value in values]
            colour = PALETTE[place % len(PALETTE)]
            self.axes.plot(
                self.places,
                heights,
                color=colour,
                linestyle=DASHES[place % len(DASHES)],
                marker=MARKS[place % len(MARKS)],
                markersize=3 if len(heights) <= 40 else 0,
                linewidth=1.6,
            )
        self._names_at_ends()
        self.axes.margins(x=0.02)

    def _names_at_ends(self) -> None:
        """Each series' name where its line ends; moved apart where they would cover each other."""
        ends = []
        for place, values in enumerate(self.values):
            known = [(at, value) for at, value in enumerate(values) if value is not None]
            if known:
                ends.append([float(known[-1][1]), place, known[-1]])
        low, high = self.axes.get_ylim()
        apart = (high - low) / 13
        ends.sort()
        heights = []
        for end in ends:
            heights.append(max(end[0], heights[-1] + apart) if heights else end[0])
        single = len(self.chart.series) == 1
        for height, (_value, place, (at, value)) in zip(heights, ends):
            text = self._value(value) if single else f"{_short(self.chart.series[place].label)}  {self._value(value)}"
            self.axes.annotate(
                text,
                (at, height),
                xytext=(-6 if self.right_to_left else 6, 0),
                textcoords="offset points",
                ha="right" if self.right_to_left else "left",
                va="center",
                color=PALETTE[place % len(PALETTE)],
                fontweight="bold",
            )

    def _bars(self) -> None:
        count = len(self.chart.series)
        thickness = 0.72 / count
        for place, values in enumerate(self.values):
            offset = (place - (count - 1) / 2) * thickness
            heights = [0 if value is None else float(value) for value in values]
            at = [spot + offset for spot in self.places]
            options = {"color": PALETTE[place % len(PALETTE)], "label": _short(self.chart.series[place].label)}
            if self.lying:
                bars = self.axes.barh(at, heights, thickness * 0.94, **options)
            else:
                bars = self.axes.bar(at, heights, thickness * 0.94, **options)
            if self._valued:
                texts = ["" if value is None else self._value(value) for value in values]
                self.axes.bar_label(bars, texts, padding=2, fontsize=7, color=INK)
        if self._valued:
            self.axes.margins(**{"x" if self.lying else "y": 0.12})

    def _stacked(self) -> None:
        """Positive values above the line, negative ones below it."""
        above, below = [0.0] * len(self.places), [0.0] * len(self.places)
        for place, values in enumerate(self.values):
            heights = [0 if value is None else float(value) for value in values]
            starts = [above[spot] if height >= 0 else below[spot] for spot, height in enumerate(heights)]
            options = {
                "color": PALETTE[place % len(PALETTE)],
                "label": _short(self.chart.series[place].label),
                "edgecolor": "white",
                "linewidth": 0.8,
            }
            if self.lying:
                self.axes.barh(self.places, heights, 0.7, left=starts, **options)
            else:
                self.axes.bar(self.places, heights, 0.7, bottom=starts, **options)
            for spot, height in enumerate(heights):
                (above if height >= 0 else below)[spot] += height

    @property
    def _valued(self) -> bool:
        return self.chart.kind == "bar" and len(self.labels) * len(self.chart.series) <= FEW_BARS

    def _axes(self) -> None:
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        axes = self.axes
        named, valued = (axes.yaxis, axes.xaxis) if self.lying else (axes.xaxis, axes.yaxis)
        step = (
            1
            if self.lying and len(self.labels) <= 60
            else max(1, -(-len(self.labels) // TICKS))
            if self._crowded
            else 1
        )
        named.set_ticks(self.places[::step], self.labels[::step])
        named.set_tick_params(length=0)
        if self.lying:
            axes.invert_yaxis()
        valued.set_major_formatter(FuncFormatter(lambda value, _place: self._tick(value)))
        valued.set_major_locator(MaxNLocator(5, integer=self.chart.value_kind == "integer"))
        valued.set_tick_params(length=0)
        for side in ("top", "right", "left", "bottom"):
            axes.spines[side].set_visible(False)
        if self._valued:
            valued.set_visible(False)
        else:
            valued.grid(True, color=RULE, linewidth=0.6)
            axes.set_axisbelow(True)
        (axes.axvline if self.lying else axes.axhline)(0, color=MUTED, linewidth=0.8) if self._shows_zero() else None
        if self.chart.kind != "line" and len(self.chart.series) > 1:
            axes.legend(
                loc="lower left",
                bbox_to_anchor=(0, 1.0),
                ncols=min(4, len(self.chart.series)),
                frameon=False,
                borderaxespad=0.2,
                handlelength=1,
                handleheight=1,
                columnspacing=1.4,
            )

    def _shows_zero(self) -> bool:
        low, high = self.axes.get_xlim() if self.lying else self.axes.get_ylim()
        return low <= 0 <= high

    @property
    def _crowded(self) -> bool:
        return len(self.labels) > TICKS or sum(map(len, self.labels)) > 110

    def _value(self, value: Decimal) -> str:
        """On a bar or at a line's end: the unit stands beside the chart's question."""
        kind = self.chart.value_kind
        if kind == "percent":
            return self.writer(value, kind)
        if kind == "money":
            return self.writer.number(value, 0 if abs(value) >= 100 else self.writer.decimals)
        return self.writer.cell(value, kind)

    def _tick(self, value: float) -> str:
        exact = Decimal(repr(round(float(value), 10)))
        if self.chart.value_kind == "percent":
            return self.writer(exact, "percent")
        return self.writer.cell(exact, "number")
