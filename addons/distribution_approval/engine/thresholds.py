"""Adjustable thresholds: values of a standard policy that local variants may move within a band.

Rules:

1. A condition with one ordered value (``Amount ≤ 2,500``) can be marked as a *threshold*: it
   gets a name and a band. Conditions of the same name move together, so that a variant cannot
   tear a gap between "up to 2,500" and "above 2,500"; they have the same fact, value and band.
2. A variant is a set of values by threshold name, for one company, region or site. It changes
   those values and nothing else of the table.
3. Of several variants the most specific counts, threshold by threshold: site, then region,
   then company. A value outside the band of the standard in force, or of a threshold that the
   standard does not have, does not count: the next less specific one does, at last the
   standard's own.

>>> from decimal import Decimal
>>> from .decision_table import Condition, Rule, Table, Threshold
>>> from .facts import FactSpec, FactType
>>> specs = {'amount': FactSpec('amount', 'Amount', FactType.MONEY)}
>>> limit = Threshold('buyer limit', Decimal(1000), Decimal(5000))
>>> table = Table(specs, (
...     Rule('1', 1, 'Small', (Condition('amount', 'le', Decimal(2500), limit),), 'pass'),
...     Rule('2', 2, 'Large', (Condition('amount', 'gt', Decimal(2500), limit),), 'refuse'),
... ))
>>> resolved = resolve(bands_of(table), [
...     ('Company', {'buyer limit': Decimal(3000)}),
...     ('North', {'buyer limit': Decimal(9000)}),
... ])
>>> resolved.values, [(v.variant, v.problem) for v in resolved.rejected]
({'buyer limit': Decimal('3000')}, [('North', '9,000 is outside the band 1,000 to 5,000')])
>>> [adjusted(table, resolved.values).describe(rule) for rule in table.rules]
['Amount ≤ 2,500', 'Amount > 2,500']
>>> [table.describe(rule) for rule in adjusted(table, resolved.values).rules]
['Amount ≤ 3,000', 'Amount > 3,000']
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .decision_table import Problem, Table, _check_value, _short
from .errors import OperandError
from .facts import FactSpec

#: Operators whose one value is a threshold.
ORDERED_OPERATORS = ("lt", "le", "gt", "ge")


@dataclass(frozen=True, slots=True)
class Band:
    """A threshold of a standard: its own value, and how far variants may go (both included)."""

    name: str
    spec: FactSpec
    value: Any
    low: Any
    high: Any

    def problem(self, value) -> str:
        """What is wrong with a variant's value, or nothing."""
        try:
            _check_value(self.spec, value)
        except OperandError as error:
            return str(error)
        if not self.low <= value <= self.high:
            return f"{_short(self.spec, value)} is outside the band {self.words()}"
        return ""

    def words(self) -> str:
        return f"{_short(self.spec, self.low)} to {_short(self.spec, self.high)}"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A value of a variant that does not count, and why."""

    variant: Any
    threshold: str
    value: Any
    problem: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """``values`` that count, ``sources`` (threshold → variant) and what was ``rejected``."""

    values: Mapping[str, Any]
    sources: Mapping[str, Any]
    rejected: tuple[Rejected, ...] = ()


def bands_of(table: Table) -> dict[str, Band]:
    """The thresholds of a table by name. The first condition of a name counts; see
    :func:`threshold_problems` for those that contradict it."""
    bands = {}
    for rule in table.rules:
        for condition in rule.conditions:
            mark = condition.threshold
            if mark is not None and mark.name not in bands and condition.fact in table.specs:
                bands[mark.name] = Band(mark.name, table.specs[condition.fact], condition.operand, mark.low, mark.high)
    return bands


def threshold_problems(table: Table) -> list[Problem]:
    """What keeps the thresholds of a table from being adjusted."""
    problems = []
    bands = bands_of(table)
    for rule in table.rules:
        for condition in rule.conditions:
            mark = condition.threshold
            spec = table.specs.get(condition.fact)
            if mark is None or spec is None:
                continue
            message, remedy = _threshold_problem(condition, mark, spec, bands[mark.name])
            if message:
                message = f"Rule '{rule.name}': {message}"
                problems.append(Problem("error", str(rule.key), condition.fact, message, remedy))
    return problems


def _threshold_problem(condition, mark, spec, band):
    if condition.operator not in ORDERED_OPERATORS or not spec.type.is_ordered:
        return (
            f"{spec.label} cannot be adjusted: only a limit (less than, at most, more than, at least) can.",
            "Remove the name of the threshold.",
        )
    if mark.low is None or mark.high is None:
        return f"the threshold “{mark.name}” has no complete band.", "Enter its lowest and its highest value."
    for end in (mark.low, mark.high):
        try:
            _check_value(spec, end)
        except OperandError as error:
            return error.message, error.remedy
    if mark.low > mark.high:
        return f"the band of “{mark.name}” begins above its end.", "Swap the two values."
    if not mark.low <= condition.operand <= mark.high:
        return (
            f"{_short(spec, condition.operand)} is outside the band of “{mark.name}”.",
            "Choose a band around the standard's own value.",
        )
    if (band.spec.name, band.value, band.low, band.high) != (spec.name, condition.operand, mark.low, mark.high):
        return (
            f"the threshold “{mark.name}” has another fact, value or band in another rule.",
            "Give both the same: conditions of one name move together. Or give it another name.",
        )
    return "", ""


def resolve(bands: Mapping[str, Band], variants: Iterable[tuple[Any, Mapping[str, Any]]]) -> Resolved:
    """The values that count.

    :param variants: ``(variant, {threshold: value})``, the least specific first
    """
    values, sources, rejected = {}, {}, []
    for variant, own in variants:
        for name, value in own.items():
            band = bands.get(name)
            problem = band.problem(value) if band else "the standard has no such threshold (any more)"
            if problem:
                rejected.append(Rejected(variant, name, value, problem))
            else:
                values[name] = value
                sources[name] = variant
    return Resolved(values, sources, tuple(rejected))


def adjusted(table: Table, values: Mapping[str, Any]) -> Table:
    """The table with other values at its thresholds."""
    if not values:
        return table
    return replace(
        table,
        rules=tuple(
            replace(rule, conditions=tuple(_adjusted(condition, values) for condition in rule.conditions))
            for rule in table.rules
        ),
    )


def _adjusted(condition, values):
    if condition.threshold is None or condition.threshold.name not in values:
        return condition
    return replace(condition, operand=values[condition.threshold.name])
