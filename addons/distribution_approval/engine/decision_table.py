"""Decision tables: rules over facts, compiled once, asked often.

A table is an ordered list of rules. A rule is a conjunction of conditions and an
outcome: *pass*, *require* (approvals in stages) or *refuse*. The hit policy says
what happens when several rules match, as in DMN.

How a table decides:

1. A condition is true, false or – when its fact is unknown – *unknown*. A rule is
   false when one of its conditions is false; else unknown when one is unknown; else
   true. A rule without conditions is always true.
2. ``FIRST``: rules are read by declared sequence (then key). The first true rule
   decides. An unknown rule before it might have decided instead: the verdict is *hold*.
3. ``COLLECT``: every rule counts and their order never matters. One true *refuse*
   refuses. Else one unknown rule holds. Else all true *require* rules together make
   the route. Else a true *pass* rule passes.
4. Nothing matched: hold. There is no default that lets a document through.
5. Collected stages merge by declared sequence. The same approver asked twice in one
   stage is asked once, with the stricter quorum and the stricter clock. A named user asked
   in several stages is asked in the earliest only, for a person decides once.
6. A rule in *monitor* mode never decides and never holds. It is reported when it would
   have counted, had it been enforced.
7. An empty value (see :mod:`.facts`) is different from everything: ``ne`` and
   ``not in`` are true for it, comparisons are false.

>>> from decimal import Decimal
>>> from .facts import FactSpec, FactType, Unknown
>>> specs = {spec.name: spec for spec in (
...     FactSpec('amount', 'Amount', FactType.MONEY),
...     FactSpec('vendor_status', 'Vendor status', FactType.SELECTION, options=(
...         ('new', 'New'), ('approved', 'Approved'), ('blocked', 'Blocked'))),
... )}
>>> manager, finance = Approver('group', '7', 'Purchasing'), Approver('group', '9', 'Finance')
>>> small = Rule('small', 10, 'Small order', (
...     Condition('amount', 'le', Decimal(2500)),
...     Condition('vendor_status', 'eq', 'approved')), 'pass')
>>> large = Rule('large', 20, 'Large order', (Condition('amount', 'gt', Decimal(2500)),),
...     'require', (Requirement(1, manager), Requirement(2, finance)))
>>> blocked = Rule('blocked', 30, 'Blocked vendor',
...     (Condition('vendor_status', 'eq', 'blocked'),), 'refuse')
>>> table = compile_table(Table(specs, (small, large, blocked), 'COLLECT'))

>>> verdict = table.evaluate({'amount': 30000, 'vendor_status': 'approved'})
>>> verdict.outcome, [(stage.sequence, [r.approver.label for r in stage.requirements])
...                   for stage in verdict.stages]
('require', [(1, ['Purchasing']), (2, ['Finance'])])
>>> table.evaluate({'amount': 30000, 'vendor_status': 'blocked'}).outcome
'refuse'
>>> verdict = table.evaluate({'amount': 900, 'vendor_status': Unknown('register is down')})
>>> verdict.outcome, verdict.reasons[0]
('hold', "Rule 'Small order' cannot be judged: Vendor status is unknown (register is down).")

In words:

>>> table.describe(small)
'Amount ≤ 2,500 and Vendor status is Approved'
>>> for line in table.explain(large, {'amount': 30000}):
...     print(line.truth, line.text)
True Amount 30,000.00 is above 2,500.00

How it is fast: for each fact the table keeps an index from values to two bitmaps with
one bit per rule – rules whose conditions on that fact are all true, and rules where
none is false. The bitmaps of all facts are intersected, and so are those of the distinct
requirements. Cost grows with the number of facts, not with the number of rules; only the
verdict itself is as long as there are rules that matched.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import reduce
from itertools import compress
from typing import Any

from .errors import FactError, OperandError, TableError
from .facts import (
    NOT_PROVIDED,
    FactSpec,
    FactType,
    Unknown,
    as_date,
    as_decimal,
    as_typed,
    clean,
    decimal_text,
    set_order,
)
from .service_clock import ServiceClock, stricter

FIRST = "FIRST"
COLLECT = "COLLECT"
HIT_POLICIES = (FIRST, COLLECT)

PASS = "pass"
REQUIRE = "require"
REFUSE = "refuse"
HOLD = "hold"
RULE_OUTCOMES = (PASS, REQUIRE, REFUSE)

ENFORCE = "enforce"
MONITOR = "monitor"
MODES = (ENFORCE, MONITOR)

#: Approver kinds that are found by their key; the others come from the document.
KEYED_APPROVERS = ("user", "group")


# ----------------------------------------------------------------- operators


@dataclass(frozen=True, slots=True)
class Operator:
    """How a fact is compared.

    ``operand`` says what stands beside it: ``none``, ``one`` value, a ``range``
    (low and high, both included) or ``many`` values.
    """

    code: str
    label: str
    symbol: str
    operand: str


_EQ = Operator("eq", "is", "=", "one")
_NE = Operator("ne", "is not", "≠", "one")
_LT = Operator("lt", "is below", "<", "one")
_LE = Operator("le", "is at most", "≤", "one")
_GT = Operator("gt", "is above", ">", "one")
_GE = Operator("ge", "is at least", "≥", "one")
_BETWEEN = Operator("between", "is between", "between", "range")
_IN = Operator("in", "is one of", "is one of", "many")
_NOT_IN = Operator("not_in", "is none of", "is none of", "many")
_ANY_OF = Operator("any_of", "contains any of", "contains any of", "many")
_ALL_OF = Operator("all_of", "contains all of", "contains all of", "many")
_NONE_OF = Operator("none_of", "contains none of", "contains none of", "many")
_IS_EMPTY = Operator("is_empty", "is empty", "is empty", "none")
_IS_TRUE = Operator("is_true", "is yes", "is yes", "none")
_IS_FALSE = Operator("is_false", "is no", "is no", "none")

_ORDERED = (_EQ, _NE, _LT, _LE, _GT, _GE, _BETWEEN, _IS_EMPTY)
_DISCRETE = (_EQ, _NE, _IN, _NOT_IN, _IS_EMPTY)

#: The operators that each type of fact allows, in the order in which to offer them.
OPERATORS: dict[FactType, tuple[Operator, ...]] = {
    FactType.MONEY: _ORDERED,
    FactType.PERCENT: _ORDERED,
    FactType.QUANTITY: _ORDERED,
    FactType.NUMBER: _ORDERED,
    FactType.DATE: _ORDERED,
    FactType.SELECTION: _DISCRETE,
    FactType.REFERENCE: _DISCRETE,
    FactType.TEXT: _DISCRETE,
    FactType.SET: (_ANY_OF, _ALL_OF, _NONE_OF, _IS_EMPTY),
    FactType.FLAG: (_IS_TRUE, _IS_FALSE),
}

_BY_CODE = {op.code: op for ops in OPERATORS.values() for op in ops}

_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, operand: value is not None and value == operand,
    "ne": lambda value, operand: value is None or value != operand,
    "lt": lambda value, operand: value is not None and value < operand,
    "le": lambda value, operand: value is not None and value <= operand,
    "gt": lambda value, operand: value is not None and value > operand,
    "ge": lambda value, operand: value is not None and value >= operand,
    "between": lambda value, operand: value is not None and operand[0] <= value <= operand[1],
    "in": lambda value, operand: value is not None and value in operand,
    "not_in": lambda value, operand: value is None or value not in operand,
    "any_of": lambda value, operand: not operand.isdisjoint(value),
    "all_of": lambda value, operand: operand <= value,
    "none_of": lambda value, operand: operand.isdisjoint(value),
    "is_empty": lambda value, _operand: value is None or value == frozenset(),
    "is_true": lambda value, _operand: value is True,
    "is_false": lambda value, _operand: value is False,
}


# ------------------------------------------------------------- the vocabulary


@dataclass(frozen=True, slots=True)
class Threshold:
    """Marks the operand of a condition as adjustable by local variants, within a band
    (both ends included). See :mod:`.thresholds`."""

    name: str
    low: Any = None
    high: Any = None


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison. ``operand`` is typed: see :func:`parse_operand`."""

    fact: str
    operator: str
    operand: Any = None
    threshold: Threshold | None = None

    def holds(self, value) -> bool | None:
        """Whether a typed value fulfils the condition; ``None`` when it is unknown."""
        if isinstance(value, Unknown):
            return None
        return _TESTS[self.operator](value, self.operand)


@dataclass(frozen=True, slots=True)
class Approver:
    """Who is asked: a ``user`` or ``group`` (``key``: its id as text), or a role that
    is taken from the document, such as ``warehouse_manager``.

    The label is for people; two approvers of the same kind and key are the same.
    """

    kind: str
    key: str = ""
    label: str = ""

    def __eq__(self, other):
        if not isinstance(other, Approver):
            return NotImplemented
        return (self.kind, self.key) == (other.kind, other.key)

    def __hash__(self):
        return hash((self.kind, self.key))


@dataclass(frozen=True, slots=True)
class Requirement:
    """``quorum`` different people of one approver entry must approve in a stage."""

    sequence: int
    approver: Approver
    quorum: int = 1
    name: str = ""
    clock: ServiceClock | None = None  #: how long it may take, and what happens then


@dataclass(frozen=True, slots=True)
class Rule:
    """When all ``conditions`` are true, then ``outcome``."""

    key: str
    sequence: int
    name: str
    conditions: tuple[Condition, ...] = ()
    outcome: str = REQUIRE
    requirements: tuple[Requirement, ...] = ()
    mode: str = ENFORCE

    def __post_init__(self):
        object.__setattr__(self, "conditions", tuple(self.conditions))
        object.__setattr__(self, "requirements", tuple(self.requirements))


@dataclass(frozen=True, slots=True)
class Stage:
    """The requirements that are asked at the same time."""

    sequence: int
    requirements: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a table says about one set of facts.

    ``matched``: the rules that decided, by sequence – none when on hold.
    ``undetermined``: ``(rule, fact name, reason)`` for each unknown fact of each rule
    that could have counted. ``monitored``: rules in monitor mode that would have.
    ``reasons``: the same for people, one sentence each.
    """

    outcome: str
    matched: tuple[Rule, ...] = ()
    undetermined: tuple[tuple[Rule, str, str], ...] = ()
    stages: tuple[Stage, ...] = ()
    reasons: tuple[str, ...] = ()
    monitored: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """One condition in words, with the value at hand, and its truth."""

    condition: Condition
    text: str
    truth: bool | None


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a table, where, and what to do.

    ``severity`` is ``error`` (the table cannot be used) or ``warning``.
    ``rule_key`` is empty when the whole table is meant; ``field`` names a field of
    the rule, or the fact of a condition.
    """

    severity: str
    rule_key: str
    field: str
    message: str
    remedy: str

    def __str__(self):
        place = f"Rule {self.rule_key}: " if self.rule_key else ""
        return f"{place}{self.message} {self.remedy}".strip()


@dataclass(frozen=True, slots=True)
class Table:
    """Rules over declared facts with a hit policy. Editable, may have problems."""

    specs: Mapping[str, FactSpec]
    rules: tuple[Rule, ...]
    hit_policy: str = COLLECT

    def __post_init__(self):
        object.__setattr__(self, "rules", tuple(self.rules))

    def validate(self) -> list[Problem]:
        """Every problem of the table: errors first, then warnings."""
        problems = list(_table_problems(self))
        for rule in self.rules:
            problems.extend(_rule_problems(self.specs, rule))
        if not problems and self.hit_policy == FIRST:
            problems.extend(_order_problems(self.rules))
        return sorted(problems, key=lambda problem: problem.severity != "error")

    def describe(self, rule: Rule, name_of=None) -> str:
        return describe(rule, self.specs, name_of)

    def explain(self, rule: Rule, facts, name_of=None) -> tuple[Explanation, ...]:
        return explain(rule, facts, self.specs, name_of)


# ----------------------------------------------------------------- validation


def _table_problems(table):
    if table.hit_policy not in HIT_POLICIES:
        yield Problem(
            "error",
            "",
            "hit_policy",
            f"'{table.hit_policy}' is no hit policy.",
            "Choose FIRST or COLLECT.",
        )
    for name, spec in table.specs.items():
        if name != spec.name:
            yield Problem(
                "error",
                "",
                "specs",
                f"The fact '{spec.name}' is declared under the name '{name}'.",
                "Declare it under its own name.",
            )
    if not any(rule.mode == ENFORCE for rule in table.rules):
        yield Problem(
            "warning",
            "",
            "rules",
            "No rule is enforced: every document will be on hold.",
            "Add a rule.",
        )
    seen = set()
    for rule in table.rules:
        if rule.key in seen:
            yield Problem(
                "error",
                str(rule.key),
                "key",
                "Another rule has the same key.",
                "Give each rule a key of its own.",
            )
        seen.add(rule.key)


def _rule_problems(specs, rule):
    def error(field, message, remedy):
        return Problem("error", str(rule.key), field, message, remedy)

    if not isinstance(rule.key, str) or not rule.key:
        yield error("key", "The rule has no key.", "Give it one.")
    if not _is_int(rule.sequence):
        yield error(
            "sequence",
            f"'{rule.sequence}' is no place in the order.",
            "Enter a whole number.",
        )
    if rule.outcome not in RULE_OUTCOMES:
        yield error(
            "outcome",
            f"'{rule.outcome}' is no outcome.",
            "Choose pass, require or refuse.",
        )
    if rule.mode not in MODES:
        yield error("mode", f"'{rule.mode}' is no mode.", "Choose enforce or monitor.")
    if rule.outcome == REQUIRE and not rule.requirements:
        yield error(
            "requirements",
            "The rule requires approval but names nobody.",
            "Add an approver, or choose pass or refuse.",
        )
    if rule.outcome in (PASS, REFUSE) and rule.requirements:
        yield error(
            "requirements",
            f"The rule names approvers, but its outcome is {rule.outcome}.",
            "Choose require, or remove the approvers.",
        )
    for requirement in rule.requirements:
        for message, remedy in _requirement_problems(requirement):
            yield error("requirements", message, remedy)
    for condition in rule.conditions:
        message, remedy = _condition_problem(specs, condition)
        if message:
            yield error(str(condition.fact), message, remedy)


def _requirement_problems(requirement):
    who = requirement.approver.label or requirement.approver.kind
    if not requirement.approver.kind:
        yield "An approver has no kind.", "Choose a user, a group or a role."
    elif requirement.approver.kind in KEYED_APPROVERS and not requirement.approver.key:
        yield f"An approver is a {who}, but it is not said which.", "Choose one."
    if not _is_int(requirement.sequence):
        yield (
            f"'{requirement.sequence}' is no stage.",
            "Enter the stage as a whole number.",
        )
    if not _is_int(requirement.quorum) or requirement.quorum < 1:
        yield (
            f"{who}: a quorum of {requirement.quorum} asks nobody.",
            "Enter 1 or more.",
        )
    elif requirement.approver.kind == "user" and requirement.quorum > 1:
        yield (
            f"{who} is one person and cannot be a quorum of {requirement.quorum}.",
            "Enter 1, or choose a group.",
        )
    if requirement.clock:
        yield from ((f"{who}: {message}", remedy) for message, remedy in requirement.clock.problems())


def _condition_problem(specs, condition):
    """``(message, remedy)`` of the first thing wrong with a condition, or two blanks."""
    spec = specs.get(condition.fact)
    if spec is None:
        return f"There is no fact '{condition.fact}'.", "Choose one from the list."
    operator = _BY_CODE.get(condition.operator)
    allowed = OPERATORS[spec.type]
    if operator not in allowed:
        label = operator.label if operator else f"'{condition.operator}'"
        return (
            f"{spec.label} cannot be compared with {label}.",
            "Choose " + ", ".join(op.label for op in allowed) + ".",
        )
    if condition.operator == "is_empty" and not (spec.optional or spec.type is FactType.SET):
        return (
            f"{spec.label} is never empty: without a value it is unknown.",
            "Remove the condition; unknown holds the document.",
        )
    try:
        _check_operand(spec, operator, condition.operand)
    except OperandError as error:
        return error.message, error.remedy
    return "", ""


def _check_operand(spec, operator, operand):
    if operator.operand == "none":
        if operand is not None:
            raise OperandError(spec.name, f"{spec.label} {operator.label} takes no value.", "Remove it.")
    elif operator.operand == "one":
        _check_value(spec, operand)
    elif operator.operand == "range":
        if not isinstance(operand, tuple) or len(operand) != 2:
            raise OperandError(
                spec.name,
                f"{spec.label} is to be between two values.",
                "Enter the lowest and the highest, such as 10..20.",
            )
        low, high = operand
        _check_value(spec, low)
        _check_value(spec, high)
        if low > high:
            raise OperandError(
                spec.name,
                f"{spec.label}: the lowest value {_short(spec, low)} is above the highest {_short(spec, high)}.",
                "Swap them.",
            )
    else:
        if not isinstance(operand, frozenset):
            raise OperandError(spec.name, f"{spec.label} needs a list of values.", "Choose the values.")
        if not operand:
            raise OperandError(spec.name, f"{spec.label}: the list is empty.", "Choose a value.")
        for element in operand:
            _check_value(spec, element)


def _check_value(spec, value):
    """A single operand must be exactly what :func:`.facts.clean` makes of a value."""
    try:
        if spec.type is FactType.SET:
            typed = next(iter(as_typed(spec, (value,))))
            if spec.model and not isinstance(value, int):
                raise FactError(f"{value!r} is not the id of a record")
            if spec.options and not isinstance(value, str):
                raise FactError(f"{value!r} is not one of the options")
        else:
            typed = as_typed(spec, value)
    except FactError as error:
        raise OperandError(spec.name, f"{spec.label}: {error}.", _remedy(spec)) from None
    if typed is None:
        raise OperandError(spec.name, f"{spec.label}: a value is missing.", _remedy(spec))
    if type(typed) is not type(value):
        raise OperandError(spec.name, f"{spec.label}: {value!r} has the wrong type.", _remedy(spec))


def _remedy(spec):
    if spec.type.is_number:
        return "Enter a number, such as 1250.50."
    if spec.type is FactType.DATE:
        return "Enter a date, such as 2024-12-31."
    if spec.options:
        return "Choose " + ", ".join(label for _key, label in spec.options) + "."
    if spec.type in (FactType.REFERENCE, FactType.SET):
        return "Choose from the list."
    return "Enter a text."


def _order_problems(rules):
    """Under FIRST: places held twice, and rules that an earlier one always forestalls."""
    enforced = sorted((rule for rule in rules if rule.mode == ENFORCE), key=_declared_order)
    earlier: list[tuple[Rule, frozenset]] = []
    for rule in enforced:
        conditions = frozenset(_condition_identity(c) for c in rule.conditions)
        if earlier and earlier[-1][0].sequence == rule.sequence:
            yield Problem(
                "warning",
                rule.key,
                "sequence",
                f"'{earlier[-1][0].name}' stands at the same place "
                f"({rule.sequence}); the key decides which is read first.",
                "Give each rule a place of its own.",
            )
        for other, fewer in earlier:
            if fewer <= conditions:
                yield Problem(
                    "warning",
                    rule.key,
                    "sequence",
                    f"The rule is never reached: '{other.name}' comes before it and matches whenever it does.",
                    "Move it up, or remove it.",
                )
                break
        earlier.append((rule, conditions))


def _condition_identity(condition):
    """Conditions that mean the same are the same: one-element lists are equalities."""
    fact, operator, operand = condition.fact, condition.operator, condition.operand
    if operator in ("in", "not_in") and len(operand) == 1:
        operator = "eq" if operator == "in" else "ne"
        operand = next(iter(operand))
    elif operator == "between" and operand[0] == operand[1]:
        operator, operand = "eq", operand[0]
    return fact, operator, operand


def _is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _declared_order(rule):
    return rule.sequence, rule.key


# ------------------------------------------------------------------- operands

_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_BETWEEN_SIGN = re.compile(r"\s*(?:\.\.+|…|;|\bto\b|\band\b|\s-\s)\s*", re.IGNORECASE)


def parse_operand(spec: FactSpec, operator: str, text: str | None) -> Any:
    """The typed operand from what a person typed. Raises :class:`OperandError`.

    Numbers may have thousands separators, a trailing ``%`` or the fact's unit; a range
    is written ``10..20``; a list is separated by commas or semicolons; an option is
    named by its key or its label; a record by its id.

    >>> amount = FactSpec('amount', 'Amount', FactType.MONEY, unit='EUR')
    >>> parse_operand(amount, 'gt', '25,000.00 EUR')
    Decimal('25000')
    >>> parse_operand(amount, 'between', '100 .. 2 500')
    (Decimal('100'), Decimal('2500'))
    >>> parse_operand(amount, 'gt', '1,5')
    Traceback (most recent call last):
        ...
    engine.errors.OperandError: Amount: '1,5' is not a number. Enter a number, such as 1250.50.
    """
    op = _BY_CODE.get(operator)
    if op not in OPERATORS[spec.type]:
        message, remedy = _condition_problem({spec.name: spec}, Condition(spec.name, operator))
        raise OperandError(spec.name, message, remedy)
    text = (text or "").strip()
    if op.operand == "none":
        operand = None
        if text:
            raise OperandError(spec.name, f"{spec.label} {op.label} takes no value.", "Remove it.")
    elif not text:
        raise OperandError(spec.name, f"{spec.label}: a value is missing.", _remedy(spec))
    elif op.operand == "one":
        operand = _parse_value(spec, text)
    elif op.operand == "range":
        parts = [part for part in _BETWEEN_SIGN.split(text) if part]
        operand = tuple(_parse_value(spec, part) for part in parts)
    else:
        parts = [part.strip() for part in re.split(r"[,;\n]", text)]
        operand = frozenset(_parse_value(spec, part) for part in parts if part)
    _check_operand(spec, op, operand)
    return operand


def format_operand(spec: FactSpec, operator: str, operand: Any) -> str:
    """The text that :func:`parse_operand` reads back as the same operand.

    >>> amount = FactSpec('amount', 'Amount', FactType.MONEY)
    >>> format_operand(amount, 'between', (Decimal('100'), Decimal('2500.5')))
    '100..2500.5'
    """
    kind = _BY_CODE[operator].operand
    if kind == "none":
        return ""
    if kind == "one":
        return _plain(operand)
    if kind == "range":
        return "..".join(_plain(value) for value in operand)
    return ", ".join(_plain(value) for value in sorted(operand, key=set_order))


def _plain(value):
    return decimal_text(value) if isinstance(value, Decimal) else str(value)


def _parse_value(spec, text):
    kind = spec.type
    try:
        if kind.is_number:
            return _parse_number(spec, text)
        if kind is FactType.DATE:
            return as_date(text)
        if spec.options:
            return _parse_option(spec, text)
        if kind is FactType.REFERENCE or (kind is FactType.SET and spec.model):
            if not text.isdecimal():
                raise FactError(f"{text!r} is not the id of a record")
            return int(text)
    except FactError as error:
        raise OperandError(spec.name, f"{spec.label}: {error}.", _remedy(spec)) from None
    return text


def _parse_number(spec, text):
    number = text
    for mark in (spec.unit, "%" if spec.type is FactType.PERCENT else ""):
        if mark:
            number = number.removesuffix(mark).removeprefix(mark).strip()
    number = re.sub(r"(?<=\d)[ _'’\u00a0\u202f](?=\d{3}(?!\d))", "", number)
    number = number.replace("−", "-")
    if _GROUPED.fullmatch(number):
        number = number.replace(",", "")
    if not _PLAIN.fullmatch(number):
        raise FactError(f"{text!r} is not a number")
    return as_decimal(number)


def _parse_option(spec, text):
    for key, _label in spec.options:
        if key == text:
            return key
    keys = [key for key, label in spec.options if label.casefold() == text.casefold()]
    if len(keys) == 1:
        return keys[0]
    raise FactError(f"{text!r} is not one of the options")


# ------------------------------------------------------------------- in words


def describe(rule: Rule, specs: Mapping[str, FactSpec], name_of=None) -> str:
    """The conditions of a rule in words.

    ``name_of(spec, key)`` gives the name of a record; without it, its id is shown.
    """
    if not rule.conditions:
        return "Always"
    return " and ".join(_condition_words(specs, condition, name_of) for condition in rule.conditions)


def explain(
    rule: Rule, facts: Mapping[str, Any], specs: Mapping[str, FactSpec], name_of=None
) -> tuple[Explanation, ...]:
    """Each condition of a rule, in words, against the facts at hand.

    A condition that is itself wrong is unknown, with what is wrong as its text: a draft
    can be tried out before it is finished.
    """
    lines = []
    for condition in rule.conditions:
        message, _todo = _condition_problem(specs, condition)
        if message:
            lines.append(Explanation(condition, message, None))
            continue
        spec = specs[condition.fact]
        value = clean(spec, facts.get(condition.fact, NOT_PROVIDED))
        truth = condition.holds(value)
        lines.append(Explanation(condition, _explain(spec, condition, value, truth, name_of), truth))
    return tuple(lines)


#: (symbolic operator) → what is said when it is true, and when it is false.
_SAID = {
    "eq": ("is", "is not"),
    "ne": ("is not", "is"),
    "lt": ("is below", "is not below"),
    "le": ("is at most", "is above"),
    "gt": ("is above", "is not above"),
    "ge": ("is at least", "is below"),
    "between": ("is between", "is not between"),
    "in": ("is one of", "is none of"),
    "not_in": ("is none of", "is one of"),
    "any_of": ("contains one of", "contains none of"),
    "all_of": ("contains all of", "does not contain all of"),
    "none_of": ("contains none of", "contains one of"),
}


def _explain(spec, condition, value, truth, name_of):
    if truth is None:
        return f"{spec.label} is unknown ({value.reason})"
    if spec.type is FactType.FLAG:
        return f"{spec.label} is {'empty' if value is None else 'yes' if value else 'no'}"
    if value is None or value == frozenset():
        return f"{spec.label} is empty"
    shown = _long(spec, value, name_of)
    if condition.operator == "is_empty":
        return f"{spec.label} {shown} is not empty"
    if condition.operator == "eq" and truth or condition.operator == "ne" and not truth:
        return f"{spec.label} is {shown}"
    said = _SAID[condition.operator][0 if truth else 1]
    return f"{spec.label} {shown} {said} {_operand_words(spec, condition, _long, name_of)}"


def _condition_words(specs, condition, name_of):
    message, _todo = _condition_problem(specs, condition)
    if message:
        return f"{condition.fact} {condition.operator} {condition.operand} (?)"
    spec, operator = specs[condition.fact], _BY_CODE[condition.operator]
    if operator.operand == "none":
        return f"{spec.label} {operator.label}"
    said = operator.symbol if spec.type.is_ordered else operator.label
    return f"{spec.label} {said} {_operand_words(spec, condition, _short, name_of)}"


def _operand_words(spec, condition, words, name_of):
    operand = condition.operand
    if isinstance(operand, tuple):
        return " and ".join(words(spec, value, name_of) for value in operand)
    if isinstance(operand, frozenset):
        elements = sorted(operand, key=set_order)
        return ", ".join(words(spec, value, name_of) for value in elements)
    return words(spec, operand, name_of)


def _short(spec, value, name_of=None):
    """A value as in a rule: 25,000 – 5% – New."""
    if isinstance(value, Decimal):
        percent = "%" if spec.type is FactType.PERCENT else ""
        return f"{value:,f}{percent}"
    if isinstance(value, frozenset):
        return ", ".join(_short(spec, element, name_of) for element in sorted(value, key=set_order))
    if isinstance(value, int):
        return (name_of and name_of(spec, value)) or f"#{value}"
    if isinstance(value, str):
        return spec.option_label(value)
    return str(value)


def _long(spec, value, name_of=None):
    """A value as on a document: 25,000.00 – amounts show their cents."""
    if spec.type is FactType.MONEY and value.as_tuple().exponent > -2:
        return f"{value:,.2f}"
    return _short(spec, value, name_of)


# ---------------------------------------------------------------- compilation


def compile_table(table: Table) -> CompiledTable:
    """The table ready to be asked. Raises :class:`TableError` when it has errors."""
    errors = [problem for problem in table.validate() if problem.severity == "error"]
    if errors:
        raise TableError(errors)
    return CompiledTable(table)


class CompiledTable:
    """A table without errors, with an index over each fact that its rules use.

    It does not change and holds no facts: it can be shared and kept. Use
    :func:`compile_table` to make one.
    """

    __slots__ = (
        "_always",
        "_by_outcome",
        "_enforced",
        "_indexes",
        "_masks_of_fact",
        "_reasons",
        "_requirements",
        "hit_policy",
        "rules",
        "specs",
        "used_facts",
    )

    def __init__(self, table: Table):
        self.specs = dict(table.specs)
        self.hit_policy = table.hit_policy
        #: The rules by declared order; bit *n* of every bitmap stands for rule *n*.
        self.rules = tuple(sorted(table.rules, key=_declared_order))
        self._always = (1 << len(self.rules)) - 1
        self._enforced = _bitmap(r.mode == ENFORCE for r in self.rules)
        self._by_outcome = {
            outcome: _bitmap(r.outcome == outcome and r.mode == ENFORCE for r in self.rules)
            for outcome in RULE_OUTCOMES
        }
        self._reasons = tuple(f"Rule '{rule.name}' matches." for rule in self.rules)
        #: Each distinct requirement with the rules that have it.
        self._requirements = _requirement_bitmaps(self.rules)
        conditions = defaultdict(lambda: defaultdict(list))
        for bit, rule in enumerate(self.rules):
            for condition in rule.conditions:
                conditions[condition.fact][bit].append(condition)
        #: Names of the facts that at least one rule reads.
        self.used_facts = frozenset(conditions)
        self._indexes = {
            name: _index(self.specs[name], by_bit, self._always) for name, by_bit in sorted(conditions.items())
        }
        #: Rules that read a fact.
        self._masks_of_fact = {name: sum(1 << bit for bit in by_bit) for name, by_bit in conditions.items()}

    def describe(self, rule: Rule, name_of=None) -> str:
        return describe(rule, self.specs, name_of)

    def explain(self, rule: Rule, facts, name_of=None) -> tuple[Explanation, ...]:
        return explain(rule, facts, self.specs, name_of)

    def evaluate(self, facts: Mapping[str, Any]) -> Verdict:
        """The verdict on one document. Facts that no rule reads are ignored."""
        true, possible, unknown = self._match(facts)
        decide = self._decide_first if self.hit_policy == FIRST else self._decide_collect
        return decide(true, possible & ~true, unknown)

    def _match(self, facts):
        """Bitmaps of the true and of the not false rules, and the unknown facts."""
        true = possible = self._always
        unknown = {}
        for name, index in self._indexes.items():
            value = clean(self.specs[name], facts.get(name, NOT_PROVIDED))
            if isinstance(value, Unknown):
                unknown[name] = value.reason
                true &= ~self._masks_of_fact[name]
            else:
                fulfilled = index(value)
                true &= fulfilled
                possible &= fulfilled
        return true & possible, possible, unknown

    def _decide_first(self, true, open_, unknown):
        hits = true & self._enforced
        first = hits & -hits
        before = first - 1 if first else self._always
        monitored = _select(self.rules, true & ~self._enforced & before)
        undetermined = self._undetermined(open_ & self._enforced & before, unknown)
        if undetermined or not first:
            return self._hold(undetermined, monitored)
        return self._verdict(self.rules[first.bit_length() - 1].outcome, first, (), monitored)

    def _decide_collect(self, true, open_, unknown):
        monitored = _select(self.rules, true & ~self._enforced)
        undetermined = self._undetermined(open_ & self._enforced, unknown)
        refusing = true & self._by_outcome[REFUSE]
        if refusing:
            return self._verdict(REFUSE, refusing, undetermined, monitored)
        if undetermined:
            return self._hold(undetermined, monitored)
        for outcome in (REQUIRE, PASS):
            hits = true & self._by_outcome[outcome]
            if hits:
                return self._verdict(outcome, hits, (), monitored)
        return self._hold((), monitored)

    def _verdict(self, outcome, hits, undetermined, monitored):
        needs = [need for need, bitmap in self._requirements if bitmap & hits]
        return Verdict(
            outcome,
            _select(self.rules, hits),
            undetermined,
            merge_stages(needs),
            _select(self._reasons, hits),
            monitored,
        )

    def _hold(self, undetermined, monitored):
        reasons = tuple(
            f"Rule '{rule.name}' cannot be judged: {self.specs[name].label} is unknown ({reason})."
            for rule, name, reason in undetermined
        )
        return Verdict(
            HOLD,
            undetermined=undetermined,
            reasons=reasons or ("No rule matches.",),
            monitored=monitored,
        )

    def _undetermined(self, bits, unknown):
        return tuple(
            (rule, name, unknown[name])
            for rule in _select(self.rules, bits)
            for name in sorted({condition.fact for condition in rule.conditions})
            if name in unknown
        )


def merge_stages(requirements: Iterable[Requirement]) -> tuple[Stage, ...]:
    """The route that several requirements make together; their order does not matter."""
    merged: dict[tuple[int, Approver], Requirement] = {}
    for requirement in requirements:
        key = requirement.sequence, requirement.approver
        known = merged.get(key)
        merged[key] = _stricter(known, requirement) if known else requirement
    earliest: dict[Approver, int] = {}
    for sequence, approver in merged:
        if approver.kind == "user":
            earliest[approver] = min(sequence, earliest.get(approver, sequence))
    for approver, sequence in earliest.items():
        # Asked once, so the strictest clock of all the stages counts where the person is asked.
        clocks = [requirement.clock for (_at, other), requirement in merged.items() if other == approver]
        merged[sequence, approver] = replace(merged[sequence, approver], clock=reduce(stricter, clocks))
    stages = defaultdict(list)
    for (sequence, approver), requirement in merged.items():
        if earliest.get(approver, sequence) == sequence:
            stages[sequence].append(requirement)
    return tuple(
        Stage(sequence, tuple(sorted(stages[sequence], key=_requirement_order))) for sequence in sorted(stages)
    )


def _stricter(one, other):
    """Both requirements in one; of two names the alphabetically first is kept."""
    return Requirement(
        one.sequence,
        min(one.approver, other.approver, key=lambda a: (not a.label, a.label)),
        max(one.quorum, other.quorum),
        min(one.name, other.name, key=lambda name: (not name, name)),
        stricter(one.clock, other.clock),
    )


def _requirement_order(requirement):
    return requirement.approver.kind, requirement.approver.key


# -------------------------------------------------------------------- indexes
#
# An index is a callable: known value of one fact → bitmap of the rules whose
# conditions on that fact are all true. Rules that do not read the fact are in it.


def _index(spec, by_bit, always):
    if spec.type.is_ordered:
        return _OrderedIndex(by_bit, always)
    if spec.type is FactType.SET:
        return _SetIndex(by_bit, always)
    return _DiscreteIndex(by_bit, always)


def _fulfilled(by_bit, always, value):
    """The bitmap for one value, the slow way."""
    failed = 0
    for bit, conditions in by_bit.items():
        if not all(condition.holds(value) for condition in conditions):
            failed |= 1 << bit
    return always & ~failed


class _OrderedIndex:
    """Numbers and dates: operands cut the line into points and open intervals.

    ``n`` sorted breakpoints make ``2n + 1`` segments – the interval before the first
    (0), the first point (1), the interval behind it (2) … – with one bitmap each.
    """

    __slots__ = ("_breakpoints", "_empty", "_segments")

    def __init__(self, by_bit, always):
        self._empty = _fulfilled(by_bit, always, None)
        points = set()
        for conditions in by_bit.values():
            for condition in conditions:
                points.update(self._points(condition))
        self._breakpoints = sorted(points)
        place = {point: 2 * n + 1 for n, point in enumerate(self._breakpoints)}
        last = 2 * len(self._breakpoints)
        # A rule is out while at least one of its conditions is false.
        changes = defaultdict(list)
        for bit, conditions in by_bit.items():
            for condition in conditions:
                for start, end in self._false_ranges(condition, place, last):
                    changes[start].append((bit, 1))
                    changes[end + 1].append((bit, -1))
        failing = defaultdict(int)
        bitmap = always
        self._segments = []
        for segment in range(last + 1):
            for bit, change in changes[segment]:
                failing[bit] += change
                if failing[bit]:
                    bitmap &= ~(1 << bit)
                else:
                    bitmap |= 1 << bit
            self._segments.append(bitmap)

    @staticmethod
    def _points(condition):
        if condition.operator == "is_empty":
            return ()
        if condition.operator == "between":
            return condition.operand
        return (condition.operand,)

    @staticmethod
    def _false_ranges(condition, place, last):
        """Inclusive ranges of segments in which a condition is false."""
        operator = condition.operator
        if operator == "is_empty":
            return [(0, last)]
        if operator == "between":
            low, high = (place[point] for point in condition.operand)
            return [(0, low - 1), (high + 1, last)]
        at = place[condition.operand]
        return {
            "eq": [(0, at - 1), (at + 1, last)],
            "ne": [(at, at)],
            "lt": [(at, last)],
            "le": [(at + 1, last)],
            "gt": [(0, at)],
            "ge": [(0, at - 1)],
        }[operator]

    def __call__(self, value):
        if value is None:
            return self._empty
        breakpoints = self._breakpoints
        n = bisect_left(breakpoints, value)
        if n < len(breakpoints) and breakpoints[n] == value:
            return self._segments[2 * n + 1]
        return self._segments[2 * n]


class _DiscreteIndex:
    """Selections, references, texts and flags: a bitmap per value that a rule names,
    one for all others, one for empty."""

    __slots__ = ("_bitmaps", "_other")

    def __init__(self, by_bit, always):
        named = defaultdict(dict)
        for bit, conditions in by_bit.items():
            for condition in conditions:
                for value in self._values(condition):
                    named[value][bit] = conditions
        self._other = _fulfilled(by_bit, always, object())
        self._bitmaps = {None: _fulfilled(by_bit, always, None)}
        for value, concerned in named.items():
            mask = sum(1 << bit for bit in concerned)
            self._bitmaps[value] = (self._other & ~mask) | (_fulfilled(concerned, mask, value))

    @staticmethod
    def _values(condition):
        if condition.operator in ("is_true", "is_false"):
            return (True, False)
        if condition.operator == "is_empty":
            return ()
        if condition.operator in ("eq", "ne"):
            return (condition.operand,)
        return condition.operand

    def __call__(self, value):
        return self._bitmaps.get(value, self._other)


class _SetIndex:
    """Sets: conditions become clauses, each asking for one of several elements.

    ``any of {a, b}`` is the clause *a or b*; ``all of {a, b}`` is two clauses, *a* and
    *b*; ``none of`` forbids its elements. The clauses of a rule are dealt to layers, so
    that a layer has at most one clause per rule: one bitmap per element and layer.
    """

    __slots__ = ("_empty", "_forbidding", "_layers", "_satisfiable")

    def __init__(self, by_bit, always):
        self._empty = _fulfilled(by_bit, always, frozenset())
        self._satisfiable = always
        self._forbidding = defaultdict(int)
        #: (rules without a clause in the layer, element → rules satisfied by it)
        layers = []
        for bit, conditions in by_bit.items():
            for depth, clause in enumerate(self._clauses(bit, conditions)):
                if depth == len(layers):
                    layers.append([always, defaultdict(int)])
                layers[depth][0] &= ~(1 << bit)
                for element in clause:
                    layers[depth][1][element] |= 1 << bit
        self._layers = [(idle, dict(asked)) for idle, asked in layers]
        self._forbidding = dict(self._forbidding)

    def _clauses(self, bit, conditions):
        for condition in conditions:
            if condition.operator == "any_of":
                yield condition.operand
            elif condition.operator == "all_of":
                for element in condition.operand:
                    yield (element,)
            elif condition.operator == "none_of":
                for element in condition.operand:
                    self._forbidding[element] |= 1 << bit
            else:  # is_empty: false, for the empty set has a bitmap of its own
                self._satisfiable &= ~(1 << bit)

    def __call__(self, value):
        if not value:
            return self._empty
        bitmap = self._satisfiable
        for element in value:
            bitmap &= ~self._forbidding.get(element, 0)
        for satisfied, asked in self._layers:
            for element in value:
                satisfied |= asked.get(element, 0)
            bitmap &= satisfied
        return bitmap


def _requirement_bitmaps(rules):
    """``(requirement, bitmap)``; those that differ in a label only are kept apart."""
    bitmaps = defaultdict(int)
    for bit, rule in enumerate(rules):
        for requirement in rule.requirements:
            bitmaps[requirement, requirement.approver.label] |= 1 << bit
    return tuple((requirement, bitmap) for (requirement, _label), bitmap in bitmaps.items())


_DIGITS_TO_FLAGS = bytes.maketrans(b"01", b"\x00\x01")


def _select(entries, bits):
    """The entries whose bits are set, in order."""
    if not bits:
        return ()
    flags = f"{bits:b}".encode()[::-1].translate(_DIGITS_TO_FLAGS)
    return tuple(compress(entries, flags))


def _bitmap(flags):
    return sum(1 << bit for bit, flag in enumerate(flags) if flag)
