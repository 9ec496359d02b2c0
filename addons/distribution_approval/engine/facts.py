"""Typed facts: what a decision table may ask about a document.

A *fact* is a named, typed value: the amount of an order in company currency, the
status of its vendor, the product categories on its lines. A decision reads facts
and nothing else, therefore the facts stored with a request explain it for ever.

Rules:

1. Each fact has a :class:`FactSpec`. Its type decides which values it takes and
   which operators a rule may use.
2. Numbers are exact decimals. What a float cannot know is removed on the way in:
   beyond 15 significant digits or 12 decimals it is binary noise. ``1.10`` and
   ``1.1`` are the same number.
3. *Unknown* and *empty* differ. :class:`Unknown` is a value that cannot be had (an
   outside check did not answer); a decision that needs it is on hold. *Empty*
   (``None``) is the knowledge that there is no value; only a fact declared
   ``optional`` can be empty.
4. In doubt a value is unknown: a missing fact, a value of the wrong type, a
   selection outside its options, an empty value of a fact that is not optional.

>>> amount = FactSpec('amount', 'Amount', FactType.MONEY, unit='EUR')
>>> clean(amount, 0.1 + 0.2)
Decimal('0.3')
>>> clean(amount, None)
Unknown(reason='Amount has no value')
>>> clean(amount, 'a lot')
Unknown(reason="Amount: 'a lot' is not a number")

Odoo's ``False`` is an empty value, except for a flag:

>>> contract = FactSpec('price_over', 'Over contract', FactType.PERCENT, optional=True)
>>> clean(contract, False) is None
True

Facts travel as JSON and come back as they were:

>>> specs = {spec.name: spec for spec in (amount, contract)}
>>> stored = encode_facts(specs, {'amount': 1250.50, 'price_over': Unknown('no answer')})
>>> stored
{'amount': '1250.5', 'price_over': {'unknown': 'no answer'}}
>>> decode_facts(specs, stored)
{'amount': Decimal('1250.5'), 'price_over': Unknown(reason='no answer')}
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import lru_cache
from typing import Any

from .errors import FactError

#: Longest number taken, in digits on either side of the decimal point.
MAX_DIGITS = 30
#: A float has no trustworthy decimals behind this one.
FLOAT_DECIMALS = 12


class FactType(str, Enum):
    """What kind of value a fact holds."""

    MONEY = "money"  #: Decimal, company currency
    PERCENT = "percent"  #: Decimal, 5 means 5 %
    QUANTITY = "quantity"  #: Decimal, unit of measure of the product
    NUMBER = "number"  #: Decimal, no unit
    DATE = "date"  #: datetime.date
    SELECTION = "selection"  #: str, one of the options
    REFERENCE = "reference"  #: int, id of one record
    SET = "set"  #: frozenset of int (records) or str
    FLAG = "flag"  #: bool
    TEXT = "text"  #: str

    @property
    def is_number(self) -> bool:
        return self in NUMBERS

    @property
    def is_ordered(self) -> bool:
        return self in NUMBERS or self is FactType.DATE


NUMBERS = frozenset({FactType.MONEY, FactType.PERCENT, FactType.QUANTITY, FactType.NUMBER})


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that cannot be had, and why. It is false in a boolean context.

    >>> bool(Unknown('credit check did not answer'))
    False
    """

    reason: str = "not provided"

    def __bool__(self):
        return False


NOT_PROVIDED = Unknown("not provided")


@dataclass(frozen=True, slots=True)
class FactSpec:
    """Declaration of one fact.

    ``options`` are ``(key, label)`` pairs of a selection, or of a set of texts.
    ``model`` is the model of a reference, or of a set of records.
    ``optional`` facts can be empty (``None``); the others are then unknown.
    ``minimum`` is what a number is never below, where that is sure; it decides nothing, it
    keeps the analysis of a table from asking about amounts that no document can have.
    """

    name: str
    label: str
    type: FactType
    unit: str = ""
    options: tuple = ()
    model: str = ""
    help: str = ""
    optional: bool = False
    minimum: Any = None

    def __post_init__(self):
        object.__setattr__(self, "type", FactType(self.type))
        pairs = tuple((option, option) if isinstance(option, str) else tuple(option) for option in self.options)
        object.__setattr__(self, "options", pairs)

    def option_label(self, key) -> str:
        """The label of an option, or the key itself when it has none."""
        return next((label for option, label in self.options if option == key), key)


def as_decimal(value) -> Decimal:
    """The exact, normalized decimal of an int, float, text or decimal.

    >>> as_decimal('1.10') == as_decimal(1.1) == as_decimal(Decimal('1.100'))
    True
    >>> str(as_decimal('1.10')), str(as_decimal(1e3)), str(as_decimal(-0.0))
    ('1.1', '1000', '0')

    Raises :class:`FactError` for anything else: flags, text, infinities, and
    numbers of more than 30 digits before or after the point.
    """
    if type(value) is float:
        return _decimal_of_float(value)
    if isinstance(value, Decimal):
        number = value
    elif isinstance(value, (int, str)) and not isinstance(value, bool):
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise FactError(f"{value!r} is not a number") from None
    elif isinstance(value, float):
        return as_decimal(float(value))
    else:
        raise FactError(f"{value!r} is not a number")
    if not number.is_finite():
        raise FactError(f"{value!r} is not a finite number")
    return _normalized(number)


@lru_cache(maxsize=4096)
def _decimal_of_float(value):
    """Quantities and prices come back again and again: in the lines, the facts and the snapshots of a document."""
    if not math.isfinite(value):
        raise FactError(f"{value!r} is not a finite number")
    number = Decimal("%.15g" % value)
    if number.as_tuple().exponent < -FLOAT_DECIMALS:
        number = round(number, FLOAT_DECIMALS)
    return _normalized(number)


def decimal_text(number: Decimal) -> str:
    """Plain notation without exponent and trailing zeros: ``'1250.5'``."""
    return format(as_decimal(number), "f")


def set_order(element):
    """Sort key of the elements of a set: records by id, then texts."""
    return (isinstance(element, str), element)


def clean(spec: FactSpec, value) -> Any:
    """The value of a fact as decisions read it, or :class:`Unknown`; never raises."""
    if isinstance(value, Unknown):
        return value
    try:
        typed = as_typed(spec, value)
    except FactError as error:
        return Unknown(f"{spec.label}: {error}")
    if typed is not None:
        return typed
    if not spec.optional:
        return Unknown(f"{spec.label} has no value")
    return frozenset() if spec.type is FactType.SET else None


def as_typed(spec: FactSpec, value) -> Any:
    """The typed value, ``None`` when empty. Raises :class:`FactError`."""
    kind = spec.type
    if kind in NUMBERS:
        if value is None or value is False:
            return None
        return as_decimal(value)
    if kind is FactType.FLAG:
        if value is None:
            return None
        if not isinstance(value, bool):
            raise FactError(f"{value!r} is not yes or no")
        return value
    if kind is FactType.SET:
        return _as_set(spec, value)
    if value is None or value is False or value == "":
        return None
    if kind is FactType.DATE:
        return as_date(value)
    if kind is FactType.REFERENCE:
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise FactError(f"{value!r} is not the id of a record")
        return int(value)
    if not isinstance(value, str):
        raise FactError(f"{value!r} is not a text")
    if kind is FactType.SELECTION:
        _check_option(spec, value)
    return str(value)


def as_date(value) -> datetime.date:
    """A date from a date or ISO text. A moment is refused: its day depends on a zone.

    >>> as_date('2024-02-29')
    datetime.date(2024, 2, 29)
    """
    if isinstance(value, datetime.datetime):
        raise FactError(f"{value!r} is a moment, not a date")
    if isinstance(value, datetime.date):
        return value
    if isinstance(value, str) and len(value) == 10:
        try:
            return datetime.date.fromisoformat(value)
        except ValueError as error:
            raise FactError(f"{value!r} is not a date (YYYY-MM-DD)") from error
    raise FactError(f"{value!r} is not a date (YYYY-MM-DD)")


def encode_facts(specs: Mapping[str, FactSpec], facts: Mapping[str, Any]) -> dict:
    """The facts as a JSON-able dictionary, sorted by name.

    Every declared fact is in it: what was not provided is written down as unknown.
    A fact without a declaration is a programming error (:class:`FactError`).
    """
    undeclared = sorted(set(facts) - set(specs))
    if undeclared:
        raise FactError(f"no such fact: {', '.join(undeclared)}")
    return {name: _encode(clean(specs[name], facts.get(name, NOT_PROVIDED))) for name in sorted(specs)}


def decode_facts(specs: Mapping[str, FactSpec], stored: Mapping[str, Any]) -> dict:
    """The facts that :func:`encode_facts` wrote.

    A stored fact that is declared no longer comes back as unknown: old requests
    stay readable after an upgrade.
    """
    facts = {}
    for name, value in stored.items():
        spec = specs.get(name)
        if spec is None:
            facts[name] = Unknown(f"the fact '{name}' is no longer declared")
        elif isinstance(value, Mapping):
            facts[name] = Unknown(str(value.get("unknown", NOT_PROVIDED.reason)))
        else:
            facts[name] = clean(spec, value)
    return facts


def _normalized(number):
    """Without exponent and trailing zeros; Decimal.normalize() would round."""
    if not number:
        return Decimal(0)
    sign, digits, exponent = number.as_tuple()
    if exponent == 0 and len(digits) <= MAX_DIGITS:
        return number
    end = len(digits)
    while exponent < 0 and digits[end - 1] == 0:
        end, exponent = end - 1, exponent + 1
    if end + exponent > MAX_DIGITS or -exponent > MAX_DIGITS:
        raise FactError(f"a number of more than {MAX_DIGITS} digits before or after the point is no business value")
    digits = digits[:end] + (0,) * max(0, exponent)
    return Decimal((sign, digits, min(0, exponent)))


def _encode(value):
    if isinstance(value, Unknown):
        return {"unknown": value.reason}
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value, key=set_order)
    return value


def _as_set(spec, value):
    if value is None or value is False:
        return None
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise FactError(f"{value!r} is not a set")
    elements = tuple(value)
    for element in elements:
        if isinstance(element, bool) or not isinstance(element, (int, str)):
            raise FactError(f"{element!r} cannot be in a set")
        if isinstance(element, str):
            _check_option(spec, element)
    return frozenset(elements)


def _check_option(spec, value):
    if spec.options and all(value != option for option, _label in spec.options):
        raise FactError(f"{value!r} is not one of the options")
