"""Which events a subscription wants: patterns of types, companies, sites, and conditions on the facts.

Rules:

1. A pattern is an event type in which ``*`` stands for any text. One of them has to fit.
2. Companies: the event's company has to be among them; none named: every company, and none.
   Sites: the same. An event of no site goes to those only that name none.
3. All conditions have to be true. A condition names a fact by its path – keys with full stops
   between – and compares it. A fact that is not there makes it false, except for ``absent``.
4. Numbers compare as numbers, also when they are written as text (amounts are).

>>> wants = Wanted(patterns=('distribution.purchase_order.*',),
...                conditions=(Condition('amount', 'ge', '25000'),))
>>> wanted(wants, 'distribution.purchase_order.approved.v1', 1, {'amount': '30000.00'})
True
>>> wanted(wants, 'distribution.purchase_order.approved.v1', 1, {'amount': '900'})
False
>>> wanted(wants, 'distribution.sale_order.approved.v1', 1, {'amount': '30000.00'})
False
"""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

OPERATORS = ('eq', 'ne', 'gt', 'ge', 'lt', 'le', 'in', 'present', 'absent')
PATTERN = re.compile(r'[a-z0-9_.*]+')
PATH = re.compile(r'[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*')
_MISSING = object()


class FilterProblem(ValueError):
    """A pattern or condition cannot be used; the text says which and why."""


@dataclass(frozen=True)
class Condition:
    """One comparison of a fact with a value; ``in`` takes values with commas between."""

    path: str
    operator: str
    value: str = ''


@dataclass(frozen=True)
class Wanted:
    """What one subscription asks for."""

    patterns: tuple[str, ...]
    companies: frozenset[int] = frozenset()
    sites: frozenset[int] = frozenset()
    conditions: tuple[Condition, ...] = ()


def check(wants):
    """Raise FilterProblem unless everything in ``wants`` can be used."""
    if not wants.patterns:
        raise FilterProblem("name at least one event type, or *")
    for pattern in wants.patterns:
        if not PATTERN.fullmatch(pattern):
            raise FilterProblem(f"“{pattern}” is no event type: use small letters, digits, _ . and *")
    for condition in wants.conditions:
        if condition.operator not in OPERATORS:
            raise FilterProblem(f"{condition.path}: there is no comparison “{condition.operator}”")
        if not PATH.fullmatch(condition.path or ''):
            raise FilterProblem(f"“{condition.path}” is no path: write keys with full stops between, such as amount")
        if condition.operator in ('gt', 'ge', 'lt', 'le') and _number(condition.value) is None:
            raise FilterProblem(f"{condition.path}: “{condition.value}” is no number")
        if condition.operator not in ('present', 'absent') and not (condition.value or '').strip():
            raise FilterProblem(f"{condition.path}: enter a value to compare with")


def matches(pattern, event_type):
    """Whether the event type fits the pattern.

    >>> matches('distribution.*.approved.v1', 'distribution.purchase_order.approved.v1')
    True
    >>> matches('distribution.case.opened.v1', 'distributionxcase.opened.v1')
    False
    """
    return bool(re.fullmatch('.*'.join(map(re.escape, pattern.split('*'))), event_type))


def wanted(wants, event_type, company, facts, site=None):
    """Whether the event is to be delivered.

    :param company: number of the event's company, or None
    :param facts: the event's data, a dict
    :param site: number of the event's site, or None
    """
    return (
        any(matches(pattern, event_type) for pattern in wants.patterns)
        and (not wants.companies or company in wants.companies)
        and (not wants.sites or site in wants.sites)
        and all(_holds(condition, facts) for condition in wants.conditions)
    )


def _holds(condition, facts):
    found = facts
    for key in condition.path.split('.'):
        found = found.get(key, _MISSING) if isinstance(found, dict) else _MISSING
    if found is _MISSING or found is None:
        return condition.operator == 'absent'
    if condition.operator in ('present', 'absent'):
        return condition.operator == 'present'
    if condition.operator == 'in':
        return any(_same(found, value.strip()) for value in condition.value.split(','))
    if condition.operator in ('eq', 'ne'):
        return _same(found, condition.value.strip()) == (condition.operator == 'eq')
    number, limit = _number(found), _number(condition.value)
    if number is None or limit is None:
        return False
    return {'gt': number > limit, 'ge': number >= limit, 'lt': number < limit, 'le': number <= limit}[
        condition.operator
    ]


def _same(found, value):
    if isinstance(found, bool):
        return str(found).lower() == value.lower()
    if isinstance(found, list):
        return any(_same(element, value) for element in found)
    one, other = _number(found), _number(value)
    return one == other if one is not None and other is not None else str(found) == value


def _number(value):
    """Decimal of a number or its text; None when it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
