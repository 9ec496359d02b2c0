"""What arrived, against what was ordered, promised and announced.

Rules, in words
---------------
1. *Expected* on a line is what the ship notice of this receipt announced; without a notice, what was promised to have
   arrived by the day of the receipt, less what had arrived before; without a promise, all that is open. When nothing
   more is to come, all that is open is expected at least, whatever was said.
2. *Short*: less good quantity than expected, beyond the tolerance in percent of what was expected. Without notice and
   promise it is short only when nothing more is to come: then a part of an order is simply a part.
3. *Over*: more than was open, beyond the tolerance in percent of what was *ordered* – many small surpluses add up.
4. *Damaged* is what came and cannot be used: it does not count as good, and has a tolerance of its own, in percent of
   what came. Damage is told even when nothing is short.
5. *Wrong*: a product of which the order has no line. There is no tolerance.
6. Exactly at the tolerance is within. A tolerance forgives the whole difference, or nothing of it.
7. Each difference is told with its quantity and its value at the ordered price; a wrong product has no price here.

Quantities in the unit of the order line.

>>> line = Expected("A", ordered=100, before=0, announced=100, price=2)
>>> [(found.kind, found.quantity, found.value) for found in compare(line, Arrived(good=90, damaged=4), Allowed())]
[('short', Decimal('10'), Decimal('20')), ('damaged', Decimal('4'), Decimal('8'))]
>>> compare(line, Arrived(good=98), Allowed(short_percent=2))
[]
>>> compare(Expected("A", ordered=100), Arrived(good=40, more_to_come=True), Allowed())
[]
>>> [found.quantity for found in compare(Expected("A", ordered=100, promised=0), Arrived(good=40), Allowed())]
[Decimal('60')]
>>> [found.kind for found in compare(Expected("A", ordered=100, before=60), Arrived(good=41), Allowed())]
['over']
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from .amounts import ZERO, exact_fields

SHORT, OVER, DAMAGED, WRONG = "short", "over", "damaged", "wrong"
KINDS = (SHORT, OVER, DAMAGED, WRONG)


@dataclass(frozen=True, slots=True)
class Expected:
    """One order line before the receipt. None: nobody announced, or promised, anything."""

    line: Hashable
    ordered: Decimal
    before: Decimal = ZERO  #: arrived earlier
    promised: Decimal | None = None  #: to have arrived by the day of the receipt, from the beginning
    announced: Decimal | None = None  #: by the notice of this receipt
    price: Decimal = ZERO  #: net, of a unit

    def __post_init__(self):
        exact_fields(self, "ordered", "before", "promised", "announced", "price")

    @property
    def open(self) -> Decimal:
        return max(self.ordered - self.before, ZERO)

    def due(self, more_to_come: bool) -> Decimal:
        """What this receipt is expected to bring (rule 1)."""
        return self.quantity if more_to_come else max(self.quantity, self.open)

    @property
    def quantity(self) -> Decimal:
        """What it is expected to bring while more is to come."""
        if self.announced is not None:
            return self.announced
        if self.promised is not None:
            return min(max(self.promised - self.before, ZERO), self.open)
        return self.open

    @property
    def is_told(self) -> bool:
        """Whether the vendor said what comes."""
        return self.announced is not None or self.promised is not None


@dataclass(frozen=True, slots=True)
class Arrived:
    """What came for a line. ``more_to_come``: the rest stays open, in a back-order."""

    good: Decimal = ZERO
    damaged: Decimal = ZERO
    more_to_come: bool = False

    def __post_init__(self):
        exact_fields(self, "good", "damaged")
        if self.good < 0 or self.damaged < 0:
            raise ValueError("what arrived is not negative")


@dataclass(frozen=True, slots=True)
class Allowed:
    """Tolerances in percent."""

    short_percent: Decimal = ZERO
    over_percent: Decimal = ZERO
    damaged_percent: Decimal = ZERO

    def __post_init__(self):
        exact_fields(self, "short_percent", "over_percent", "damaged_percent")


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One difference of a receipt."""

    kind: str
    about: Hashable  #: order line, or the product that nobody ordered
    quantity: Decimal
    expected: Decimal = ZERO
    value: Decimal = ZERO


def compare(expected: Expected, arrived: Arrived, allowed: Allowed) -> list[Discrepancy]:
    """What differs on one line."""
    found = []
    came = arrived.good + arrived.damaged

    due = expected.due(arrived.more_to_come)

    def tell(kind, quantity, of, percent):
        if quantity > 0 and quantity * 100 > of * percent:
            found.append(Discrepancy(kind, expected.line, quantity, due, quantity * expected.price))

    if expected.is_told or not arrived.more_to_come:
        tell(SHORT, due - arrived.good, due, allowed.short_percent)
    tell(OVER, expected.before + came - max(expected.ordered, expected.before), expected.ordered, allowed.over_percent)
    tell(DAMAGED, arrived.damaged, came, allowed.damaged_percent)
    return found


def compare_all(
    expected: Iterable[Expected],
    arrived: Mapping[Hashable, Arrived],
    allowed: Mapping[Hashable, Allowed],
    wrong: Mapping[Hashable, Decimal] | None = None,
) -> list[Discrepancy]:
    """What differs on a receipt, by line and kind, whatever the order in which it was scanned.

    :param arrived: per order line; a line that is not named brought nothing
    :param allowed: per order line; none where it is not named
    :param wrong: ``{product: quantity}`` of what nobody ordered
    """
    found = []
    for line in sorted(expected, key=lambda line: str(line.line)):
        found += compare(line, arrived.get(line.line, Arrived()), allowed.get(line.line, Allowed()))
    for product, quantity in sorted((wrong or {}).items(), key=lambda item: str(item[0])):
        if quantity > 0:
            found.append(Discrepancy(WRONG, product, Decimal(quantity)))
    return found
