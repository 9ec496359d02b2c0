"""What a vendor says is on its way, against what is open.

Rules, in words
---------------
1. *Open* on an order line is what was ordered, less what arrived, less what other notices still have on the way.
2. A line of a notice that names an order line is for that one. One that names a product only is given to the order
   lines of that product that have something open, earliest day first; what is left over goes to the last of them.
3. More than open – beyond the tolerance in percent of what was ordered – is a conflict. Less is a partial shipment and
   none: the rest stays open.
4. A product of which the order has no line, an order that takes no goods any more, a lot missing where the product is
   tracked, a serial number that stands for several pieces or comes twice, a lot that has expired when it arrives, one
   lot with two expiry dates: conflicts.
5. The same reference again with the same content is the same notice; with other content it is a conflict.
6. One conflict is enough: nothing of the notice is put on the receipt. All conflicts are told at once.
7. The order in which the vendor lists the lines makes no difference.
8. A receipt brings the notice that has most in common with what came: lots and packages first, then quantities on the
   lines, then the smaller difference; of equals the one that was shipped first. A notice of which nothing came is not
   brought. Others came along where all of them is in what is left.

>>> lines = [OrderedLine("A", product=1, ordered=10, received=2, announced=3, day=date(2026, 12, 1))]
>>> check([Announced(product=1, quantity=4)], lines).shares
(Share(line='A', quantity=Decimal('4'), lot='', package='', expiry=None),)
>>> [found.code for found in check([Announced(product=1, quantity=6)], lines).conflicts]
['more_than_open']
>>> [found.code for found in check([Announced(product=2, quantity=1)], lines).conflicts]
['not_ordered']
>>> brought([("first", [Share("A", 10)]), ("second", [Share("B", 5)])], [Share("B", 5)])
['second']
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .amounts import HUNDRED, ZERO, exact, exact_fields

#: How a product is tracked.
UNTRACKED, BY_LOT, BY_SERIAL = "none", "lot", "serial"

#: What a conflict can be; told to people by the addon.
CONFLICTS = (
    "order_closed",
    "not_ordered",
    "more_than_open",
    "lot_missing",
    "serial_quantity",
    "serial_repeated",
    "lot_expired",
    "expiry_differs",
    "other_content",
)


@dataclass(frozen=True, slots=True)
class OrderedLine:
    """One order line, in its unit. ``day`` is when it is expected."""

    key: Hashable
    product: Hashable
    ordered: Decimal
    received: Decimal = ZERO
    announced: Decimal = ZERO  #: by other notices, not arrived yet
    day: date = date.max
    tracking: str = UNTRACKED

    def __post_init__(self):
        exact_fields(self, "ordered", "received", "announced")

    @property
    def open(self) -> Decimal:
        return max(self.ordered - self.received - self.announced, ZERO)


@dataclass(frozen=True, slots=True)
class Announced:
    """One line of a notice; it names an order line, or a product."""

    quantity: Decimal
    line: Hashable = None
    product: Hashable = None
    lot: str = ""
    package: str = ""
    expiry: date | None = None

    def __post_init__(self):
        exact_fields(self, "quantity")
        if self.quantity <= 0:
            raise ValueError("a shipment has something in it")


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a notice is for an order line."""

    line: Hashable
    quantity: Decimal
    lot: str = ""
    package: str = ""
    expiry: date | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something that a person has to look at; ``about`` is an order line, a product or a lot."""

    code: str
    about: Hashable = None
    announced: Decimal = ZERO
    open: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a notice; ``shares`` hold only where there is no conflict."""

    shares: tuple[Share, ...] = ()
    conflicts: tuple[Conflict, ...] = ()


def check(
    notice: Iterable[Announced],
    ordered: Iterable[OrderedLine],
    *,
    over_percent=ZERO,
    arrives: date | None = None,
    is_open: bool = True,
) -> Checked:
    """Compare a notice with an order.

    :param over_percent: how much more than ordered may come, in percent of what was ordered
    :param arrives: the day of arrival, for expiry dates
    :param is_open: whether the order takes goods
    """
    notice, lines = sorted(notice, key=_listing), {line.key: line for line in ordered}
    if not is_open:
        return Checked(conflicts=(Conflict("order_closed"),))
    shares, conflicts = _shared_out(notice, lines)
    given = defaultdict(Decimal)
    for share in shares:
        given[share.line] += share.quantity
    for key, quantity in given.items():
        line = lines[key]
        room = max(line.ordered * (1 + Decimal(over_percent) / HUNDRED) - line.received - line.announced, ZERO)
        if quantity > room:
            conflicts.append(Conflict("more_than_open", key, quantity, line.open))
    conflicts += _lot_conflicts(notice, lines, arrives)
    told = sorted(set(conflicts), key=lambda found: (CONFLICTS.index(found.code), str(found.about)))
    return Checked(() if told else tuple(shares), tuple(told))


def _listing(announced):
    """Named lines first; otherwise an order of its own, not the vendor's."""
    return (
        announced.line is None,
        str(announced.line),
        str(announced.product),
        announced.lot,
        announced.package,
        announced.expiry or date.max,
        announced.quantity,
    )


def _shared_out(notice, lines):
    shares, conflicts = [], []
    left = {key: line.open for key, line in lines.items()}
    by_product = defaultdict(list)
    for line in sorted(lines.values(), key=lambda line: (line.day, str(line.key))):
        by_product[line.product].append(line.key)
    for announced in notice:
        named = lines.get(announced.line)
        if announced.line is not None:
            if not named or announced.product not in (None, named.product):
                about = announced.product if announced.product is not None else announced.line
                conflicts.append(Conflict("not_ordered", about, announced.quantity))
                continue
            targets = [named.key]
        else:
            targets = by_product.get(announced.product, [])
            if not targets:
                conflicts.append(Conflict("not_ordered", announced.product, announced.quantity))
                continue
        rest = announced.quantity
        for key in targets:
            part = rest if key == targets[-1] else min(rest, max(left[key], ZERO))
            if part > 0:
                shares.append(Share(key, part, announced.lot, announced.package, announced.expiry))
                left[key] -= part
                rest -= part
    return shares, conflicts


def _lot_conflicts(notice, lines, arrives):
    tracking = {line.product: line.tracking for line in lines.values()}
    expiries, serials = defaultdict(set), defaultdict(int)
    for announced in notice:
        product = lines[announced.line].product if announced.line in lines else announced.product
        kind = tracking.get(product, UNTRACKED)
        if kind != UNTRACKED and not announced.lot:
            yield Conflict("lot_missing", product, announced.quantity)
        if kind == BY_SERIAL and announced.lot:
            serials[product, announced.lot] += 1
            if announced.quantity != 1:
                yield Conflict("serial_quantity", announced.lot, announced.quantity)
        if announced.lot and announced.expiry:
            expiries[product, announced.lot].add(announced.expiry)
            if arrives and announced.expiry <= arrives:
                yield Conflict("lot_expired", announced.lot, announced.quantity)
    for (_product, lot), number in serials.items():
        if number > 1:
            yield Conflict("serial_repeated", lot, Decimal(number))
    for (_product, lot), days in expiries.items():
        if len(days) > 1:
            yield Conflict("expiry_differs", lot)


def brought(notices: Iterable[tuple[Hashable, Iterable[Share]]], came: Iterable[Share]) -> list[Hashable]:
    """Keys of the notices that a receipt brings (rule 8), the best first.

    :param notices: key and shares of each that is on its way, the one that was shipped first in front
    :param came: what the receipt brought, with the lots and packages that were found

    >>> brought([("first", [Share("A", 10, lot="L1")]), ("second", [Share("A", 10, lot="L2")])], [Share("A", 9, "L2")])
    ['second']
    >>> brought([("first", [Share("A", 10)]), ("second", [Share("A", 4)])], [Share("A", 14)])
    ['first', 'second']
    """
    waiting = [(key, _tally(shares)) for key, shares in notices]
    rest, found = _tally(came), []
    while True:
        fitting = [
            one for one in waiting if _in_common(one[1], rest)[1] > 0 and (not found or _is_within(one[1], rest))
        ]
        if not fitting:
            return found
        best = max(fitting, key=lambda one: _in_common(one[1], rest))
        waiting.remove(best)
        found.append(best[0])
        rest = {key: max(quantity - best[1].get(key, ZERO), ZERO) for key, quantity in rest.items()}


def _tally(shares):
    """``{(line, kind of mark, mark): quantity}``; all of a line has no mark."""
    total = defaultdict(Decimal)
    for share in shares:
        for kind, mark in (("", ""), ("lot", share.lot), ("package", share.package)):
            if mark or not kind:
                total[share.line, kind, mark] += exact(share.quantity)
    return dict(total)


def _in_common(told, came):
    """``(quantity of the same lots and packages, quantity on the same lines, less what differs)``"""
    marks = lines = ZERO
    for key, quantity in told.items():
        same = min(quantity, came.get(key, ZERO))
        if key[1]:
            marks += same
        else:
            lines += same
    differs = sum(abs(told.get(key, ZERO) - came.get(key, ZERO)) for key in told.keys() | came.keys() if not key[1])
    return marks, lines, -differs


def _is_within(told, came):
    """Whether all of it came. Lots and packages count where the receipt knows any."""
    known = {key[:2] for key in came}
    return all(quantity <= came.get(key, ZERO) for key, quantity in told.items() if key[:2] in known or not key[1])


def same_content(one: Iterable[Announced], other: Iterable[Announced]) -> bool:
    """Whether two notices say the same, in whatever order and however the lines are cut.

    >>> parts = [Announced(4, product=1, lot="L"), Announced(6, product=1, lot="L")]
    >>> same_content([Announced(10, product=1, lot="L")], parts)
    True
    """
    return _summed(one) == _summed(other)


def _summed(notice):
    total = defaultdict(Decimal)
    for announced in notice:
        key = announced.line, announced.product, announced.lot, announced.package, announced.expiry
        total[key] += announced.quantity
    return dict(total)
