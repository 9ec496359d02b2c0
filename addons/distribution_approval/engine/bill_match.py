"""A vendor's bill against what was ordered and what was received.

Rules:

1. A line that names no order line is *without order*: its whole value is unexplained.
2. What the order allows on a line is the quantity that is still to be billed – ordered, less
   what other bills took – at the ordered price. The *variance to the order* is what the
   line costs beyond that. A cheaper line has none: it does not pay for a dearer one.
3. What the receipts allow is the quantity received, less what other bills took. The
   *variance to the receipts* is the value of what is billed beyond that. An order line
   that is billed as ordered (services, prepayments) has none.
4. Lines of one bill that name the same order line share what it allows: what gives back first, then the cheapest.
   How the vendor sorts the lines makes no difference, and a cheap line does not pay for a dear one.
5. A line that gives back (negative quantity or value) has no variance.
6. Percentages are of what the order allows, or of the value of the line for receipts; where
   nothing is allowed, the variance is 100 %, or what the price is beyond it.
7. A variance smaller than half the smallest coin is none.
8. Bills repeat each other when vendor and reference are the same – written in whatever way –
   or amount and date are.

Quantities are in the unit of the order line; money is in the currency of the bill.

>>> order = OrderedLine(ordered=10, received=8, billed=0, price=5)
>>> bill = match_bill([BilledLine('a', 'o', quantity=10, value=52)], {'o': order})
>>> bill.order_variance, bill.receipt_variance
(Decimal('2.00'), Decimal('10.40'))
>>> bill.worst_order_percent, bill.worst_receipt_percent
(Decimal('4.00'), Decimal('20.00'))
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby

from .facts import as_decimal

CENT = Decimal("0.01")
ZERO = Decimal(0)
HUNDRED = Decimal(100)

#: Characters that are mistaken for each other, by people, scanners and those who hope for it.
LOOK_ALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})


def _decimals(record, *names):
    for name in names:
        object.__setattr__(record, name, as_decimal(getattr(record, name)))


@dataclass(frozen=True, slots=True)
class OrderedLine:
    """One line of an order, as it stands.

    ``billed`` is what other bills took (refunds taken off), ``price`` the net price of a unit.
    ``on_receipt`` is false where the vendor bills what was ordered, whatever has arrived.
    """

    ordered: Decimal
    received: Decimal
    billed: Decimal
    price: Decimal
    on_receipt: bool = True

    def __post_init__(self):
        _decimals(self, "ordered", "received", "billed", "price")


@dataclass(frozen=True, slots=True)
class BilledLine:
    """One line of a bill; ``order_line`` is the key of what it bills, or None."""

    key: object
    order_line: object
    quantity: Decimal
    value: Decimal

    def __post_init__(self):
        _decimals(self, "quantity", "value")


@dataclass(frozen=True, slots=True)
class LineMatch:
    """How one line of a bill compares; money beyond what order and receipts allow."""

    key: object
    without_order: bool = False
    value: Decimal = ZERO
    order_variance: Decimal = ZERO
    order_percent: Decimal = ZERO
    receipt_variance: Decimal = ZERO
    receipt_percent: Decimal = ZERO
    #: What was compared: billed quantity, how much of it the order and the receipts allow (None: receipts do not
    #: count), and the ordered price of a unit.
    quantity: Decimal = ZERO
    open_by_order: Decimal = ZERO
    open_by_receipts: Decimal | None = None
    price: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class BillMatch:
    """How a whole bill compares."""

    lines: tuple[LineMatch, ...] = ()

    @property
    def without_order(self) -> Decimal:
        """Value of the lines that name no order."""
        return sum((line.value for line in self.lines if line.without_order), ZERO)

    @property
    def has_line_without_order(self) -> bool:
        return any(line.without_order for line in self.lines)

    @property
    def order_variance(self) -> Decimal:
        return sum((line.order_variance for line in self.lines), ZERO)

    @property
    def receipt_variance(self) -> Decimal:
        return sum((line.receipt_variance for line in self.lines), ZERO)

    @property
    def worst_order_percent(self) -> Decimal:
        return max((line.order_percent for line in self.lines), default=ZERO)

    @property
    def worst_receipt_percent(self) -> Decimal:
        return max((line.receipt_percent for line in self.lines), default=ZERO)


def match_bill(lines: Iterable[BilledLine], orders: Mapping[object, OrderedLine], coin: Decimal = CENT) -> BillMatch:
    """Compare the lines of one bill with the order lines that they name.

    :param coin: the smallest amount of the bill's currency
    :raises KeyError: for a line that names an order line which is not in ``orders``

    >>> match_bill([BilledLine('a', None, 1, 100)], {}).without_order
    Decimal('100')
    """
    taken: dict = {}
    matches = {}
    lines = list(lines)
    for position, line in sorted(enumerate(lines), key=lambda item: _turn(item[1])):
        if line.order_line is None:
            matches[position] = LineMatch(line.key, without_order=True, value=line.value, quantity=line.quantity)
            continue
        order = orders[line.order_line]
        before = order.billed + taken.get(line.order_line, ZERO)
        taken[line.order_line] = taken.get(line.order_line, ZERO) + line.quantity
        matches[position] = _match_line(line, order, before, coin)
    return BillMatch(tuple(matches[position] for position in range(len(lines))))


def _turn(line):
    """Whose turn it is (rule 4); lines that are alike in all of this are alike in what becomes of them."""
    has_price = line.quantity > 0
    return (
        line.quantity >= 0,
        not has_price,
        line.value / line.quantity if has_price else line.value,
        line.quantity,
        str(line.key),
    )


def _match_line(line, order, before, coin):
    if line.quantity < 0 or line.value <= 0:
        return LineMatch(line.key, value=line.value, quantity=line.quantity, price=order.price)
    open_by_order = _within(order.ordered - before, line.quantity)
    allowed = open_by_order * order.price
    order_variance = _to_coin(line.value - allowed, coin)
    receipt_variance = receipt_percent = ZERO
    open_by_receipts = None
    if order.on_receipt and line.quantity:
        open_by_receipts = _within(order.received - before, line.quantity)
        unreceived = line.quantity - open_by_receipts
        receipt_variance = _to_coin(line.value * unreceived / line.quantity, coin)
        receipt_percent = _percent(receipt_variance, line.value)
    return LineMatch(
        line.key,
        False,
        line.value,
        order_variance,
        _percent(order_variance, allowed),
        receipt_variance,
        receipt_percent,
        line.quantity,
        open_by_order,
        open_by_receipts,
        order.price,
    )


def _within(value, limit):
    return min(max(value, ZERO), limit)


def _to_coin(value, coin):
    """Beyond what is allowed, in whole coins; nothing below half a coin."""
    return max((value / coin).quantize(Decimal(1), ROUND_HALF_UP) * coin, ZERO)


def _percent(variance, allowed):
    if not variance:
        return ZERO
    return (variance / allowed * HUNDRED).quantize(CENT) if allowed > 0 else HUNDRED


def normal_reference(reference: str | None) -> str:
    """A vendor's reference without what people write differently; empty when there is none.

    Case, blanks, dashes and other signs, leading zeros of a number, and characters that look
    alike (O and 0; I, L and 1) make no difference.

    >>> normal_reference('INV-2024/0042') == normal_reference(' inv 2024 42') == normal_reference('lNV2024-42')
    True
    >>> normal_reference('INV-2024-43') == normal_reference('INV-2024-42')
    False
    """
    text = unicodedata.normalize("NFKC", reference or "").casefold().upper().translate(LOOK_ALIKES)
    parts = []
    for digits, characters in groupby(text, lambda character: "digit" if character.isdigit() else character.isalnum()):  # pylint: disable=bad-builtin-groupby
        part = "".join(characters)
        if digits == "digit":
            parts.append(part.lstrip("0") or "0")
        elif digits:
            parts.append(part)
    # Numbers that follow each other stay apart: 1-23 is not 12-3.
    return _joined(parts)


def _joined(parts):
    text = ""
    for part in parts:
        text += ("." if text and text[-1].isdigit() and part[0].isdigit() else "") + part
    return text


@dataclass(frozen=True, slots=True)
class KnownBill:
    """What of a bill shows that another one repeats it."""

    key: object
    vendor: object
    reference: str
    amount: Decimal
    date: object

    def __post_init__(self):
        _decimals(self, "amount")


def repeated(bill: KnownBill, others: Iterable[KnownBill]) -> tuple[list, list]:
    """(keys of others with the same reference, keys of others with the same amount and date).

    >>> one = KnownBill(1, 'v', 'A-1', 10, '2024-01-31')
    >>> repeated(KnownBill(2, 'v', 'a 1', 10, '2024-02-01'), [one])
    ([1], [])
    >>> repeated(KnownBill(2, 'v', 'B-7', 10, '2024-01-31'), [one])
    ([], [1])
    """
    same_reference, same_amount = [], []
    reference = normal_reference(bill.reference)
    for other in others:
        if other.key == bill.key or other.vendor != bill.vendor:
            continue
        if reference and normal_reference(other.reference) == reference:
            same_reference.append(other.key)
        if bill.amount and bill.date and (other.amount, other.date) == (bill.amount, bill.date):
            same_amount.append(other.key)
    return same_reference, same_amount
