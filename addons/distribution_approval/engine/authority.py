"""Authority for a case: whom the rules ask about documents of at least its amount.

Who stands in for somebody, or gets a task handed, does not become more powerful by it. Rules:

1. A rule gives authority up to the highest amount for which it can match: without an upper limit
   on the amount, for any amount. Its other conditions do not count, for they say which documents
   of that amount it is about, not how large they may be.
2. Only rules that ask somebody count, and only enforced ones: a rule on trial empowers nobody.

>>> from decimal import Decimal
>>> from .decision_table import Approver, Condition, Requirement, Rule
>>> def rule(name, operator, limit):
...     return Rule(name, 10, name, (Condition('amount', operator, limit),), 'require',
...                 (Requirement(10, Approver('group', name), name=name),))
>>> rules = [rule('Branch', 'le', Decimal(500)), rule('Purchasing', 'between', (Decimal(500), Decimal(9000))),
...          rule('Finance', 'gt', Decimal(25000))]
>>> for amount in (400, 9000, 9001): print([each.name for each in asked_for_at_least(rules, Decimal(amount))])
['Branch', 'Purchasing', 'Finance']
['Purchasing', 'Finance']
['Finance']

The other way round, how far somebody's authority reaches:

>>> for name in ('Branch', 'Finance', 'Sales'): print(authority_up_to(rules, lambda each: each.key == name))
500
Infinity
None
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from .decision_table import ENFORCE, REQUIRE, Approver, Condition, Requirement, Rule

#: The fact that says how large a document is, in company currency.
AMOUNT = "amount"
_NO_LIMIT = Decimal("Infinity")

_REACHES = {
    "lt": lambda limit, amount: amount < limit,
    "le": lambda limit, amount: amount <= limit,
    "eq": lambda limit, amount: amount <= limit,
    "between": lambda limits, amount: amount <= limits[1],
    "is_empty": lambda _nothing, _amount: False,
}


def asked_for_at_least(rules: Iterable[Rule], amount: Decimal) -> tuple[Requirement, ...]:
    """Whom ``rules`` ask about some document of ``amount`` or more, each approver once."""
    found: dict[tuple[str, str], Requirement] = {}
    for rule in rules:
        if rule.outcome == REQUIRE and rule.mode == ENFORCE and all(_reaches(each, amount) for each in rule.conditions):
            for requirement in rule.requirements:
                found.setdefault((requirement.approver.kind, requirement.approver.key), requirement)
    return tuple(found.values())


def authority_up_to(rules: Iterable[Rule], named: Callable[[Approver], bool]) -> Decimal | None:
    """The highest amount about which ``rules`` ask an approver who is ``named``; None: they ask about none."""
    limits = [
        min((_limit(condition) for condition in rule.conditions), default=_NO_LIMIT)
        for rule in rules
        if rule.outcome == REQUIRE
        and rule.mode == ENFORCE
        and any(named(requirement.approver) for requirement in rule.requirements)
    ]
    return max(limits, default=None)


def _limit(condition: Condition) -> Decimal:
    """The highest amount for which the condition can be true."""
    if condition.fact != AMOUNT:
        return _NO_LIMIT
    if condition.operator in ("lt", "le", "eq"):
        return condition.operand
    return condition.operand[1] if condition.operator == "between" else _NO_LIMIT


def _reaches(condition: Condition, amount: Decimal) -> bool:
    """Whether the condition is true for some document of ``amount`` or more."""
    reaches = _REACHES.get(condition.operator) if condition.fact == AMOUNT else None
    return reaches is None or reaches(condition.operand, amount)
