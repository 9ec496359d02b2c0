"""What a dashboard shows of daily numbers: periods, totals, and why there is none.

Rules, in words
---------------
* A period is compared with the one before: as many days, the same month or quarter before; a month so far with the
  same days of the month before.
* What happened (a flow) adds up over the days of the period: shares and averages by their numerators and denominators,
  never by their values.
* How something stood (a level) is that of the period's last day on which it was measured.
* A sum of some of the days is not compared: the days that are missing would look like a decline.
* A day that was taken without anything of a site in it is a day on which nothing happened there.

>>> week = spans_of("last_7_days", date(2026, 11, 22))
>>> [f"{first:%d.%m.} – {last:%d.%m.}" for first, last in week]
['15.11. – 21.11.', '08.11. – 14.11.']
>>> taken = {date(2026, 11, day) for day in (20, 21)}
>>> days = {day: Day(Decimal(3), Decimal(4), rows=4) for day in taken}
>>> shown = total(days, taken, (date(2026, 11, 20), date(2026, 11, 21)), scale=100, is_ratio=True)
>>> shown.value, shown.rows, shown.missing
(Decimal('75.0000'), 8, '')
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from .kpi import measured
from .schedule import period_before, period_of

PERIODS = (
    "today",
    "yesterday",
    "last_7_days",
    "last_30_days",
    "last_90_days",
    "month_to_date",
    "previous_month",
    "previous_quarter",
    "custom",
)
#: A period of one's own has at most so many days.
MOST_DAYS = 366
#: Longer periods are drawn by weeks.
DRAWN_BY_DAY = 62
ONE = timedelta(days=1)
Span = tuple[date, date]


class PeriodError(ValueError):
    """What is wrong with a period: ``unknown``, ``missing``, ``order``, ``long`` or ``future``."""


@dataclass(frozen=True)
class Day:
    """What was counted on a day. Of a plain sum there is no denominator."""

    numerator: Decimal
    denominator: Decimal | None = None
    rows: int = 0


@dataclass(frozen=True)
class Total:
    """The number of a period.

    :param value: None where there is none; ``missing`` says why: ``not_taken`` (no day was), ``nothing`` (nothing was
        there to measure)
    :param as_of: the day that it stands for, of a level; the last day that is in it, of a flow
    :param days: how many days are in it, :param of_days: of how many
    """

    value: Decimal | None
    rows: int = 0
    as_of: date | None = None
    days: int = 0
    of_days: int = 0
    missing: str = ""

    @property
    def is_whole(self) -> bool:
        return self.days == self.of_days


def spans_of(code: str, today: date, first: date | None = None, last: date | None = None) -> tuple[Span, Span]:
    """The period called ``code`` as of ``today``, and the one before.

    >>> spans_of("month_to_date", date(2026, 3, 31))[1]
    (datetime.date(2026, 2, 1), datetime.date(2026, 2, 28))
    >>> spans_of("previous_quarter", date(2026, 2, 3))
    ((datetime.date(2025, 10, 1), datetime.date(2025, 12, 31)), (datetime.date(2025, 7, 1), datetime.date(2025, 9, 30)))

    :param first: of a ``custom`` one, as :param last: both included
    :raises PeriodError: saying what is wrong
    """
    if code not in PERIODS:
        raise PeriodError("unknown")
    if code == "custom":
        span = _checked(first, last, today)
        return span, period_before(*span)
    if code == "last_90_days":
        span = today - 90 * ONE, today - ONE
        return span, period_before(*span)
    if code == "previous_quarter":
        span = _quarter_before(today)
        return span, _quarter_before(span[0])
    span = period_of(code, today)
    if code == "month_to_date":
        begin, end = period_of("previous_month", today)
        return span, (begin, min(end, begin + (span[1] - span[0])))
    return span, period_before(*span)


def _checked(first, last, today):
    if not first or not last:
        raise PeriodError("missing")
    if first > last:
        raise PeriodError("order")
    if last > today:
        raise PeriodError("future")
    if (last - first).days >= MOST_DAYS:
        raise PeriodError("long")
    return first, last


def _quarter_before(day):
    last = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1) - ONE
    return last.replace(month=last.month - 2, day=1), last


def days_of(span: Span) -> list[date]:
    return [span[0] + number * ONE for number in range((span[1] - span[0]).days + 1)]


def total(
    days: Mapping[date, Day],
    taken: Iterable[date],
    span: Span,
    *,
    scale: int = 1,
    is_ratio: bool,
    is_level: bool = False,
) -> Total:
    """The number of ``span`` from the numbers of its days.

    :param taken: the days on which was measured; one that is not in ``days`` had nothing of what is looked at
    """
    of_days = 1 if is_level else (span[1] - span[0]).days + 1
    inside = sorted(day for day in taken if span[0] <= day <= span[1])
    if not inside:
        return Total(None, of_days=of_days, missing="not_taken")
    used = inside[-1:] if is_level else inside
    parts = [days[day] for day in used if day in days]
    value = measured(
        sum((part.numerator for part in parts), Decimal()),
        sum((part.denominator or 0 for part in parts), Decimal()) if is_ratio else None,
        scale,
    )
    rows = sum(part.rows for part in parts)
    return Total(value, rows, used[-1], len(used), of_days, "" if value is not None else "nothing")


def is_comparable(now: Total, before: Total, is_sum: bool) -> bool:
    """Whether the two say something about each other."""
    if now.value is None or before.value is None:
        return False
    return not is_sum or (now.is_whole and before.is_whole)


def drawn(
    days: Mapping[date, Day],
    taken: Iterable[date],
    span: Span,
    *,
    scale: int = 1,
    is_ratio: bool,
    is_level: bool = False,
) -> list[tuple[date, Decimal | None]]:
    """``[(first day, value)]`` of the days of ``span``, or of its weeks where there are many."""
    step = 1 if (span[1] - span[0]).days < DRAWN_BY_DAY else 7
    taken = set(taken)
    points = []
    for begin in days_of(span)[::step]:
        part = begin, min(begin + (step - 1) * ONE, span[1])
        points.append((begin, total(days, taken, part, scale=scale, is_ratio=is_ratio, is_level=is_level).value))
    return points
