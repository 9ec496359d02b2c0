"""Demand as customers asked for it, made from what the warehouse recorded.

A history is a row of periods of equal length (months, weeks), oldest first. For each period: units
delivered or firmly promised to customers, units that came back, and the share of the period in
which there was anything to sell. :func:`clean` makes of it what a forecast may be learned from.
The rules, in this order:

1. **Returns are netted.** A return lowers the demand of its own period, what is left of it that of
   the latest earlier period with demand, and so on. What is left after the first period is
   forgotten: it was sold before the history begins. Demand is never negative.

   >>> clean([5, 0, 3], returned=[0, 2, 1]).demand
   (3, 0, 2)

2. **A stock-out hides demand, it never makes any.** Where stock was on hand for less than half of
   a period (`SUPPLIED`), the period is unknown – ``None``, not zero – unless at least as much was
   sold in it as in an average period with stock: then it is evidence like any other.

   >>> clean([4, 0, 4, 5], available=[1, 0.1, 1, 0.2]).demand
   (4, None, 4, 5)

3. **One freak order is no habit.** Periods without demand are normal for most products, so a
   period is judged against the *other periods with demand* only, on a logarithmic scale: its
   limit is their median times ``exp(SPREADS * s)``, where s is the robust spread (1.4826 × median
   absolute deviation) and at least `LEAST_SPREAD`. What exceeds the limit is lowered to it, not
   removed: somebody did ask for it. It stays as it is when fewer than `ENOUGH` other periods had
   demand (no habit is known yet), or when another period reached half of it (it came back).

   >>> clean([2, 0, 3, 2, 0, 90, 2, 3, 0, 2]).demand
   (2, 0, 3, 2, 0, 11.0, 2, 3, 0, 2)
   >>> clean([2, 0, 3, 2, 0, 90, 2, 60, 0, 2]).demand
   (2, 0, 3, 2, 0, 90, 2, 60, 0, 2)

4. **Unknown periods at the beginning are cut off**: there was no product yet.

   >>> clean([None, None, 1, 2]).demand
   (1, 2)

Whatever was changed is told, for the person who must judge the suggestion:

>>> [str(note) for note in clean([5, 0, 3], returned=[0, 2, 1], available=[1, 0, 1]).notes]
['period 1: 5 → 3 (returned)', 'period 3: 3 → 2 (returned)', 'period 2: 0 → unknown (stock-out)']
"""

import bisect
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

#: Share of periods with demand from which on it is regular (Syntetos, Boylan, Croston: interval below 1.32).
REGULAR_SHARE = 1 / 1.32
#: Share of a period with stock from which on its sales count as its demand.
SUPPLIED = 0.5
#: How many robust spreads above the median an order is a freak; 3.5 is Iglewicz and Hoaglin's rule.
SPREADS = 3.5
#: Least spread of log sizes. 0.5 lets anything pass that is below 5.7 times the median.
LEAST_SPREAD = 0.5
#: Other periods with demand before any of them is called a freak.
ENOUGH = 5

RETURNED, STOCK_OUT, FREAK = "returned", "stock-out", "freak"


@dataclass(frozen=True)
class Note:
    """One thing that was changed in a history.

    :param period: index in the history as it was given
    :param kind: `RETURNED`, `STOCK_OUT` or `FREAK`
    """

    period: int
    kind: str
    before: float
    after: float | None

    def __str__(self):
        after = "unknown" if self.after is None else f"{self.after:g}"
        return f"period {self.period + 1}: {self.before:g} → {after} ({self.kind})"


@dataclass(frozen=True)
class History:
    """Cleaned demand per period, ``None`` where it is unknown.

    :param skipped: unknown periods cut off at the beginning
    """

    demand: tuple[float | None, ...]
    notes: tuple[Note, ...] = ()
    skipped: int = 0

    @property
    def known(self) -> tuple[float, ...]:
        """The known periods alone.

        >>> clean([4, 0, 4], available=[1, 0, 1]).known
        (4, 4)
        """
        return tuple(units for units in self.demand if units is not None)

    def seamless(self, season: int = 12) -> tuple[float, ...]:
        """The demand without gaps, as forecasts take it.

        Rare demand has no season: unknown periods are left out. In regular demand a period left out would shift the
        season, so an unknown period is taken to be like the same one of the years beside it, or like its neighbours.

        >>> clean([4, 2, 4, 2, 4, 0, 4, 2], available=[1, 1, 1, 1, 1, 0, 1, 1]).seamless(season=2)
        (4, 2, 4, 2, 4, 2.0, 4, 2)
        >>> clean([0, 0, 4, 0, 0, 0], available=[1, 1, 1, 1, 0, 1]).seamless()
        (0, 0, 4, 0, 0)
        """
        known = self.known
        if not known or sum(units > 0 for units in known) < REGULAR_SHARE * len(known):
            return known
        return tuple(self._like(place, season) if units is None else units for place, units in enumerate(self.demand))

    def _like(self, place, season):
        """What an unknown period was probably asked for."""
        years = [self.demand[year] for year in (place - season, place + season) if 0 <= year < len(self.demand)]
        years = [units for units in years if units is not None]
        if years:
            return statistics.fmean(years)
        before = next((units for units in reversed(self.demand[:place]) if units is not None), None)
        after = next((units for units in self.demand[place + 1 :] if units is not None), None)
        return statistics.fmean(units for units in (before, after) if units is not None)


def clean(
    delivered: Sequence[float | None],
    returned: Sequence[float] = (),
    available: Sequence[float | None] = (),
) -> History:
    """The demand of a product at a site, after the rules above.

    :param delivered: units asked for per period; None where nothing was recorded
    :param returned: units that came back per period (empty: none)
    :param available: share 0…1 of each period with stock on hand, None where unknown (empty: all supplied)
    :raises ValueError: for rows of different length, or quantities below zero
    """
    returned = returned or [0] * len(delivered)
    available = available or [None] * len(delivered)
    if not len(delivered) == len(returned) == len(available):
        raise ValueError("Deliveries, returns and availability must cover the same periods.")
    if any(units is not None and units < 0 for units in [*delivered, *returned]):
        raise ValueError("Quantities are never below zero; give returns on their own.")
    demand, notes = list(delivered), []
    notes += _net(demand, returned)
    notes += _mask(demand, available)
    notes += _lower(demand)
    skipped = next((period for period, units in enumerate(demand) if units is not None), len(demand))
    return History(tuple(demand[skipped:]), tuple(notes), skipped)


def availability(
    periods: Sequence[int], changes: Sequence[tuple[int, float]], on_hand: float, least: float = 1e-6
) -> tuple[float, ...]:
    """Share of the days of each period on which there was something on the shelf, seen back from today's stock.

    A day counts when there was stock at its beginning or at its end. Days are whole numbers.

    >>> availability([0, 10, 20], [(5, 4.0), (12, -4.0)], on_hand=0)
    (0.5, 0.3)

    :param periods: the first day of each period, and the day after the last one
    :param changes: ``(day, net change of stock)``, ascending; all up to today, also those after the periods
    :param on_hand: stock today
    :param least: stock from which on there is any
    """
    days = [0] * (len(periods) - 1)
    level, until = on_hand, periods[-1]
    for day, net in reversed(changes):
        if level > least:
            _count_days(days, periods, day + 1, until)
        if max(level, level - net) > least:
            _count_days(days, periods, day, day + 1)
        level, until = level - net, min(until, day)
    if level > least:
        _count_days(days, periods, periods[0], until)
    return tuple(count / (end - start) for count, start, end in zip(days, periods, periods[1:]))


def _count_days(days, periods, start, end):
    """Add the days from ``start`` until before ``end`` to their periods."""
    start, end = max(start, periods[0]), min(end, periods[-1])
    while start < end:
        period = bisect.bisect_right(periods, start) - 1
        last = min(end, periods[period + 1])
        days[period] += last - start
        start = last


def _net(demand, returned):
    """Subtract returns in place, each from its own period and then from earlier ones."""
    before = list(demand)
    for period, units in enumerate(returned):
        for earlier in range(period, -1, -1):
            if units <= 0:
                break
            taken = min(units, demand[earlier] or 0)
            if taken:
                demand[earlier] -= taken
                units -= taken
    return _notes(before, demand, RETURNED)


def _mask(demand, available):
    """Make periods unknown in which a stock-out hid the demand."""
    short = [share is not None and share < SUPPLIED for share in available]
    supplied = [units for units, out in zip(demand, short) if units is not None and not out]
    usual = statistics.fmean(supplied) if supplied else 0
    before = list(demand)
    for period, out in enumerate(short):
        if out and demand[period] is not None and not 0 < demand[period] >= usual:
            demand[period] = None
    return _notes(before, demand, STOCK_OUT)


def _lower(demand):
    """Lower freak orders to their limit."""
    before = list(demand)
    sizes = {period: units for period, units in enumerate(before) if units}
    for period, units in sizes.items():
        others = [size for other, size in sizes.items() if other != period]
        if len(others) < ENOUGH or max(others) >= units / 2:
            continue
        limit = _limit(others)
        if units > limit:
            demand[period] = limit
    return _notes(before, demand, FREAK)


def _limit(sizes):
    """The largest size that still is a habit; above ten it is rounded to whole units."""
    logs = [math.log(size) for size in sizes]
    median = statistics.median(logs)
    spread = 1.4826 * statistics.median(abs(log - median) for log in logs)
    limit = math.exp(median + SPREADS * max(spread, LEAST_SPREAD))
    return float(math.floor(limit)) if limit >= 10 else limit


def _notes(before, after, kind):
    return [Note(period, kind, old, new) for period, (old, new) in enumerate(zip(before, after)) if old != new]
