"""Thresholds: which values are an exception that somebody has to look at.

Rules, in words
---------------
* A threshold looks at a KPI, at the sum, count or maximum of a dataset's column, or at each row of a dataset.
* It has a limit for a warning, one for a breach, or both; they lie in one direction (``above`` or ``below``). The limit
  itself is still good.
* Without a value there is nothing to judge: the status is ``unknown``, and no exception is made of it.

>>> threshold = Threshold("late", "Late orders", "above", breach=Decimal(10))
>>> status_of(threshold, Decimal(10)), status_of(threshold, Decimal(11)), status_of(threshold, None)
('ok', 'breach', 'unknown')
>>> finding_of(threshold, Decimal(11))
Finding(severity='breach', title='Late orders', detail='11, at most 10', document='', amount=Decimal('11'))
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from .checks import no_column, none_of, sum_of
from .content import Finding, Table
from .render_words import ENGLISH, Words

DIRECTIONS = ("above", "below")
MEASURES = ("kpi", "sum", "count", "maximum", "each_row")
#: So many rows become findings of their own; the rest is counted.
MOST_ROWS = 50


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
                found.append(f"kpi: {say('add it to a section of this report: “{name}” is in none.', name=self.kpi)}")
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


def finding_of(threshold: Threshold, value: Decimal | None, document: str = "", say: Words = ENGLISH) -> Finding | None:
    """The exception that a value is, or None."""
    severity = status_of(threshold, value)
    if severity not in ("warn", "breach"):
        return None
    limit = threshold.breach if severity == "breach" else threshold.warn
    words = "{value}, at most {limit}" if threshold.direction == "above" else "{value}, at least {limit}"
    detail = say(words, value=f"{value.normalize():f}", limit=f"{limit.normalize():f}")
    return Finding(severity, threshold.label, detail, document, value)


def findings_of(
    threshold: Threshold, datasets: Mapping[str, Table], kpis: Mapping[str, Decimal | None], say: Words = ENGLISH
) -> list[Finding]:
    """All exceptions that a threshold finds, breaches first."""
    if threshold.measure == "kpi":
        found = [finding_of(threshold, kpis.get(threshold.kpi), say=say)]
    elif threshold.measure == "each_row":
        found = _rows(threshold, datasets[threshold.dataset], say)
    else:
        found = [finding_of(threshold, _measured(threshold, datasets[threshold.dataset]), say=say)]
    return sorted((one for one in found if one), key=lambda one: one.severity != "breach")


def _measured(threshold, table):
    if threshold.measure == "count":
        return Decimal(len(table.rows) + table.left_out)
    if threshold.measure == "sum":
        return sum_of(table, threshold.column)
    place = [column.key for column in table.columns].index(threshold.column)
    return max((Decimal(row[place]) for row in table.rows if row[place] is not None), default=None)


def _rows(threshold, table, say):
    place = [column.key for column in table.columns].index(threshold.column)
    found = []
    for row in table.rows:
        name = next((value for at, value in enumerate(row) if at != place and isinstance(value, str) and value), "")
        value = None if row[place] is None else Decimal(row[place])
        found.append(finding_of(threshold, value, name, say))
    found = sorted((one for one in found if one), key=lambda one: one.severity != "breach")
    if len(found) > MOST_ROWS:
        more = len(found) - MOST_ROWS
        found = [
            *found[:MOST_ROWS],
            Finding(found[MOST_ROWS].severity, threshold.label, say("{count} more rows like these", count=more)),
        ]
    return found
