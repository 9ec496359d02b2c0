"""A site runs short: move what another site can spare, or buy?

Rules, in words
---------------
1. A site can spare what it holds, less what leaves it by what is known, less what it keeps for itself: the larger of
   its own minimum and maximum. Where no purchase arrives in time it keeps its minimum only.
2. No more is moved than is needed, in whole steps of the unit. What does not even reach the minimum of the site that
   is short is *not enough*.
3. In time is what arrives before that site runs out of stock.
4. What is in time wins over what is late; then what costs less per unit; then what is there sooner; then the purchase.
5. Without a vendor price nothing can be bought, whatever the price.
6. Every option is told, and why it lost.

Moving costs what the lane says, per transfer and per unit: the goods are paid for. Buying costs the price.

>>> short = Shortage(quantity=40, at_least=10, runs_out_in=5)
>>> surplus = Site("B", on_hand=200, outgoing=20, minimum=30, maximum=100, days=2, cost_per_order=50, cost_per_unit=0.5)
>>> for option in options(short, Purchase(days=14, price=9), [surplus]):
...     print(option.site, option.quantity, option.days, option.cost, option.lost or "chosen")
B 40.0 2 70.0 chosen
None 40 14 360 late
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

#: Why an option lost.
LOST = ("nothing_free", "not_enough", "no_vendor", "late", "dearer", "slower")


@dataclass(frozen=True, slots=True)
class Shortage:
    """What is needed, how much of it at least, and in how many days stock runs out (None: not by what is known)."""

    quantity: float
    at_least: float
    runs_out_in: int | None = None
    rounding: float = 1.0


@dataclass(frozen=True, slots=True)
class Purchase:
    """Days until a purchase arrives and its price per unit; None: it cannot be bought."""

    days: int
    price: float | None


@dataclass(frozen=True, slots=True)
class Site:
    """A lane from another site and its stock of the product."""

    key: object
    on_hand: float
    outgoing: float
    minimum: float
    maximum: float
    days: int
    cost_per_order: float = 0.0
    cost_per_unit: float = 0.0


@dataclass(frozen=True, slots=True)
class Option:
    """``site``: where from; None: the purchase. ``lost`` is empty for the one that is chosen."""

    site: object
    quantity: float
    days: int
    cost: float | None
    is_late: bool
    lost: str = ""


def free(site: Site, shortage: Shortage, is_urgent: bool) -> float:
    """What ``site`` can give, in whole steps and no more than is needed (rules 1 and 2).

    >>> site = Site("B", on_hand=100, outgoing=20, minimum=30, maximum=70, days=1)
    >>> free(site, Shortage(90, 5), False), free(site, Shortage(90, 5), True), free(site, Shortage(4, 4), True)
    (10.0, 50.0, 4.0)
    """
    keeps = site.minimum if is_urgent else max(site.minimum, site.maximum)
    spare = min(site.on_hand - site.outgoing - keeps, shortage.quantity)
    return max(0.0, math.floor(spare / shortage.rounding + 1e-9) * shortage.rounding)


def options(shortage: Shortage, purchase: Purchase, sites: Iterable[Site]) -> list[Option]:
    """All options, the best first; nothing is chosen when none is possible."""

    def is_late(days):
        return shortage.runs_out_in is not None and days > shortage.runs_out_in

    can_buy = purchase.price is not None
    is_urgent = not can_buy or is_late(purchase.days)
    found = [
        Option(
            None,
            shortage.quantity,
            purchase.days,
            shortage.quantity * purchase.price if can_buy else None,
            is_late(purchase.days),
            "" if can_buy else "no_vendor",
        )
    ]
    for site in sites:
        quantity = free(site, shortage, is_urgent)
        lost = (
            "nothing_free"
            if not quantity
            else "not_enough"
            if quantity < min(shortage.at_least, shortage.quantity) - 1e-9
            else ""
        )
        cost = site.cost_per_order + site.cost_per_unit * quantity
        found.append(Option(site.key, quantity, site.days, cost, is_late(site.days), lost))
    found.sort(key=_rank)
    best = found[0]
    return [best, *(one if one.lost or best.lost else replace(one, lost=_why(one, best)) for one in found[1:])]


def _rank(option):
    return bool(option.lost), option.is_late, _unit_cost(option), option.days, option.site is not None


def _unit_cost(option):
    return option.cost / option.quantity if option.quantity and option.cost is not None else math.inf


def _why(option, best):
    if option.is_late and not best.is_late:
        return "late"
    return "dearer" if _unit_cost(option) > _unit_cost(best) else "slower"
