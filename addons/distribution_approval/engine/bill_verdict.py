"""Whether a vendor's bill matches: the comparison of :mod:`.bill_match` with tolerances.

Rules:

1. A line differs in *quantity* (billed beyond what the order leaves open, at the ordered price), in *price* (dearer
   than ordered), against the *receipts* (billed and not received, at the ordered price), or in *tax* (billed tax
   against that of the order's taxes, up or down). A line without order differs by its whole value – as *freight*
   where it is freight. An order of another vendor, or one that is not in force, is none.
2. What a vendor bills cheaper is no difference, and pays for nothing else. A refund differs in price when it gives back
   less for a unit than was ordered.
3. Freight is compared for the bill as a whole with what was agreed for it.
4. A *limit* has a percentage of what is allowed, an amount, or both: then both hold. A limit without either allows
   nothing. At the limit is within. Differences below half the smallest coin are none.
5. Tolerances of a line are those of its vendor and category. What lines differ within tolerance adds up: the *total*
   limit, where there is one, is for the sum over the bill.
6. A bill matches if and only if nothing is beyond its limit. The order of its lines makes no difference.

>>> from .bill_match import BilledLine, OrderedLine, match_bill
>>> order = OrderedLine(ordered=10, received=8, billed=0, price=5)
>>> match = match_bill([BilledLine('a', 'o', quantity=10, value=52)], {'o': order})
>>> verdict = judge_bill(match, Tolerance(price=Limit(percent=5)))
>>> verdict.matches, [(found.what, found.amount, found.within) for found in verdict.differences]
(False, [('price', Decimal('2.00'), True), ('receipt', Decimal('10.00'), False)])
>>> judge_bill(match, Tolerance(price=Limit(percent=5), receipt=Limit(percent=20))).matches
True
>>> judge_bill(match, Tolerance(price=Limit(percent=5), receipt=Limit(percent=20), total=Limit(amount=11))).matches
False
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

from .bill_match import CENT, ZERO, BillMatch, LineMatch
from .facts import as_decimal

QUANTITY, PRICE, RECEIPT, TAX, FREIGHT, NO_ORDER, TOTAL = (
    "quantity",
    "price",
    "receipt",
    "tax",
    "freight",
    "no_order",
    "total",
)
#: What can differ, in the order in which it is told.
KINDS = (QUANTITY, PRICE, RECEIPT, TAX, FREIGHT, NO_ORDER, TOTAL)


@dataclass(frozen=True, slots=True)
class Limit:
    """How much may differ: ``percent`` of what is allowed, and at most ``amount`` in the currency of the bill.

    >>> Limit(percent=10).allows(10, 100), Limit(percent=10, amount=5).allows(10, 100), Limit().allows(1, 100)
    (True, False, False)
    """

    percent: Decimal | None = None
    amount: Decimal | None = None

    def __post_init__(self):
        for name in ("percent", "amount"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else as_decimal(value))

    def allows(self, difference, of) -> bool:
        difference, of = abs(as_decimal(difference)), abs(as_decimal(of))
        if not difference:
            return True
        if self.percent is None and self.amount is None:
            return False
        in_percent = self.percent is None or difference * 100 <= of * self.percent
        return in_percent and (self.amount is None or difference <= self.amount)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The limits of a line; those of freight and total count for the bill."""

    quantity: Limit = Limit()
    price: Limit = Limit()
    receipt: Limit = Limit()
    tax: Limit = Limit()
    freight: Limit = Limit()
    total: Limit | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What else is known of a billed line: its tax, the tax that its order leads to, whether it is freight, and whether
    the order that it names is none of this vendor's."""

    tax: Decimal = ZERO
    expected_tax: Decimal | None = None
    is_freight: bool = False
    is_foreign: bool = False

    def __post_init__(self):
        object.__setattr__(self, "tax", as_decimal(self.tax))
        if self.expected_tax is not None:
            object.__setattr__(self, "expected_tax", as_decimal(self.expected_tax))


@dataclass(frozen=True, slots=True)
class Found:
    """One difference; ``key`` is the billed line, None for the bill as a whole."""

    key: object
    what: str
    amount: Decimal
    of: Decimal
    within: bool


@dataclass(frozen=True, slots=True)
class BillVerdict:
    """Every difference of a bill, by line and kind."""

    differences: tuple[Found, ...] = field(default=())

    @property
    def matches(self) -> bool:
        return all(found.within for found in self.differences)

    @property
    def beyond(self) -> tuple[Found, ...]:
        return tuple(found for found in self.differences if not found.within)

    @property
    def amount_beyond(self) -> Decimal:
        """What is in dispute, in the currency of the bill; the total is no sum of its own."""
        return sum((found.amount for found in self.beyond if found.what != TOTAL), ZERO)


def judge_bill(
    match: BillMatch,
    tolerance: Tolerance = Tolerance(),
    *,
    by_line: Mapping[object, Tolerance] | None = None,
    terms: Mapping[object, Terms] | None = None,
    agreed_freight=ZERO,
    coin: Decimal = CENT,
) -> BillVerdict:
    """The verdict on a bill.

    :param tolerance: that of the bill, and of lines that are not in ``by_line``
    :param terms: per billed line
    :param agreed_freight: freight that orders or landed costs lead to expect on this bill
    :param coin: the smallest amount of the bill's currency
    """
    by_line, terms, plain = by_line or {}, terms or {}, Terms()
    found: list[Found] = []
    allowed = freight = ZERO
    for line in match.lines:
        own = terms.get(line.key, plain)
        limits = by_line.get(line.key, tolerance)
        if line.without_order and own.is_freight:
            freight += line.value
        elif own.is_foreign:
            _tell(found, line.key, NO_ORDER, _to_coin(line.value, coin), ZERO, Limit())
        else:
            allowed += line.open_by_order * line.price
            found += _differences(line, limits, coin)
        if own.expected_tax is not None:
            amount = _to_coin(abs(own.tax - own.expected_tax), coin)
            _tell(found, line.key, TAX, amount, own.expected_tax, limits.tax)
    agreed = as_decimal(agreed_freight)
    _tell(found, None, FREIGHT, _to_coin(freight - agreed, coin), agreed, tolerance.freight)
    if tolerance.total is not None:
        _tell(found, None, TOTAL, sum((one.amount for one in found), ZERO), allowed + agreed, tolerance.total)
    return BillVerdict(tuple(sorted(found, key=lambda one: (one.key is None, str(one.key), KINDS.index(one.what)))))


def _differences(line: LineMatch, limits: Tolerance, coin: Decimal) -> list[Found]:
    found: list[Found] = []
    if line.without_order:
        _tell(found, line.key, NO_ORDER, _to_coin(line.value, coin), ZERO, Limit())
        return found
    if line.quantity < 0:
        due = -line.quantity * line.price
        _tell(found, line.key, PRICE, _to_coin(due + line.value, coin), due, limits.price)
        return found
    if line.value <= 0:
        return found
    ordered, of = line.quantity * line.price, line.open_by_order * line.price
    quantity = _to_coin(min(ordered - of, line.value), coin)
    _tell(found, line.key, QUANTITY, quantity, of, limits.quantity)
    # Price and quantity together are what bill_match calls the variance to the order, when the line is dearer.
    _tell(found, line.key, PRICE, _to_coin(line.value - ordered, coin), ordered, limits.price)
    if line.open_by_receipts is not None:
        unreceived = (line.quantity - line.open_by_receipts) * line.price
        _tell(found, line.key, RECEIPT, _to_coin(min(unreceived, line.value), coin), ordered, limits.receipt)
    return found


def _tell(found, key, what, amount, of, limit):
    if amount:
        found.append(Found(key, what, amount, of, limit.allows(amount, of)))


def _to_coin(value, coin):
    return max((value / coin).quantize(Decimal(1), ROUND_HALF_UP) * coin, ZERO)
