"""What becomes of a need: ordered at once, shown to a buyer, or nothing.

Rules, in words
---------------
1. A need without quantity and without anything open behind the horizon is nothing.
2. What is not bought (moved from another site, made) is ordered at once; policy of buying does not apply.
3. What is bought is ordered at once unless a reason speaks against it. Every reason is told, not the first only.
4. Nobody else than the vendor that Odoo selects for quantity and date gets the order: without one the need waits
   for a buyer. There is no silent second choice.
5. Some reasons cannot be accepted away: without a route or a vendor, or with a blocked one, nobody can be asked.
6. A threshold of 0 switches its reason off. What was never bought has no usual quantity and no last price.

>>> routine = Circumstances(10, has_vendor=True, has_valid_price=True, vendor_status="approved", orders_before=5)
>>> verdict_on(routine, VerdictPolicy())
Verdict(name='order', reasons=())

>>> from dataclasses import replace
>>> verdict_on(replace(routine, usual_quantity=3, vendor_status="new"), VerdictPolicy(unusual_factor=3))
Verdict(name='review', reasons=('new_vendor', 'unusual_quantity'))

>>> verdict_on(replace(routine, has_vendor=False), VerdictPolicy()).is_blocked
True
"""

from dataclasses import dataclass

ORDER, REVIEW, TRANSFER, NOTHING = "order", "review", "transfer", "nothing"

#: In the order in which a buyer wants to read them.
REASONS = (
    "no_route",
    "no_vendor",
    "blocked_vendor",
    "not_listed",
    "no_valid_price",
    "restricted_vendor",
    "new_vendor",
    "first_purchase",
    "open_late_order",
    "constrained",
    "unusual_quantity",
    "price_jump",
    "long_cover",
    "high_value",
    "manual_rule",
)
#: No buyer can accept these away.
BLOCKING = frozenset({"no_route", "no_vendor", "blocked_vendor", "not_listed"})


@dataclass(frozen=True, slots=True)
class VerdictPolicy:
    """Thresholds; 0 switches one off. ``price_jump`` in percent, ``order_value`` in company currency."""

    unusual_factor: float = 3.0
    price_jump: float = 10.0
    long_cover_days: float = 180.0
    order_value: float = 0.0
    is_new_vendor_reviewed: bool = True
    is_first_purchase_reviewed: bool = False


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Facts about one need. Prices in company currency per unit of the product; ``None``: not known."""

    quantity: float
    has_route: bool = True
    is_bought: bool = True
    has_vendor: bool = False
    has_valid_price: bool = False
    vendor_status: str = "new"
    is_listed: bool = True  #: on the approved vendor list, where one is in force
    minimum_order: float = 0.0
    orders_before: int = 0
    usual_quantity: float | None = None
    price: float | None = None
    last_price: float | None = None
    daily_demand: float | None = None
    forecast: float = 0.0
    later: float = 0.0
    is_manual: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """``order``, ``review``, ``transfer`` or ``nothing``, with every reason."""

    name: str
    reasons: tuple[str, ...] = ()

    @property
    def is_blocked(self) -> bool:
        """Whether accepting cannot help."""
        return bool(BLOCKING.intersection(self.reasons))


def verdict_on(facts: Circumstances, policy: VerdictPolicy) -> Verdict:
    """Apply the rules above."""
    if facts.quantity <= 0 and facts.later <= 0:
        return Verdict(NOTHING)
    if not facts.has_route:
        held = {"no_route": True}
    elif not facts.is_bought:
        held = {"open_late_order": facts.later > 0, "manual_rule": facts.is_manual}
    elif not facts.has_vendor:
        held = {"no_vendor": True, "open_late_order": facts.later > 0, "manual_rule": facts.is_manual}
    else:
        held = _about_buying(facts, policy)
    reasons = tuple(reason for reason in REASONS if held.get(reason))
    return Verdict(REVIEW if reasons else ORDER, reasons)


def cover_days(facts: Circumstances) -> float | None:
    """Days for which forecast and order last at the usual demand; None: there was no demand.

    >>> cover_days(Circumstances(quantity=90, forecast=10, daily_demand=2))
    50.0
    """
    if not facts.daily_demand:
        return None
    return (max(0.0, facts.forecast) + facts.quantity) / facts.daily_demand


def _about_buying(facts, policy):
    cover = cover_days(facts)
    too_little = facts.minimum_order > facts.quantity > 0
    return {
        "blocked_vendor": facts.vendor_status == "blocked",
        "not_listed": not facts.is_listed,
        "restricted_vendor": facts.vendor_status == "restricted",
        "new_vendor": facts.vendor_status == "new" and policy.is_new_vendor_reviewed,
        "first_purchase": not facts.orders_before and policy.is_first_purchase_reviewed,
        "no_valid_price": not facts.has_valid_price and not too_little and facts.quantity > 0,
        "constrained": too_little,
        "open_late_order": facts.later > 0,
        "unusual_quantity": bool(
            policy.unusual_factor
            and facts.usual_quantity
            and facts.quantity > policy.unusual_factor * facts.usual_quantity
        ),
        "price_jump": bool(
            policy.price_jump
            and facts.last_price
            and facts.price is not None
            and facts.price > facts.last_price * (1 + policy.price_jump / 100)
        ),
        "long_cover": bool(policy.long_cover_days and cover is not None and cover > policy.long_cover_days),
        "high_value": bool(
            policy.order_value and facts.price is not None and facts.price * facts.quantity > policy.order_value
        ),
        "manual_rule": facts.is_manual,
    }
