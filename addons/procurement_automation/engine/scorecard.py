"""How a vendor did in a period, and the risk tier that follows.

Rules, in words
---------------
1. A measure has a numerator and a denominator. Without a denominator – nothing was due, nothing was billed – it is not
   measured, and neither helps nor hurts.
2. *On time in full*: of the parts that were due in the period, those that had arrived whole by their day. A part is
   what was first promised for a day. What was never promised is due when it was asked for: promising less first does
   not help. What arrives serves the earliest part first.
3. *Fill rate*: of the value that was due in the period, what had arrived by its end.
4. *Lead time*: days from order to arrival, weighted by value; *drift* is the mean of the period less that of the
   periods before.
5. *Price variance*: what was billed beyond the contract price, in percent of the contract value. Cheaper bills do not
   pay for dearer ones.
6. *Confirmation time*: working hours until the first answer; a question without answer counts what has passed so far.
7. *Discrepancy rate*, *bill match rate*: receipts with a discrepancy, bills that matched at once.
8. Each measure is worth 0 to 100 points, linear between the value that is worth nothing and the one that is worth
   everything. The score is the mean of what was measured, by weight. With fewer facts than ``minimum`` there is none.
9. *Tier*: one step worse when the score is below the bound of the tier in ``worse_after`` scored periods in a row, or
   at once when it is below by more than ``far``. One step better after ``better_after`` scored periods in a row above
   the bound of the better tier by ``margin``. Periods without score are skipped: they neither count nor interrupt.
10. The tier that counts is the stricter one of this and the one that people set.

>>> parts = [Part("A", date(2026, 11, 10), 60, 2), Part("A", date(2026, 11, 20), 40, 2)]
>>> arrivals = [Arrival("A", date(2026, 11, 9), 70), Arrival("A", date(2026, 11, 25), 30)]
>>> period = Period(date(2026, 11, 1), date(2026, 11, 30))
>>> on_time_in_full(parts, arrivals, period), fill_rate(parts, arrivals, period)
(Measure(value=Decimal('50.00'), of=2), Measure(value=Decimal('100.00'), of=2))
>>> on_time_in_full(parts, arrivals, Period(date(2026, 12, 1), date(2026, 12, 31))) is None
True
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .amounts import HUNDRED, ZERO, exact, exact_fields

STEP = Decimal("0.01")
#: From the least to the most risk.
TIERS = ("low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Period:
    """First and last day."""

    start: date
    end: date

    def __contains__(self, day):
        return self.start <= day <= self.end


@dataclass(frozen=True, slots=True)
class Part:
    """What was first promised – or else asked – of an order line for a day; ``price`` of a unit in company currency."""

    line: Hashable
    due: date
    quantity: Decimal
    price: Decimal = ZERO
    ordered: date | None = None

    def __post_init__(self):
        exact_fields(self, "quantity", "price")


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came on an order line on a day; negative: it went back."""

    line: Hashable
    day: date
    quantity: Decimal

    def __post_init__(self):
        exact_fields(self, "quantity")


@dataclass(frozen=True, slots=True)
class Measure:
    """A value, and of how many facts."""

    value: Decimal
    of: int


def parts_of(line, asked_day, asked_quantity, promises: Iterable[tuple[date, object]], price=ZERO, ordered=None):
    """The parts of an order line: the first promises, and what was never promised.

    >>> [(part.due.day, part.quantity) for part in parts_of("A", date(2026, 11, 5), 10, [(date(2026, 11, 9), 8)])]
    [(9, Decimal('8')), (5, Decimal('2'))]

    More than was asked for is not due; nor is it when the order became smaller later.
    """
    left, parts = exact(asked_quantity), []
    for day, quantity in sorted(promises, key=lambda promise: promise[0]):
        quantity = min(exact(quantity), left)
        if quantity > 0:
            parts.append(Part(line, day, quantity, price, ordered))
            left -= quantity
    if left > 0:
        parts.append(Part(line, asked_day, left, price, ordered))
    return parts


def _served(parts, arrivals, until=None):
    """``[(part, good quantity by its day, good quantity by ``until``)]``.

    By a day, the net of what came and went back serves the earliest part first.
    """
    came = defaultdict(list)
    for arrival in arrivals:
        came[arrival.line].append(arrival)
    by_line = defaultdict(list)
    for part in parts:
        by_line[part.line].append(part)

    def arrived(line, day):
        return max(sum((arrival.quantity for arrival in came[line] if arrival.day <= day), ZERO), ZERO)

    served = []
    for line, own in by_line.items():
        before = ZERO
        for part in sorted(own, key=lambda part: (part.due, part.quantity)):
            in_time = min(max(arrived(line, part.due) - before, ZERO), part.quantity)
            by_then = min(max(arrived(line, until or date.max) - before, ZERO), part.quantity)
            served.append((part, in_time, by_then))
            before += part.quantity
    return served


def on_time_in_full(parts: Iterable[Part], arrivals: Iterable[Arrival], period: Period) -> Measure | None:
    """Percent of the parts due in the period that were there, whole, by their day."""
    due = [(part, in_time) for part, in_time, _then in _served(parts, arrivals) if part.due in period]
    return _share(sum(in_time >= part.quantity for part, in_time in due), len(due))


def fill_rate(parts: Iterable[Part], arrivals: Iterable[Arrival], period: Period) -> Measure | None:
    """Percent of the value due in the period that had arrived by its end; by quantity where nothing has a price."""
    due = [(part, by_then) for part, _time, by_then in _served(parts, arrivals, period.end) if part.due in period]
    priced = any(part.price for part, _by_then in due)

    def weigh(part, quantity):
        return quantity * (part.price if priced else 1)

    total = sum((weigh(part, part.quantity) for part, _by_then in due), ZERO)
    if not total:
        return None
    return Measure(_percent(sum((weigh(part, by_then) for part, by_then in due), ZERO), total), len(due))


def lead_time(parts: Iterable[Part], arrivals: Iterable[Arrival], period: Period) -> Measure | None:
    """Mean days from order to arrival of what arrived in the period, by value (quantity where nothing has a price).

    >>> part = Part("A", date(2026, 11, 9), 10, 2, ordered=date(2026, 11, 1))
    >>> lead_time([part], [Arrival("A", date(2026, 11, 8), 10)], Period(date(2026, 11, 1), date(2026, 11, 30))).value
    Decimal('7.00')
    """
    orders = {part.line: part for part in parts if part.ordered}
    found = [
        (orders[arrival.line], arrival)
        for arrival in arrivals
        if arrival.line in orders and arrival.quantity > 0 and arrival.day in period
    ]
    priced = any(part.price for part, _arrival in found)
    weights = [(part, arrival, arrival.quantity * (part.price if priced else 1)) for part, arrival in found]
    total = sum((weight for _part, _arrival, weight in weights), ZERO)
    if not total:
        return None
    days = sum((Decimal((arrival.day - part.ordered).days) * weight for part, arrival, weight in weights), ZERO)
    return Measure((days / total).quantize(STEP), len(found))


def drift(present: Measure | None, earlier: Sequence[Measure | None]) -> Decimal | None:
    """Days by which the lead time grew over the mean of the earlier periods that have one.

    >>> drift(Measure(exact(9), 4), [Measure(exact(6), 3), None, Measure(exact(7), 1)])
    Decimal('2.75')
    """
    known = [measure for measure in earlier if measure]
    number = sum(measure.of for measure in known)
    if present is None or not number:
        return None
    mean = sum((measure.value * measure.of for measure in known), ZERO) / number
    return (present.value - mean).quantize(STEP)


def price_variance(bills: Iterable[tuple[object, object, object]]) -> Measure | None:
    """Percent beyond contract of ``(quantity, billed price, contract price)``.

    >>> price_variance([(10, 11, 10), (10, 8, 10)])
    Measure(value=Decimal('5.00'), of=2)
    """
    rows = [tuple(exact(number) for number in row) for row in bills]
    rows = [row for row in rows if row[0] > 0 and row[2] > 0]
    contract = sum((quantity * agreed for quantity, _billed, agreed in rows), ZERO)
    if not contract:
        return None
    beyond = sum((max(billed - agreed, ZERO) * quantity for quantity, billed, agreed in rows), ZERO)
    return Measure(_percent(beyond, contract), len(rows))


def confirmation_time(hours: Iterable[object]) -> Measure | None:
    """Mean working hours until the answer."""
    hours = [exact(number) for number in hours]
    return Measure((sum(hours, ZERO) / len(hours)).quantize(STEP), len(hours)) if hours else None


def rate(flags: Iterable[bool]) -> Measure | None:
    """Percent of those that are true.

    >>> rate([True, False, False]), rate([])
    (Measure(value=Decimal('33.33'), of=3), None)
    """
    flags = list(flags)
    return _share(sum(flags), len(flags))


def _share(number, of):
    return Measure(_percent(Decimal(number), Decimal(of)), of) if of else None


def _percent(part, whole):
    return (part / whole * HUNDRED).quantize(STEP)


@dataclass(frozen=True, slots=True)
class Scale:
    """How a measure becomes points."""

    nothing: Decimal  #: this value, or worse, is worth 0 points
    everything: Decimal  #: this value, or better, is worth 100 points
    weight: Decimal = Decimal(1)

    def __post_init__(self):
        exact_fields(self, "nothing", "everything", "weight")
        if self.nothing == self.everything:
            raise ValueError("nothing and everything are worth the same")

    def points(self, value) -> Decimal:
        """
        >>> Scale(nothing=50, everything=98).points(74), Scale(nothing=10, everything=0).points(2)
        (Decimal('50.00'), Decimal('80.00'))
        """
        share = (exact(value) - self.nothing) / (self.everything - self.nothing)
        return (min(max(share, ZERO), Decimal(1)) * HUNDRED).quantize(STEP)


#: What counts, as delivered; a company may set its own.
SCALES = {
    "on_time_in_full": Scale(60, 98, 4),
    "fill_rate": Scale(80, 100, 2),
    "lead_time_drift": Scale(7, 0, 1),
    "price_variance": Scale(5, 0, 2),
    "confirmation_time": Scale(40, 8, 1),
    "discrepancy_rate": Scale(20, 0, 2),
    "bill_match_rate": Scale(70, 100, 1),
}


def score(values: Mapping[str, object], facts: int, scales: Mapping[str, Scale] | None = None, minimum: int = 3):
    """Points from 0 to 100, or None: not scored.

    :param values: ``{measure: value or None}``; what has no scale is told but not scored
    :param facts: how many facts the measures rest on

    >>> score({"on_time_in_full": 98, "price_variance": 5, "fill_rate": None}, facts=8)
    Decimal('66.67')
    >>> score({"on_time_in_full": 98}, facts=2) is None, score({}, facts=9) is None
    (True, True)
    """
    scales = SCALES if scales is None else scales
    scored = [(scales[name], value) for name, value in values.items() if name in scales and value is not None]
    weight = sum((scale.weight for scale, _value in scored), ZERO)
    if facts < minimum or not weight:
        return None
    return (sum((scale.points(value) * scale.weight for scale, value in scored), ZERO) / weight).quantize(STEP)


@dataclass(frozen=True, slots=True)
class TierRules:
    """``bounds``: a tier holds from that score on; below the last one is critical."""

    bounds: tuple[Decimal, ...] = (Decimal(85), Decimal(70), Decimal(50))
    margin: Decimal = Decimal(3)
    far: Decimal = Decimal(15)
    worse_after: int = 2
    better_after: int = 3

    def __post_init__(self):
        object.__setattr__(self, "bounds", tuple(exact(bound) for bound in self.bounds))
        exact_fields(self, "margin", "far")
        if len(self.bounds) != len(TIERS) - 1 or list(self.bounds) != sorted(self.bounds, reverse=True):
            raise ValueError("one bound per tier but the last, falling")
        if self.worse_after < 1 or self.better_after < 1 or self.margin < 0 or self.far < 0:
            raise ValueError("hysteresis takes time and distance")


def tier_after(start: str, scores: Sequence[Decimal | None], rules: TierRules = TierRules()) -> str:
    """The tier that ``scores``, oldest first, lead to from ``start`` on.

    >>> tier_after("low", [exact(84)]), tier_after("low", [exact(84), None, exact(84)]), tier_after("low", [exact(60)])
    ('low', 'medium', 'medium')
    >>> tier_after("high", [exact(71)] * 9), tier_after("high", [exact(73)] * 3)
    ('high', 'medium')
    """
    position, below, above = TIERS.index(start), 0, 0
    for points in scores:
        if points is None:
            continue
        bound = rules.bounds[position] if position < len(rules.bounds) else None
        better = rules.bounds[position - 1] + rules.margin if position else None
        below = below + 1 if bound is not None and points < bound else 0
        above = above + 1 if better is not None and points >= better else 0
        if below >= rules.worse_after or below and points < bound - rules.far:
            position, below, above = position + 1, 0, 0
        elif above >= rules.better_after:
            position, below, above = position - 1, 0, 0
    return TIERS[position]


def stricter(one: str, other: str) -> str:
    """The tier with more risk.

    >>> stricter("medium", "low"), stricter("low", "critical")
    ('medium', 'critical')
    """
    return max(one, other, key=TIERS.index)
