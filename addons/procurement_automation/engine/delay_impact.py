"""Which customers a later arrival hits.

Rules, in words
---------------
1. Demand is served by promised day; on the same day the earlier promise (``rank``) first. Nobody is served by value.
2. What is on hand serves first, then arrivals by day. A customer line is *ready* on the day on which the last of its
   quantity is there, and *at risk* when that is after its promised day, or never.
3. A line that waits keeps what it has got: later promises are not served before it.
4. A change *hits* a line when it makes it late, or later than before. What was late already and stays as late is
   not hit.
5. The same change told twice hits nobody: before and after are equal then.

One product at one site; quantities in the unit of the product.

>>> monday, friday = date(2026, 11, 23), date(2026, 11, 27)
>>> demands = [Demand("SO1", 4, monday, value=400), Demand("SO2", 8, friday, value=800)]
>>> before = ready_days(demands, 5, [Arrival("PO1", 7, friday)])
>>> before
{'SO1': datetime.date(2026, 11, 23), 'SO2': datetime.date(2026, 11, 27)}
>>> after = ready_days(demands, 5, [Arrival("PO1", 7, date(2026, 12, 4))])
>>> [(hit.demand.key, hit.days_late) for hit in hits(demands, before, after)]
[('SO2', 7)]
>>> hits(demands, after, after)
[]
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .amounts import ZERO, exact_fields


@dataclass(frozen=True, slots=True)
class Demand:
    """What a customer was promised. ``rank`` orders those of one day, such as the moment of the promise."""

    key: Hashable
    quantity: Decimal
    day: date
    value: Decimal = ZERO
    rank: int = 0

    def __post_init__(self):
        exact_fields(self, "quantity", "value")


@dataclass(frozen=True, slots=True)
class Arrival:
    """What comes in on ``day``."""

    key: Hashable
    quantity: Decimal
    day: date

    def __post_init__(self):
        exact_fields(self, "quantity")


@dataclass(frozen=True, slots=True)
class Hit:
    """A customer line that a change makes late; ``ready`` None: nothing in sight serves it."""

    demand: Demand
    ready: date | None
    ready_before: date | None

    @property
    def days_late(self) -> int | None:
        return None if self.ready is None else (self.ready - self.demand.day).days


def ready_days(demands: Iterable[Demand], on_hand, arrivals: Iterable[Arrival]) -> dict[Hashable, date | None]:
    """``{demand key: day on which it can be delivered in full}``; None: not with what is in sight.

    What can be delivered before its day is ready on its day.
    """
    supply = [(date.min, Arrival(None, on_hand, date.min).quantity)]
    supply += sorted((arrival.day, arrival.quantity) for arrival in arrivals if arrival.quantity > 0)
    ready: dict[Hashable, date | None] = {}
    position, left = 0, max(supply[0][1], ZERO)
    for demand in sorted(demands, key=lambda demand: (demand.day, demand.rank, str(demand.key))):
        needed = demand.quantity
        while needed > left and position + 1 < len(supply):
            needed -= left
            position += 1
            left = supply[position][1]
        if needed > left:
            left = ZERO
            ready[demand.key] = None
        else:
            left -= max(needed, ZERO)
            ready[demand.key] = max(supply[position][0], demand.day)
    return ready


def hits(
    demands: Iterable[Demand],
    before: Mapping[Hashable, date | None],
    after: Mapping[Hashable, date | None],
) -> list[Hit]:
    """Who is late because of the change, worst first: never, then most days, then most value."""
    found = [
        Hit(demand, after[demand.key], before[demand.key])
        for demand in demands
        if _is_late(demand, after[demand.key]) and _is_later(after[demand.key], before[demand.key])
    ]
    return sorted(
        found, key=lambda hit: (hit.ready is not None, -(hit.days_late or 0), -hit.demand.value, str(hit.demand.key))
    )


def _is_late(demand, ready):
    return ready is None or ready > demand.day


def _is_later(after, before):
    return before is not None and (after is None or after > before)
