"""Sealed snapshots: an approval is bound to the content that was approved.

Rules:

1. A snapshot holds the controlled values of a document – its header and its lines –
   in one canonical form. Numbers that are equal are the same number (``1.10`` is
   ``1.1``); the order of keys, lines and elements of a list carries no meaning.
2. Its *digest* (SHA-256 of the canonical JSON) changes exactly when a canonical value
   changes.
3. What is about to be true is always compared with the snapshot that was sealed, never
   with the edit before: a tolerance cannot be walked up in small steps.
4. An exact field (partner, currency, product, taxes …) tolerates no change, nor does the
   set of lines. A field that is not described as tolerated is exact.
5. Tolerated fields may change while the *drift* stays within the limit: the smaller of
   ``percent`` of the sealed header amount and ``amount``. The drift is the sum, over all
   lines, of how far each line moved – up and down never cancel out – or the change of
   the header amount, whichever is larger.
6. How far a line moved is the change of its value. When several of its fields changed, or
   one without moving the value, what each change does alone counts as well and the largest
   is taken: twice the quantity at half the price is not "no change". On a line that has
   no value nothing can be measured; there a change is beyond.
7. A limit of 0 tolerates nothing, not even a change that rounding hides.

All amounts are in one currency, that of the line values; a limit given in another one
is converted by the caller.

>>> sealed = seal({'partner': 12, 'amount': 1000}, {
...     'l1': {'product': 7, 'quantity': 10, 'price_unit': 60, 'value': 600},
...     'l2': {'product': 8, 'quantity': 4, 'price_unit': 100, 'value': 400}})
>>> now = seal({'partner': 12, 'amount': 1012}, {
...     'l2': {'product': 8, 'quantity': 4, 'price_unit': 100.0, 'value': 400},
...     'l1': {'product': 7, 'quantity': 10, 'price_unit': 61.2, 'value': 612}})
>>> tolerance = Tolerance(percent=2, amount=50)
>>> change = compare(sealed, now, tolerance)
>>> change.beyond, change.drift, change.limit
(False, Decimal('12'), Decimal('20'))
>>> print(change.describe())
Amount: 1000 → 1012
l1: Unit price: 60 → 61.2
l1: Value: 600 → 612
>>> compare(sealed, now, Tolerance()).beyond
True
>>> Snapshot.from_json(sealed.to_json()) == sealed
True
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from json.encoder import encode_basestring_ascii
from types import MappingProxyType
from typing import Any

from .errors import FactError, SnapshotError
from .facts import as_decimal

#: Name of the header's total, and of a line's value.
AMOUNT = "amount"
VALUE = "value"
HEADER = "header"

#: Version of the canonical form; part of what is hashed.
FORMAT = 1

EXACT = "exact"
FIELD_KINDS = (EXACT, "amount", "quantity", "discount")


@dataclass(frozen=True, slots=True)
class ControlledField:
    """How a field is compared.

    ``exact``: no change is tolerated. ``amount`` and ``quantity``: a factor of the line's
    value, tolerated. ``discount``: a percentage off the line's value, tolerated.
    ``model`` names what the ids in a reference belong to, so that they can be shown in words.
    """

    name: str
    label: str = ""
    kind: str = EXACT
    model: str = ""

    def __post_init__(self):
        if self.kind not in FIELD_KINDS:
            raise SnapshotError(f"{self.name}: '{self.kind}' is no kind of controlled field")


#: The tolerated fields of a commercial document.
COMMERCIAL_FIELDS = (
    ControlledField(AMOUNT, "Amount", "amount"),
    ControlledField(VALUE, "Value", "amount"),
    ControlledField("quantity", "Quantity", "quantity"),
    ControlledField("price_unit", "Unit price", "amount"),
    ControlledField("discount", "Discount", "discount"),
)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a document may drift: the smaller of the two limits counts.

    ``percent`` is of the sealed header amount; ``amount`` in the currency of the values.
    """

    percent: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)

    def __post_init__(self):
        for name in ("percent", "amount"):
            try:
                limit = as_decimal(getattr(self, name))
            except FactError as error:
                raise SnapshotError(f"tolerance {name}: {error}") from None
            if limit < 0:
                raise SnapshotError(f"tolerance {name}: {limit} is negative")
            object.__setattr__(self, name, limit)

    def limit(self, sealed_amount) -> Decimal:
        """The limit for a document of that sealed amount; 0 when it has none.

        >>> Tolerance(percent=5, amount=100).limit(Decimal('1000'))
        Decimal('50')
        """
        if not isinstance(sealed_amount, Decimal):
            return Decimal(0)
        percent = Fraction(self.percent) * abs(Fraction(sealed_amount)) / 100
        return min(self.amount, _as_exact_decimal(percent))


class Snapshot:
    """The controlled values of a document in canonical form. It does not change.

    ``header`` and each of ``lines`` are read-only mappings of canonical values: Decimal
    for every number, text, bool, ``None``, or a sorted tuple of these.
    """

    __slots__ = ("_json", "header", "lines")

    def __init__(self, header: Mapping[str, Any], lines: Mapping[Any, Mapping[str, Any]]):
        self.header = _canonical_fields(HEADER, header)
        canonical = {}
        for key, values in lines.items():
            if str(key) in canonical:
                raise SnapshotError(f"two lines have the key '{key}'")
            canonical[str(key)] = _canonical_fields(f"line {key}", values)
        self.lines = MappingProxyType(dict(sorted(canonical.items())))
        self._json = _json_text({"format": FORMAT, "header": self.header, "lines": self.lines})

    @property
    def amount(self) -> Decimal | None:
        """The header's total, if there is one."""
        return self.header.get(AMOUNT)

    @property
    def amounts(self) -> dict:
        """The value of each line."""
        return {key: values.get(VALUE) for key, values in self.lines.items()}

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
        return hashlib.sha256(self._json.encode()).hexdigest()

    def to_json(self) -> str:
        """Canonical JSON: keys sorted, no blanks, numbers in plain notation."""
        return self._json

    @classmethod
    def from_json(cls, text: str) -> Snapshot:
        """The snapshot written by :meth:`to_json`. Raises :class:`SnapshotError`."""
        try:
            stored = json.loads(text, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_number)
            if stored["format"] != FORMAT:
                raise SnapshotError(f"snapshot format {stored['format']} is not known")
            return cls(stored["header"], stored["lines"])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if isinstance(error, SnapshotError):
                raise
            raise SnapshotError(f"this is not a snapshot: {error!r}") from None

    def __eq__(self, other):
        return isinstance(other, Snapshot) and self._json == other._json

    def __hash__(self):
        return hash(self._json)

    def __repr__(self):
        return f"<Snapshot {self.digest[:12]}, {len(self.lines)} lines>"

    def __reduce__(self):
        return Snapshot.from_json, (self._json,)


def seal(header: Mapping[str, Any], lines: Mapping[Any, Mapping[str, Any]] | None = None) -> Snapshot:
    """Take the snapshot of a document's controlled values.

    Values may be numbers, text, dates, flags, ``None`` or collections of these.

    >>> a = seal({'amount': 1.10}, {1: {'taxes': [3, 2], 'value': 1}})
    >>> b = seal({'amount': Decimal('1.10')}, {'1': {'value': 1.0, 'taxes': {2, 3}}})
    >>> a.digest == b.digest
    True
    """
    return Snapshot(header, lines or {})


# ------------------------------------------------------------------ comparing


@dataclass(frozen=True, slots=True)
class Deviation:
    """One controlled value that is not what was sealed.

    ``where`` is ``header`` or the key of a line. A whole line that came or went is
    reported once, with an empty ``field``. ``beyond``: not tolerated.
    """

    where: str
    field: str
    label: str
    before: Any
    after: Any
    beyond: bool

    def describe(self) -> str:
        """In words, one line."""
        place = "" if self.where == HEADER else f"{self.where}: "
        if not self.field:
            return f"{place}line {'added' if self.before is None else 'removed'}"
        return f"{place}{self.label}: {_words(self.before)} → {_words(self.after)}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """All deviations from a sealed snapshot; iterates over them, empty is false.

    ``drift`` is what tolerated fields moved, ``limit`` what they may move.
    """

    deviations: tuple[Deviation, ...] = ()
    drift: Decimal = Decimal(0)
    limit: Decimal = Decimal(0)

    @property
    def beyond(self) -> bool:
        """Whether the document is no longer the one that was sealed."""
        return any(deviation.beyond for deviation in self.deviations)

    def describe(self) -> str:
        """In words, one deviation a line."""
        return "\n".join(deviation.describe() for deviation in self.deviations)

    def __iter__(self):
        return iter(self.deviations)

    def __len__(self):
        return len(self.deviations)


def compare(
    sealed: Snapshot,
    current: Snapshot,
    tolerance: Tolerance = Tolerance(),
    fields: Iterable[ControlledField] = COMMERCIAL_FIELDS,
) -> Comparison:
    """How ``current`` deviates from ``sealed``, and what of it is beyond tolerance.

    ``fields`` gives labels and kinds; what is not in it is exact.
    """
    described = {field.name: field for field in fields}
    found = [
        (HEADER, name, before, after, not _tolerated_in_header(described, *change))
        for change in _changes(sealed.header, current.header)
        for name, before, after in (change,)
    ]
    moved = Fraction(0)
    for key in sorted(set(sealed.lines) | set(current.lines)):
        if key not in current.lines:
            found.append((key, "", sealed.lines[key], None, True))
        elif key not in sealed.lines:
            found.append((key, "", None, current.lines[key], True))
        else:
            before, after = sealed.lines[key], current.lines[key]
            changes = list(_changes(before, after))
            effect = _line_effect(described, before, after, changes)
            moved += effect or 0
            found.extend((key, *change, effect is None or not _is_tolerated(described, *change)) for change in changes)
    drift = max(moved, _header_drift(sealed, current))
    limit = tolerance.limit(sealed.amount)
    overdrawn = drift > Fraction(limit)
    return Comparison(
        tuple(
            Deviation(
                where,
                name,
                described[name].label or name if name in described else name,
                before,
                after,
                beyond or overdrawn,
            )
            for where, name, before, after, beyond in found
        ),
        _as_exact_decimal(drift),
        limit,
    )


_MISSING = object()


def _changes(before, after):
    """``(name, before, after)`` of each field that differs; a missing one is not empty."""
    for name in sorted(set(before) | set(after)):
        old, new = before.get(name, _MISSING), after.get(name, _MISSING)
        if old is _MISSING or new is _MISSING or not _same(old, new):
            yield (
                name,
                None if old is _MISSING else old,
                None if new is _MISSING else new,
            )


def _same(old, new):
    """Written the same: ``True`` is not 1, nor is the text ``'1'``."""
    return _json_text(old) == _json_text(new)


def _is_tolerated(described, name, before, after):
    return (
        name in described
        and described[name].kind != EXACT
        and isinstance(before, Decimal)
        and isinstance(after, Decimal)
    )


def _tolerated_in_header(described, name, before, after):
    """Only the total is measured in the header; any other change there is beyond."""
    return name == AMOUNT and _is_tolerated(described, name, before, after)


def _header_drift(sealed, current):
    if isinstance(sealed.amount, Decimal) and isinstance(current.amount, Decimal):
        return abs(Fraction(current.amount) - Fraction(sealed.amount))
    return Fraction(0)


def _line_effect(described, before, after, changes):
    """How far the tolerated fields of a line moved, ``None`` if that has no measure."""
    tolerated = [change for change in changes if _is_tolerated(described, *change)]
    if not tolerated:
        return Fraction(0)
    old, new = before.get(VALUE), after.get(VALUE)
    if not isinstance(old, Decimal) or not isinstance(new, Decimal):
        return None
    if not old and not new:
        return None
    moved = abs(Fraction(new) - Fraction(old))
    factors = [change for change in tolerated if change[0] != VALUE]
    if moved and len(factors) < 2:
        return moved
    effects = [_effect(described[name].kind, old, *change) for name, *change in factors]
    if not moved and not all(effects):
        return None
    return max(moved, *effects)


def _effect(kind, value, before, after):
    """What the change of one factor alone does to a line's value; 0 if it was 0."""
    before, after = Fraction(before), Fraction(after)
    if kind == "discount":
        before, after = 100 - before, 100 - after
    return abs(Fraction(value) * (after - before) / before) if before else Fraction(0)


# ------------------------------------------------------------- canonical form


def _canonical_fields(where, values):
    canonical = {}
    for name, value in values.items():
        if not isinstance(name, str):
            raise SnapshotError(f"{where}: {name!r} is no field name")
        try:
            canonical[name] = _canonical(value)
        except FactError as error:
            raise SnapshotError(f"{where}, {name}: {error}") from None
    return MappingProxyType(dict(sorted(canonical.items())))


def _canonical(value):
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (int, float, Decimal)):
        return as_decimal(value)
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, (list, tuple, set, frozenset)):
        return tuple(sorted((_canonical(element) for element in value), key=_json_text))
    raise SnapshotError(f"{value!r} cannot be sealed")


def _json_text(value):
    """Canonical JSON. Numbers are written as digits, exactly, which ``json`` cannot."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    if isinstance(value, tuple):
        return "[" + ",".join(_json_text(element) for element in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_json_text(key)}:{_json_text(value[key])}" for key in sorted(value)) + "}"
    if value is None:
        return "null"
    return json.dumps(value)


def _as_exact_decimal(number: Fraction) -> Decimal:
    """A fraction as decimal: exact where that is possible, else to 12 decimals."""
    rest, places = number.denominator, 0
    while rest % 10 == 0:
        rest, places = rest // 10, places + 1
    while rest % 2 == 0:
        rest, places = rest // 2, places + 1
    while rest % 5 == 0:
        rest, places = rest // 5, places + 1
    if rest != 1:
        places = 12
    scaled = round(number * 10**places)
    digits = tuple(map(int, str(abs(scaled))))
    return _plain_decimal(Decimal((int(scaled < 0), digits, -places)))


def _plain_decimal(number):
    """Without trailing zeros, exactly."""
    text = format(number, "f")
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)


def _no_number(text):
    raise SnapshotError(f"{text} is not a number")


def _words(value):
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, tuple):
        return ", ".join(_words(element) for element in value) or "–"
    return str(value) or "–"
