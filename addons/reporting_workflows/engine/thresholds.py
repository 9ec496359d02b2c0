"""Thresholds: which values are an exception that somebody has to look at.

Rules, in words
---------------
* A threshold looks at a KPI, at the sum, count or maximum of a dataset's column, or at each row of a dataset.
* It has a limit for a warning, one for a breach, or both; they lie in one direction (``above`` or ``below``). The limit
  itself is still good.
* Without a value there is nothing to judge: the status is ``unknown``, and no exception is made of it.
* Value and limit are written as the report writes numbers of their kind, with as many decimals as it takes to tell them
  apart.

>>> threshold = Threshold("late", "Late orders", "above", breach=Decimal(10))
>>> status_of(threshold, Decimal(10)), status_of(threshold, Decimal(11)), status_of(threshold, None)
('ok', 'breach', 'unknown')
>>> finding_of(threshold, Decimal(11))
Finding(severity='breach', title='Late orders', detail='11, at most 10', document='', amount=Decimal('11'))
>>> finding_of(threshold, Decimal("1234.5"), show=Writer("de_DE", "UTC", "EUR"), unit=("money", "")).detail
'1.234,50\\xa0€, at most 10,00\\xa0€'
>>> finding_of(threshold, Decimal("10.004"), unit=("percent", "")).detail
'10.004%, at most 10.000%'
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from .checks import no_column, none_of, not_shown, sum_of
from .content import Figure, Finding, Table
from .render_values import Writer, digits_of
from .render_words import ENGLISH, Words

DIRECTIONS = ("above", "below")
MEASURES = ("kpi", "sum", "count", "maximum", "each_row")
#: So many rows become findings of their own; the rest is counted.
MOST_ROWS = 50
#: So many decimals are written at most.
MOST_DIGITS = 6
#: Kind and currency of what is counted.
COUNTED = ("integer", "")


@dataclass(frozen=True)
class Threshold:
    """:param measure: what is looked at; ``kpi`` by its code, else ``column`` of ``dataset`` (``count`` needs none)

    :param opens_case: a breach opens an exception case
    """

    code: str
    label: str
    direction: str = "above"
    warn: Decimal | None = None
    breach: Decimal | None = None
    measure: str = "kpi"
    kpi: str = ""
    dataset: str = ""
    column: str = ""
    opens_case: bool = False

    def problems(self, datasets: Mapping[str, tuple[str, ...]], kpis=(), say: Words = ENGLISH) -> list[str]:
        """What is wrong with it: ``field: remedy``."""
        found = []
        if self.direction not in DIRECTIONS:
            found.append(none_of("direction", self.direction, DIRECTIONS, say))
        if self.warn is None and self.breach is None:
            found.append(f"breach: {say('give a limit for a warning, for a breach, or both.')}")
        elif None not in (self.warn, self.breach) and self.warn != self.breach:
            if (self.warn > self.breach) == (self.direction == "above"):
                found.append(f"warn: {say('comes after the breach; exchange the limits or the direction.')}")
        if self.measure not in MEASURES:
            found.append(none_of("measure", self.measure, MEASURES, say))
        elif self.measure == "kpi":
            if self.kpi not in kpis:
                found.append(not_shown("kpi", self.kpi, say))
        elif self.dataset not in datasets:
            found.append(none_of("dataset", self.dataset, sorted(datasets), say))
        elif self.measure != "count" and self.column not in datasets[self.dataset]:
            found.append(no_column("column", self.column, self.dataset, datasets, say))
        return found


def status_of(threshold: Threshold, value: Decimal | None) -> str:
    """``ok``, ``warn``, ``breach`` or ``unknown``."""
    if value is None:
        return "unknown"
    for severity, limit in (("breach", threshold.breach), ("warn", threshold.warn)):
        if limit is not None and (value > limit if threshold.direction == "above" else value < limit):
            return severity
    return "ok"


def finding_of(
    threshold: Threshold,
    value: Decimal | None,
    document: str = "",
    show: Writer | None = None,
    unit: tuple[str, str] = COUNTED,
) -> Finding | None:
    """The exception that a value is, or None.

    :param show: writes the numbers; default: in English
    :param unit: kind and currency of the value
    """
    severity = status_of(threshold, value)
    if severity not in ("warn", "breach"):
        return None
    limit = threshold.breach if severity == "breach" else threshold.warn
    words = "{value}, at most {limit}" if threshold.direction == "above" else "{value}, at least {limit}"
    show = show or Writer("en_US", "UTC")
    written = _apart(show, value, limit, *unit)
    return Finding(severity, threshold.label, show.words(words, **written), document, value)


def _apart(show, value, limit, kind, currency):
    """``{"value": …, "limit": …}`` as they are written."""
    # What is counted has no decimals; its limit may have some.
    kind = "number" if kind == "integer" else kind
    for digits in range(digits_of((value, limit)), MOST_DIGITS + 1):
        written = {name: show(one, kind, currency, digits) for name, one in (("value", value), ("limit", limit))}
        if written["value"] != written["limit"]:
            break
    return written


def findings_of(
    threshold: Threshold, datasets: Mapping[str, Table], kpis: Mapping[str, Figure], show: Writer | None = None
) -> list[Finding]:
    """All exceptions that a threshold finds, breaches first; ``show`` writes them, by default in English."""
    show = show or Writer("en_US", "UTC")
    if threshold.measure == "kpi":
        figure = kpis.get(threshold.kpi)
        found = [finding_of(threshold, figure.value, "", show, (figure.kind, figure.currency))] if figure else []
    elif threshold.measure == "each_row":
        found = _rows(threshold, datasets[threshold.dataset], show)
    else:
        value, unit = _measured(threshold, datasets[threshold.dataset])
        found = [finding_of(threshold, value, "", show, unit)]
    return sorted((one for one in found if one), key=lambda one: one.severity != "breach")


def _measured(threshold, table):
    """``(value, its unit)``"""
    if threshold.measure == "count":
        return Decimal(len(table.rows) + table.left_out), COUNTED
    place, unit = _column(threshold, table)
    if threshold.measure == "sum":
        return sum_of(table, threshold.column), unit
    return max((Decimal(row[place]) for row in table.rows if row[place] is not None), default=None), unit


def _column(threshold, table):
    """``(place, unit)`` of the column that is looked at."""
    place = [column.key for column in table.columns].index(threshold.column)
    return place, (table.columns[place].kind, table.columns[place].currency)


def _rows(threshold, table, show):
    place, unit = _column(threshold, table)
    found = []
    for row in table.rows:
        name = next((value for at, value in enumerate(row) if at != place and isinstance(value, str) and value), "")
        value = None if row[place] is None else Decimal(row[place])
        found.append(finding_of(threshold, value, name, show, unit))
    found = sorted((one for one in found if one), key=lambda one: one.severity != "breach")
    if len(found) > MOST_ROWS:
        more = len(found) - MOST_ROWS
        found = [
            *found[:MOST_ROWS],
            Finding(found[MOST_ROWS].severity, threshold.label, show.words("{count} more rows like these", count=more)),
        ]
    return found
