"""Whether a vendor takes longer than was agreed.

Rules, in words
---------------
1. Days from order to arrival, as the scorecard measures them: of what arrived in the period, weighted by value. What
   was asked for later than the agreed lead time counts from so many days before the day that was asked for.
2. A product is judged by itself when it arrived often enough; products that did not are judged together.
3. It drifts when it takes longer than agreed by more than the tolerance: days, or percent of the agreed lead time,
   whichever allows more. Earlier is no drift.

>>> bolts = AgreedLine("bolts", agreed=5, asked=date(2026, 11, 6))
>>> part = Part(1, date(2026, 11, 6), 10, 2, ordered=date(2026, 11, 1))
>>> period = Period(date(2026, 11, 1), date(2026, 11, 30))
>>> late = [Arrival(1, date(2026, 11, 13), 10)]
>>> drifts({1: bolts}, [part], late, period, DriftTolerance(days=3, percent=25, least=1))
[Drift(about='bolts', agreed=Decimal('5.00'), taken=Decimal('12.00'), of=1)]
>>> drifts({1: bolts}, [part], late, period, DriftTolerance(days=7, percent=25, least=1))
[]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from .amounts import HUNDRED, exact, exact_fields
from .scorecard import Arrival, Part, Period, lead_time


@dataclass(frozen=True, slots=True)
class AgreedLine:
    """An order line: its product, the agreed lead time in days, the day that was asked for."""

    product: Hashable
    agreed: int
    asked: date


@dataclass(frozen=True, slots=True)
class DriftTolerance:
    """``least``: arrivals from which on a mean says something."""

    days: Decimal
    percent: Decimal
    least: int

    def __post_init__(self):
        exact_fields(self, "days", "percent")

    def allows(self, agreed) -> Decimal:
        """Days beyond an agreed lead time.

        >>> DriftTolerance(3, 25, 1).allows(8), DriftTolerance(3, 25, 1).allows(20)
        (Decimal('3'), Decimal('5'))
        """
        return max(self.days, exact(agreed) * self.percent / HUNDRED)


@dataclass(frozen=True, slots=True)
class Drift:
    """Days agreed and days taken; ``about``: the product, None: those that seldom arrived, together."""

    about: Hashable
    agreed: Decimal
    taken: Decimal
    of: int

    @property
    def beyond(self) -> Decimal:
        return self.taken - self.agreed


def drifts(
    lines: Mapping[Hashable, AgreedLine],
    parts: Iterable[Part],
    arrivals: Iterable[Arrival],
    period: Period,
    tolerance: DriftTolerance,
) -> list[Drift]:
    """What of a vendor drifts, by product; the rest of its products last.

    :param lines: by the line of parts and arrivals; without an agreed lead time a line is left out
    """
    own, came = defaultdict(list), defaultdict(list)
    for part in parts:
        if part.line in lines and part.ordered:
            own[lines[part.line].product].append(part)
    for arrival in arrivals:
        if arrival.line in lines:
            came[lines[arrival.line].product].append(arrival)
    groups, seldom = {}, ([], [])
    for product, found in own.items():
        measured = _measured(product, lines, found, came[product], period)
        if measured and measured.of >= tolerance.least:
            groups[product] = measured
        elif measured:
            seldom[0].extend(found)
            seldom[1].extend(came[product])
    rest = _measured(None, lines, *seldom, period)
    if rest and rest.of >= tolerance.least:
        groups[None] = rest
    return [one for one in groups.values() if one.beyond > tolerance.allows(one.agreed)]


def _measured(about, lines, parts, arrivals, period):
    started = [
        replace(part, ordered=max(part.ordered, lines[part.line].asked - timedelta(days=lines[part.line].agreed)))
        for part in parts
    ]
    expected = [replace(part, ordered=part.ordered + timedelta(days=lines[part.line].agreed)) for part in started]
    taken, beyond = (lead_time(counted, arrivals, period) for counted in (started, expected))
    return Drift(about, taken.value - beyond.value, taken.value, taken.of) if taken else None
