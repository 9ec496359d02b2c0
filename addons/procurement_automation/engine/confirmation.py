"""What a vendor promises against what was ordered.

Rules, in words
---------------
1. A line is answered by one or several *promises* – a quantity, and the day when it arrives – and one price; or it is
   rejected. A price that is not named is the ordered one; a day that is not named is the day asked for.
2. The promised quantity is the sum of the promises; the promised day is the one on which the last of them arrives.
3. Quantity, day and price are compared one by one with the order. What is equal needs nothing; what differs within
   tolerance is *applied*; what differs more is a *case*. A rejected line is a case.
4. A tolerance is what may still be applied: exactly at the limit is within. Percentages are of what was ordered. Days
   count in calendar days, later and earlier apart.
5. A person decides about a line as a whole: where something is beyond tolerance, quantity and price wait for that, and
   only a day that is within tolerance moves.
6. A later day beyond tolerance is applied as well, where ``moves_late_dates`` is set: nobody agreed, but goods will not
   come earlier because we did not agree. Never applied: a day before ``today``, or further away than ``horizon`` days.
7. The first promise of a line is that of the first answer that promises something for it; nothing replaces it.
8. An answer that says what was said before changes nothing.

Quantities in the unit of the order line, prices per unit in the currency of the order.

>>> asked = Asked(quantity=100, day=date(2026, 12, 1), price=2)
>>> limits = Limits(days_later=3, quantity_percent=5, price_percent=1)
>>> judge(asked, Said((Promise(100, date(2026, 12, 1)),)), limits, today=date(2026, 11, 22)).outcome
'nothing'
>>> verdict = judge(asked, Said((Promise(60, date(2026, 12, 1)), Promise(40, date(2026, 12, 4)))), limits,
...                 today=date(2026, 11, 22))
>>> verdict.outcome, verdict.day_to_apply
('apply', datetime.date(2026, 12, 4))
>>> verdict = judge(asked, Said((Promise(80, date(2026, 12, 1)),), price="2.01"), limits, today=date(2026, 11, 22))
>>> verdict.outcome, [(found.what, found.percent, found.within) for found in verdict.differences]
('case', [('quantity', Decimal('-20.00'), False), ('price', Decimal('0.50'), True)])
>>> verdict.price_to_apply is None
True
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .amounts import ZERO, exact, exact_fields, percent_of

NOTHING, APPLY, CASE = "nothing", "apply", "case"
#: From the least to the most that an answer can lead to.
OUTCOMES = (NOTHING, APPLY, CASE)
#: What can differ, in the order in which it is told.
QUANTITY, DAY, PRICE, REJECTED = "quantity", "day", "price", "rejected"

#: States of a line, and of a confirmation.
WAITING, CONFIRMED, PROPOSED, DIFFERS, REFUSED = "waiting", "confirmed", "proposed", "differs", "rejected"


@dataclass(frozen=True, slots=True)
class Asked:
    """One line as it was ordered."""

    quantity: Decimal
    day: date
    price: Decimal

    def __post_init__(self):
        exact_fields(self, "quantity", "price")


@dataclass(frozen=True, slots=True, order=True)
class Promise:
    """``quantity`` arrives on ``day``; None: on the day asked for."""

    quantity: Decimal
    day: date | None = None

    def __post_init__(self):
        exact_fields(self, "quantity")


@dataclass(frozen=True, slots=True)
class Said:
    """What the vendor said of one line."""

    promises: tuple[Promise, ...] = ()
    price: Decimal | None = None
    rejected: bool = False

    def __post_init__(self):
        object.__setattr__(self, "promises", tuple(self.promises))
        exact_fields(self, "price")

    @property
    def quantity(self) -> Decimal:
        return sum((promise.quantity for promise in self.promises), ZERO)

    def day(self, asked: Asked) -> date:
        """When the last of it arrives."""
        return max((promise.day or asked.day for promise in self.promises if promise.quantity), default=asked.day)

    def problems(self) -> Iterable[tuple[str, str]]:
        """``(field, what is wrong)`` of what makes no sense, in words for the vendor."""
        if self.rejected and self.quantity:
            yield REJECTED, "A rejected line promises nothing."
        if not self.rejected and not self.promises:
            yield QUANTITY, "Enter the quantity that you will deliver, or reject the line."
        for promise in self.promises:
            if promise.quantity < 0:
                yield QUANTITY, "A quantity cannot be negative."
        if self.price is not None and self.price < 0:
            yield PRICE, "A price cannot be negative."
        days = [promise.day for promise in self.promises]
        if len(set(days)) < len(days):
            yield DAY, "Enter each day only once."


@dataclass(frozen=True, slots=True)
class Limits:
    """What is applied without asking anybody."""

    days_later: int = 0
    days_earlier: int = 0
    quantity_percent: Decimal = ZERO
    price_percent: Decimal = ZERO
    moves_late_dates: bool = True
    horizon: int = 365  #: days from today; what is promised for later is doubted

    def __post_init__(self):
        exact_fields(self, "quantity_percent", "price_percent")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as ordered."""

    what: str
    asked: Decimal | date | None
    said: Decimal | date | None
    within: bool
    percent: Decimal = ZERO  #: of what was ordered; for days 0
    days: int = 0  #: later than asked; negative: earlier


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer leads to; what is None is left as it is."""

    outcome: str
    differences: tuple[Difference, ...] = ()
    quantity_to_apply: Decimal | None = None
    day_to_apply: date | None = None
    price_to_apply: Decimal | None = None

    @property
    def beyond(self) -> tuple[Difference, ...]:
        """What a person has to decide."""
        return tuple(found for found in self.differences if not found.within)


def judge(asked: Asked, said: Said, limits: Limits, today: date) -> Verdict:
    """Compare one line.

    :raises ValueError: the answer makes no sense (:meth:`Said.problems`)

    >>> asked = Asked(10, date(2026, 12, 1), 5)
    >>> judge(asked, Said(rejected=True), Limits(), date(2026, 11, 22)).outcome
    'case'
    >>> late = judge(asked, Said((Promise(10, date(2026, 12, 20)),)), Limits(days_later=2), date(2026, 11, 22))
    >>> late.outcome, late.day_to_apply, late.beyond[0].days
    ('case', datetime.date(2026, 12, 20), 19)
    >>> judge(asked, Said((Promise(10, date(2036, 12, 20)),)), Limits(), date(2026, 11, 22)).day_to_apply is None
    True
    """
    for _field, problem in said.problems():
        raise ValueError(problem)
    if said.rejected or not said.quantity:
        return Verdict(
            CASE, (Difference(REJECTED, asked.quantity, ZERO, False, percent_of(-asked.quantity, asked.quantity)),)
        )
    differences = tuple(
        found
        for found in (
            _quantity(asked, said, limits),
            _day(asked, said, limits, today),
            _price(asked, said, limits),
        )
        if found
    )
    if not differences:
        return Verdict(NOTHING)
    outcome = APPLY if all(found.within for found in differences) else CASE
    values = {
        found.what: found.said for found in differences if found.within and (outcome == APPLY or found.what == DAY)
    }
    day = said.day(asked)
    if day > asked.day and limits.moves_late_dates and _is_plausible(day, limits, today):
        values[DAY] = day
    return Verdict(outcome, differences, values.get(QUANTITY), values.get(DAY), values.get(PRICE))


def _quantity(asked, said, limits):
    percent = percent_of(said.quantity - asked.quantity, asked.quantity)
    if said.quantity == asked.quantity:
        return None
    within = _is_within(said.quantity - asked.quantity, asked.quantity, limits.quantity_percent)
    return Difference(QUANTITY, asked.quantity, said.quantity, within, percent)


def _price(asked, said, limits):
    if said.price is None or said.price == asked.price:
        return None
    within = _is_within(said.price - asked.price, asked.price, limits.price_percent)
    return Difference(PRICE, asked.price, said.price, within, percent_of(said.price - asked.price, asked.price))


def _is_within(difference, of, percent):
    """Compared without rounding: at the limit is within, a hair beyond is not."""
    return abs(difference) * 100 <= abs(of) * percent


def _day(asked, said, limits, today):
    day = said.day(asked)
    days = (day - asked.day).days
    if not days:
        return None
    allowed = limits.days_later if days > 0 else limits.days_earlier
    within = abs(days) <= allowed and _is_plausible(day, limits, today)
    return Difference(DAY, asked.day, day, within, days=days)


def _is_plausible(day, limits, today):
    return 0 <= (day - today).days <= limits.horizon


def worst(outcomes: Iterable[str]) -> str:
    """What an answer of several lines leads to.

    >>> worst(["nothing", "case", "apply"]), worst([])
    ('case', 'nothing')
    """
    return max(outcomes, key=OUTCOMES.index, default=NOTHING)


def first_promise(history: Sequence[Said | None]) -> Said | None:
    """The first answer that promises something; ``history`` oldest first.

    >>> later = Said((Promise(5, date(2026, 12, 9)),))
    >>> first_promise([None, Said(rejected=True), Said((Promise(5, date(2026, 12, 1)),)), later]).promises[0].day
    datetime.date(2026, 12, 1)
    """
    return next((said for said in history if said is not None and said.quantity > 0), None)


def says_the_same(one: Said | None, other: Said, asked: Asked) -> bool:
    """Whether ``other`` adds nothing to what was said before, whatever the order of the parts.

    >>> asked = Asked(5, date(2026, 12, 1), 2)
    >>> says_the_same(Said((Promise(5),)), Said((Promise("5.0", date(2026, 12, 1)),), price=2), asked)
    True
    """
    return one is not None and _normal(one, asked) == _normal(other, asked)


def _normal(said, asked):
    parts = {}
    for promise in said.promises:
        day = promise.day or asked.day
        parts[day] = parts.get(day, ZERO) + promise.quantity
    price = asked.price if said.price is None else said.price
    return said.rejected, {day: quantity for day, quantity in parts.items() if quantity}, price


def state_of(lines: Iterable[str]) -> str:
    """The state of a confirmation by those of its lines.

    >>> state_of(["confirmed", "waiting"]), state_of(["confirmed", "differs", "waiting"]), state_of(["waiting"])
    ('partial', 'differs', 'waiting')
    >>> state_of(["confirmed", "proposed"]), state_of(["confirmed"])
    ('proposed', 'confirmed')
    """
    found = set(lines)
    if found & {DIFFERS, REFUSED}:
        return DIFFERS
    if WAITING in found:
        return "partial" if found - {WAITING} else WAITING
    return PROPOSED if PROPOSED in found else CONFIRMED


def read_number(text, most=Decimal(10) ** 9) -> Decimal | None:
    """A number that a person typed: ``1.5`` and ``1,5`` are the same; None when nothing was typed.

    With both signs the last one is that of the decimals.

    >>> read_number(" 1 250,5 "), read_number("1.5"), read_number(""), read_number("1.250,50")
    (Decimal('1250.5'), Decimal('1.5'), None, Decimal('1250.50'))

    :raises ValueError: no number, a negative one, or a larger one than ``most``
    """
    text = "".join((text or "").split())
    if not text:
        return None
    if "," in text and "." in text:
        thousands = "," if text.rfind(",") < text.rfind(".") else "."
        text = text.replace(thousands, "")
    number = exact(text.replace(",", "."))
    if number < 0 or number > most:
        raise ValueError(f"{text!r} is out of range")
    return number
