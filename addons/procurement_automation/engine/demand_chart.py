"""A small bar chart of what was asked for and what is expected, as SVG: drawn where no script runs.

>>> from datetime import date
>>> chart = bars(date(2026, 1, 1), [3, None, 5], [4.2], asked="asked for", expected="expected", unknown="not known")
>>> chart.count("<rect"), "2026-03: 5 asked for" in chart, "2026-04: 4.2 expected" in chart
(4, True, True)
"""

from collections.abc import Sequence
from datetime import date
from html import escape

WIDTH, HEIGHT, BASE, TOP = 1200, 190, 165, 20
#: A month's name is so wide.
LABEL = 50
ASKED, EXPECTED, UNKNOWN = "#8f8f9d", "#017e84", "#e6e6ea"


def bars(
    first: date, history: Sequence[float | None], forecast: Sequence[float], *, asked: str, expected: str, unknown: str
) -> str:
    """The chart; every bar says its month and its units when pointed at.

    :param first: the month of the first bar
    :param asked: ``expected``, ``unknown``: words for the three kinds of bars
    """
    months = [
        *(
            (units, ASKED if units is not None else UNKNOWN, asked if units is not None else unknown)
            for units in history
        ),
        *((units, EXPECTED, expected) for units in forecast),
    ]
    if not months:
        return ""
    highest = max([units or 0 for units, _color, _word in months]) or 1
    step = WIDTH / len(months)
    found = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" xmlns="http://www.w3.org/2000/svg" width="100%">'
        f'<text x="0" y="12" font-size="11" fill="currentColor">{highest:g}</text>'
        f'<line x1="0" y1="{BASE}" x2="{WIDTH}" y2="{BASE}" stroke="currentColor" stroke-opacity="0.4"></line>'
    ]
    for place, (units, color, word) in enumerate(months):
        number = first.year * 12 + first.month - 1 + place
        month = f"{number // 12}-{number % 12 + 1:02}"
        height = (BASE - TOP) * (units / highest if units is not None else 1)
        text = month + (f": {units:g} {word}" if units is not None else f": {word}")
        found.append(
            f'<rect x="{place * step + 1:.1f}" y="{BASE - height:.1f}" width="{max(step - 2, 1):.1f}" '
            f'height="{height:.1f}" fill="{color}"><title>{escape(text)}</title></rect>'
        )
        if place % max(len(months) // 8, 1) == 0 and place * step <= WIDTH - LABEL:
            found.append(
                f'<text x="{place * step:.1f}" y="{HEIGHT - 14}" font-size="11" fill="currentColor">{month}</text>'
            )
    return "".join(found) + "</svg>"
