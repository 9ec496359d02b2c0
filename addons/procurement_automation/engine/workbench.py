"""What needs a buyer, and what of it comes first.

Rules, in words
---------------
1. Service first: what puts more money of customer orders at risk comes before what puts less.
2. Of the same money, what is later comes first; of the same days, what is worth more.
3. What is equal in all three keeps the order of the sections, then that of its numbers: the list does not jump about.
4. Money of one business case – an order that is late *and* differs – is at risk once, however many entries tell of it.
5. An entry is *urgent* when money of customers is at risk, *late* when its day has passed, else it *waits*.
6. Work without a buyer is nobody's: it counts for itself, and for no buyer.

Money is in the currency of the company of who looks; days are calendar days.

>>> late = Entry(1, "arrivals", "O1", buyer=7, at_risk=0, days_late=9, value=50)
>>> risky = Entry(2, "confirmations", "O2", buyer=7, at_risk=400, days_late=0, value=10)
>>> large = Entry(3, "bills", "B1", buyer=None, value=90000)
>>> [entry.key for entry in by_service_impact([large, late, risky])]
[2, 1, 3]
>>> [urgency(entry) for entry in (risky, late, large)]
['urgent', 'late', 'waits']
>>> [(load.buyer, load.entries, load.urgent, str(load.at_risk)) for load in workload([large, late, risky])]
[(7, 2, 1, '400'), (None, 1, 0, '0')]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from .amounts import ZERO, exact_fields

#: The sections of the workbench; entries that are equal else are shown in this order.
SECTIONS = (
    "arrivals",
    "confirmations",
    "proposals",
    "requisitions",
    "notices",
    "receipts",
    "bills",
    "requests",
    "cases",
    "demand",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that waits for a person. ``about``: the business case whose money is at risk."""

    key: Hashable
    section: str
    about: Hashable
    buyer: int | None = None
    at_risk: Decimal = ZERO
    days_late: int = 0
    value: Decimal = ZERO

    def __post_init__(self):
        exact_fields(self, "at_risk", "value")


@dataclass(frozen=True, slots=True)
class Load:
    """What waits for one buyer; ``buyer`` is None for what is nobody's."""

    buyer: int | None
    entries: int
    urgent: int
    late: int
    at_risk: Decimal


def urgency(entry: Entry) -> str:
    """``urgent``, ``late`` or ``waits``; see rule 5."""
    if entry.at_risk > 0:
        return "urgent"
    return "late" if entry.days_late > 0 else "waits"


def by_service_impact(entries: Iterable[Entry]) -> list[Entry]:
    """The entries, what hurts customers most first; see rules 1 to 3."""
    place = {name: number for number, name in enumerate(SECTIONS)}
    return sorted(
        entries,
        key=lambda entry: (
            -entry.at_risk,
            -max(entry.days_late, 0),
            -entry.value,
            place.get(entry.section, len(place)),
            entry.key,
        ),
    )


def money_at_risk(entries: Iterable[Entry]) -> Decimal:
    """Money of customer orders at risk, each business case once: the most that one of its entries tells.

    >>> money_at_risk([Entry(1, "arrivals", "O1", at_risk=100), Entry(2, "confirmations", "O1", at_risk=100)])
    Decimal('100')
    """
    most: dict[Hashable, Decimal] = {}
    for entry in entries:
        most[entry.about] = max(most.get(entry.about, ZERO), entry.at_risk)
    return sum(most.values(), ZERO)


def workload(entries: Iterable[Entry]) -> list[Load]:
    """What waits for each buyer: who has most at risk first, then who has most to do; nobody's work last."""
    by_buyer: dict[int | None, list[Entry]] = {}
    for entry in entries:
        by_buyer.setdefault(entry.buyer, []).append(entry)
    loads = []
    for buyer, own in by_buyer.items():
        counts = Counter(urgency(entry) for entry in own)
        loads.append(Load(buyer, len(own), counts["urgent"], counts["late"], money_at_risk(own)))
    return sorted(loads, key=lambda load: (load.buyer is None, -load.at_risk, -load.entries, load.buyer or 0))
