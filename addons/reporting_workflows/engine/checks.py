"""Data checks: what must be true of the numbers before anybody reads them.

Rules, in words
---------------
* A check looks at a dataset as it was captured: every row that was read, not only those that are shown.
* ``row_count``: at least / at most so many rows. ``nulls``: at most so many rows in which one of the columns is empty.
  ``range``: no value below or above. ``duplicates``: no two rows with the same values. ``reconcile``: the sums of two
  columns differ by no more than the tolerance, an amount or percent of the larger one; either is enough. Two columns of
  one dataset agree in each row as well: too much here does not make good too little there.
  ``condition``: at most so many rows for which ``column operator value`` is true. ``figure``: the figure of a KPI
  differs from an aggregate of the dataset (:data:`AGGREGATES`) by no more than the tolerance: two counts meet.
* A check that cannot be evaluated – no such column, a dataset that was cut off, words where numbers are compared, a
  figure without a value – has failed: silence is no proof.
* A failed check is ``failed`` or only a ``warn``, as it says itself.

>>> table = Table((Column("order", "Order"), Column("value", "Value", "money")), (("S1", Decimal(5)), ("S2", None)))
>>> evaluate(CheckRule("v", "Values", "nulls", "orders", columns=("value",)), {"orders": table})
Check(label='Values', state='failed', detail='1 of 2 rows without Value: S2')
"""

import operator
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from .content import Check, Column, Figure, Table
from .render_words import ENGLISH, Words

KINDS = ("row_count", "nulls", "range", "duplicates", "reconcile", "condition", "figure")
#: What a figure is compared with: the sum of a column, the number of rows (with a value in the column, where one is
#: named), the number of different values.
AGGREGATES = ("sum", "count", "count_distinct")
OPERATORS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
#: Kinds that look at several columns together.
OF_SEVERAL = ("nulls", "duplicates")
#: So many rows are named.
NAMED = 3


@dataclass(frozen=True)
class CheckRule:
    """One check. What a kind does not ask for stays empty.

    :param columns: keys of columns of ``dataset``; one, or several for ``nulls`` and ``duplicates``
    :param minimum: of rows, or of values; ``maximum`` likewise, of ``nulls`` and ``condition`` of rows (default 0)
    :param other_dataset: and ``other_column``: what a sum is reconciled with
    :param tolerance: amount; ``tolerance_percent`` of the larger sum
    :param operator: and ``value``: of a condition
    :param figure: code of a KPI that the report shows; ``aggregate`` of the dataset that it is compared with
    :param warn_only: a failure is a warning
    """

    code: str
    label: str
    kind: str
    dataset: str
    columns: tuple[str, ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    other_dataset: str = ""
    other_column: str = ""
    tolerance: Decimal = Decimal(0)
    tolerance_percent: Decimal = Decimal(0)
    operator: str = "="
    value: str = ""
    warn_only: bool = False
    figure: str = ""
    aggregate: str = "sum"

    def problems(self, datasets: Mapping[str, tuple[str, ...]], kpis=(), say: Words = ENGLISH) -> list[str]:
        """What is wrong with the rule, given the columns of each dataset and the codes of the KPIs that are shown:
        ``field: remedy``.
        """
        found = []
        if self.kind not in KINDS:
            return [none_of("kind", self.kind, KINDS, say)]
        if self.dataset not in datasets:
            return [none_of("dataset", self.dataset, sorted(datasets), say)]
        for column in self.columns:
            if column not in datasets[self.dataset]:
                found.append(no_column("columns", column, self.dataset, datasets, say))
        if self._takes_column and not self.columns:
            found.append(f"columns: {say('name at least one column.')}")
        if len(self.columns) > 1 and self.kind not in OF_SEVERAL:
            remedy = say("a check of kind {kind} looks at one column; make a check for each.", kind=self.kind)
            found.append(f"columns: {remedy}")
        if self.kind in ("row_count", "range") and self.minimum is None and self.maximum is None:
            found.append(f"minimum: {say('give a minimum, a maximum or both.')}")
        if None not in (self.minimum, self.maximum) and self.minimum > self.maximum:
            found.append(f"minimum: {say('is above the maximum; exchange them.')}")
        if self.kind == "reconcile":
            other = self.other_dataset or self.dataset
            if other not in datasets:
                found.append(none_of("other_dataset", other, sorted(datasets), say))
            elif self.other_column not in datasets[other]:
                found.append(no_column("other_column", self.other_column, other, datasets, say))
        if self.kind == "figure":
            if self.figure not in kpis:
                found.append(not_shown("figure", self.figure, say))
            if self.aggregate not in AGGREGATES:
                found.append(none_of("aggregate", self.aggregate, AGGREGATES, say))
        if self.kind in ("reconcile", "figure") and (self.tolerance < 0 or self.tolerance_percent < 0):
            found.append(f"tolerance: {say('is 0 or more.')}")
        if self.kind == "condition" and self.operator not in OPERATORS:
            found.append(none_of("operator", self.operator, OPERATORS, say))
        return found

    @property
    def _takes_column(self):
        return self.kind != "row_count" and (self.kind, self.aggregate) != ("figure", "count")

    @property
    def _counts_rows(self):
        """Whether it counts what was left out as well."""
        return self.kind == "row_count" or not (self._takes_column or self.columns)


def evaluate(
    rule: CheckRule,
    datasets: Mapping[str, Table],
    say: Words = ENGLISH,
    figures: Mapping[str, Figure] = MappingProxyType({}),
) -> Check:
    """What the check found, in the words of ``say``."""
    columns = {code: tuple(column.key for column in table.columns) for code, table in datasets.items()}
    problems = rule.problems(columns, figures, say)
    detail = problems[0] if problems else _cut_off(rule, datasets, say)
    if not detail and rule.kind == "figure":
        detail = _figure(rule, datasets[rule.dataset], figures[rule.figure], say)
    elif not detail:
        detail = _FINDERS[rule.kind](rule, datasets, say)
    if not detail:
        return Check(rule.label, "passed")
    return Check(rule.label, "warn" if rule.warn_only else "failed", detail)


def none_of(field: str, name: str, known, say: Words) -> str:
    """What is wrong with a field that names something unknown."""
    return f"{field}: {say('“{name}” is none of {known}.', name=name, known=', '.join(known) or say('nothing'))}"


def no_column(field: str, name: str, dataset: str, datasets: Mapping[str, tuple[str, ...]], say: Words) -> str:
    """What is wrong with a field that names a column that its dataset does not have."""
    words = "“{name}” is no column of {dataset}; it has {known}."
    return f"{field}: {say(words, name=name, dataset=dataset, known=', '.join(datasets[dataset]) or say('nothing'))}"


def not_shown(field: str, kpi: str, say: Words) -> str:
    """What is wrong with a field that names a KPI of which the report has no figure."""
    return f"{field}: {say('add it to a section of this report: “{name}” is in none.', name=kpi)}"


def sum_of(table: Table, column: str) -> Decimal:
    """Sum of the numbers of a column; rows without one count nothing."""
    place = _place(table, column)
    return sum((Decimal(row[place]) for row in table.rows if _is_number(row[place])), Decimal(0))


def _cut_off(rule, datasets, say):
    if rule._counts_rows:
        return ""
    for code in {rule.dataset, rule.other_dataset} - {""}:
        if datasets[code].left_out:
            return say(
                "Only {count} rows of {dataset} were read: narrow it down, or check a grouped dataset.",
                count=len(datasets[code].rows),
                dataset=code,
            )
    return ""


def _row_count(rule, datasets, say):
    table = datasets[rule.dataset]
    count = len(table.rows) + table.left_out
    if rule.minimum is not None and count < rule.minimum:
        return say("{count} rows, at least {limit} expected", count=count, limit=f"{rule.minimum:f}")
    if rule.maximum is not None and count > rule.maximum:
        return say("{count} rows, at most {limit} expected", count=count, limit=f"{rule.maximum:f}")
    return ""


def _nulls(rule, datasets, say):
    table = datasets[rule.dataset]
    places = [_place(table, column) for column in rule.columns]
    empty = [row for row in table.rows if any(row[place] in (None, "") for place in places)]
    if len(empty) <= (rule.maximum or 0):
        return ""
    return say(
        "{count} of {all} rows without {column}: {names}",
        count=len(empty),
        all=len(table.rows),
        column=_labels(table, places),
        names=_names(empty),
    )


def _range(rule, datasets, say):
    table = datasets[rule.dataset]
    place = _place(table, rule.columns[0])
    if words := _no_numbers(table, place, say):
        return words
    outside = [
        row
        for row in table.rows
        if row[place] is not None
        and (
            (rule.minimum is not None and row[place] < rule.minimum)
            or (rule.maximum is not None and row[place] > rule.maximum)
        )
    ]
    if not outside:
        return ""
    low, high = ("" if end is None else f"{end:f}" for end in (rule.minimum, rule.maximum))
    return say(
        "{count} values of {column} outside {low}…{high}: {names}",
        count=len(outside),
        column=table.columns[place].label,
        low=low,
        high=high,
        names=_names(outside),
    )


def _duplicates(rule, datasets, say):
    table = datasets[rule.dataset]
    places = [_place(table, column) for column in rule.columns]
    counts = Counter(tuple(row[place] for place in places) for row in table.rows)
    twice = [key for key, count in counts.items() if count > 1]
    if not twice:
        return ""
    return say("{columns} more than once: {names}", columns=_labels(table, places), names=_names(twice))


def _reconcile(rule, datasets, say):
    table, other = datasets[rule.dataset], datasets[rule.other_dataset or rule.dataset]
    place, opposite = _place(table, rule.columns[0]), _place(other, rule.other_column)
    if words := _no_numbers(table, place, say) or _no_numbers(other, opposite, say):
        return words
    left, right = sum_of(table, rule.columns[0]), sum_of(other, rule.other_column)
    if not _agree(rule, left, right):
        return say(
            "{one} against {other}: {difference} apart, at most {limit} allowed",
            one=f"{left:f}",
            other=f"{right:f}",
            difference=f"{abs(left - right):f}",
            limit=f"{rule.tolerance:f}",
        )
    apart = (
        [row for row in table.rows if not _agree(rule, row[place] or 0, row[opposite] or 0)] if table is other else []
    )
    if apart:
        return say("the sums agree, {count} rows do not: {names}", count=len(apart), names=_names(apart))
    return ""


def _figure(rule, table, figure, say):
    """Nothing, or by how much the figure and the table are apart."""
    if figure.value is None:
        return " ".join(filter(None, (say("{figure} has no value.", figure=figure.label), figure.note)))
    place = _place(table, rule.columns[0]) if rule.columns else None
    if rule.aggregate == "sum":
        if words := _no_numbers(table, place, say):
            return words
        counted = sum_of(table, rule.columns[0])
    else:
        counted = _count(table, place, rule.aggregate == "count_distinct")
    if _agree(rule, figure.value, counted):
        return ""
    return say(
        "{figure} says {one}, the table {other}: {difference} apart, at most {limit} allowed",
        figure=figure.label,
        one=f"{figure.value:f}",
        other=f"{counted:f}",
        difference=f"{abs(figure.value - counted):f}",
        limit=f"{_allowed(rule, figure.value, counted):f}",
    )


def _count(table, place, is_distinct):
    if place is None:
        return Decimal(len(table.rows) + table.left_out)
    values = [row[place] for row in table.rows if row[place] not in (None, "")]
    return Decimal(len(set(values) if is_distinct else values))


def _agree(rule, left, right):
    left, right = Decimal(left), Decimal(right)
    return abs(left - right) <= _allowed(rule, left, right)


def _allowed(rule, left, right):
    """By how much two numbers may differ."""
    return max(rule.tolerance, max(abs(left), abs(right)) * rule.tolerance_percent / 100)


def _condition(rule, datasets, say):
    table = datasets[rule.dataset]
    place = _place(table, rule.columns[0])
    compare = OPERATORS[rule.operator]
    try:
        bad = [row for row in table.rows if row[place] is not None and compare(*_comparable(row[place], rule.value))]
    except InvalidOperation:
        return say(
            "{column} cannot be compared with “{value}”: write a number like 1000.50",
            column=table.columns[place].label,
            value=rule.value,
        )
    if len(bad) <= (rule.maximum or 0):
        return ""
    return say(
        "{count} rows with {column} {operator} {value}: {names}",
        count=len(bad),
        column=table.columns[place].label,
        operator=rule.operator,
        value=rule.value,
        names=_names(bad),
    )


_FINDERS = {
    "row_count": _row_count,
    "nulls": _nulls,
    "range": _range,
    "duplicates": _duplicates,
    "reconcile": _reconcile,
    "condition": _condition,
}


def _place(table, key):
    return next(place for place, column in enumerate(table.columns) if column.key == key)


def _labels(table, places):
    return ", ".join(table.columns[place].label for place in places)


def _no_numbers(table, place, say):
    """Why this column cannot be measured; empty when each of its values is a number."""
    strange = [row for row in table.rows if row[place] is not None and not _is_number(row[place])]
    return strange and say(
        "{count} values of {column} are no numbers: {names}",
        count=len(strange),
        column=table.columns[place].label,
        names=_names(strange),
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, Decimal | int) and not isinstance(value, bool)


def _comparable(value, text):
    """Both as numbers where the value is one, else both as text (ISO dates compare as such).

    :raises InvalidOperation: the text is no number
    """
    return (Decimal(value), Decimal(text)) if _is_number(value) else (str(value), text)


def _names(rows):
    """The first texts of the first rows, to look them up by."""
    shown = [str(next((value for value in row if value not in (None, "")), "–")) for row in rows[:NAMED]]
    return ", ".join(shown) + (" …" if len(rows) > NAMED else "")


__all__ = [
    "AGGREGATES",
    "KINDS",
    "OPERATORS",
    "CheckRule",
    "Column",
    "evaluate",
    "no_column",
    "none_of",
    "not_shown",
    "sum_of",
]
