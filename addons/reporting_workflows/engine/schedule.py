"""When a report is due, and about which days it is then.

Rules, in words
---------------
* A schedule is daily, weekly or monthly at an hour of the company's own clock. The 31st of a shorter month is its last
  day.
* On a day on which nobody works the report is due all the same (``run``), not at all (``skip``), or at the same hour of
  the next working day (``next``). Two that fall on one day are one.
* An hour that the clock skips in spring is the first moment after the gap; one that comes twice in autumn is the first.
* Days that were missed – a server that stood still – are caught up with once: the newest moment counts.
* The period depends on the day on which the report is due, never on the minute at which it really ran.

>>> from datetime import date, datetime
>>> from zoneinfo import ZoneInfo
>>> weekday = lambda day: day.weekday() < 5
>>> daily = Schedule("day", at=time(6, 30), off_days="next")
>>> due = due_moments(daily, ZoneInfo("Europe/Berlin"), weekday, datetime(2026, 11, 20, 6), datetime(2026, 11, 24, 6))
>>> [f"{one.moment} for {one.day}" for one in due]
['2026-11-23 05:30:00 for 2026-11-23', '2026-11-24 05:30:00 for 2026-11-24']
>>> period_of("since_last_workday", date(2026, 11, 23), weekday)
(datetime.date(2026, 11, 20), datetime.date(2026, 11, 22))
"""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from .render_words import Complaint

EVERY = ("day", "week", "month")
OFF_DAYS = ("run", "skip", "next")
PERIODS = (
    "today",
    "yesterday",
    "since_last_workday",
    "last_7_days",
    "last_30_days",
    "previous_week",
    "previous_month",
    "month_to_date",
)
#: So many days without work in a row and the calendar is taken for empty: the report is due all the same.
LONGEST_BREAK = 40
ONE = timedelta(days=1)


@dataclass(frozen=True)
class Schedule:
    """When a report is due.

    :param at: by the company's clock
    :param weekday: of weekly ones, 0 is Monday; :param day: of monthly ones, 1 to 31

    :raises Complaint: naming the field
    """

    every: str
    at: time = time(6)
    weekday: int = 0
    day: int = 1
    off_days: str = "run"

    def __post_init__(self):
        if self.every not in EVERY:
            raise Complaint("Due Every: “{text}” is none of {known}.", text=self.every, known=", ".join(EVERY))
        if self.off_days not in OFF_DAYS:
            raise Complaint(
                "On Days without Work: “{text}” is none of {known}.", text=self.off_days, known=", ".join(OFF_DAYS)
            )
        if not 0 <= self.weekday <= 6:
            raise Complaint("Weekday: use 0 (Monday) to 6 (Sunday).")
        if not 1 <= self.day <= 31:
            raise Complaint("Day of the Month: use 1 to 31.")


@dataclass(frozen=True)
class Due:
    """A report is due at ``moment`` (naive UTC), on the company's ``day``."""

    moment: datetime
    day: date


def due_moments(
    schedule: Schedule, zone: tzinfo, is_workday: Callable[[date], bool], after: datetime, until: datetime
) -> list[Due]:
    """All moments later than ``after`` and not later than ``until`` (naive UTC), in order."""
    first, last = (moment.replace(tzinfo=UTC).astimezone(zone).date() for moment in (after, until))
    found = {}
    # A day that was put off may have been long before the first one asked for.
    day = first - (LONGEST_BREAK + 1) * ONE
    while day <= last:
        if _is_planned(schedule, day) and (real := _moved(schedule, day, is_workday)):
            moment = moment_of(real, schedule.at, zone)
            if after < moment <= until:
                found[real] = Due(moment, real)
        day += ONE
    return [found[day] for day in sorted(found)]


def next_due(schedule: Schedule, zone: tzinfo, is_workday: Callable[[date], bool], after: datetime) -> Due | None:
    """The first moment later than ``after``; None where the calendar leaves none within half a year."""
    for days in (8, 40, 184):
        due = due_moments(schedule, zone, is_workday, after, after + days * ONE)
        if due:
            return due[0]
    return None


def moment_of(day: date, at: time, zone: tzinfo) -> datetime:
    """The moment (naive UTC) at which the clock of ``zone`` shows ``at`` on ``day``.

    >>> from zoneinfo import ZoneInfo
    >>> moment_of(date(2026, 3, 29), time(2, 30), ZoneInfo("Europe/Berlin"))
    datetime.datetime(2026, 3, 29, 1, 0)
    >>> moment_of(date(2026, 10, 25), time(2, 30), ZoneInfo("Europe/Berlin"))
    datetime.datetime(2026, 10, 25, 0, 30)
    """
    wanted = datetime.combine(day, at, tzinfo=zone)
    moment = wanted.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wanted.replace(tzinfo=None):
        return moment.replace(tzinfo=None)
    # The clock skips it: the gap ends where the later offset begins to hold.
    low, high = (wanted.replace(fold=fold).astimezone(UTC) for fold in (1, 0))
    offset = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0, tzinfo=None)


def period_of(kind: str, day: date, is_workday: Callable[[date], bool] = lambda _day: True) -> tuple[date, date]:
    """First and last day of what a report of ``kind`` says that is due on ``day``.

    >>> period_of("previous_week", date(2026, 11, 25))
    (datetime.date(2026, 11, 16), datetime.date(2026, 11, 22))
    >>> period_of("previous_month", date(2026, 3, 5))
    (datetime.date(2026, 2, 1), datetime.date(2026, 2, 28))

    :raises ValueError: unknown kind
    """
    yesterday = day - ONE
    if kind == "today":
        return day, day
    if kind == "yesterday":
        return yesterday, yesterday
    if kind == "since_last_workday":
        first = yesterday
        for _number in range(LONGEST_BREAK):
            if is_workday(first):
                return first, yesterday
            first -= ONE
        return yesterday, yesterday
    if kind in ("last_7_days", "last_30_days"):
        return day - int(kind.split("_")[1]) * ONE, yesterday
    if kind == "previous_week":
        monday = day - (day.weekday() + 7) * ONE
        return monday, monday + 6 * ONE
    if kind == "previous_month":
        last = day.replace(day=1) - ONE
        return last.replace(day=1), last
    if kind == "month_to_date":
        return day.replace(day=1), day
    raise ValueError(f"period: “{kind}” is none of {', '.join(PERIODS)}.")


def period_before(
    first: date, last: date, kind: str | None = None, is_workday: Callable[[date], bool] = lambda _day: True
) -> tuple[date, date]:
    """As many days right before; of a whole month the month before; of the days since the last working day those
    since the one before: a Monday is compared with Friday and its weekend, not with a Sunday.

    :param kind: of what is compared, if it is known

    >>> period_before(date(2026, 3, 1), date(2026, 3, 31))
    (datetime.date(2026, 2, 1), datetime.date(2026, 2, 28))
    >>> period_before(date(2026, 3, 2), date(2026, 3, 8))
    (datetime.date(2026, 2, 23), datetime.date(2026, 3, 1))
    >>> weekday = lambda day: day.weekday() < 5
    >>> period_before(date(2026, 11, 23), date(2026, 11, 23), "since_last_workday", weekday)
    (datetime.date(2026, 11, 20), datetime.date(2026, 11, 22))
    """
    if kind == "since_last_workday" and period_of(kind, last + ONE, is_workday) == (first, last):
        return period_of(kind, first, is_workday)
    if first.day == 1 and last == first.replace(day=monthrange(first.year, first.month)[1]):
        return period_of("previous_month", first)
    return first - (last - first) - ONE, first - ONE


def period_key(first: date, last: date) -> str:
    """How people call it: a day, an ISO week, a month, or its first and last day.

    >>> [period_key(*period_of(kind, date(2026, 11, 25))) for kind in ("yesterday", "previous_week", "previous_month")]
    ['2026-11-24', '2026-W47', '2026-10']
    >>> period_key(date(2026, 11, 20), date(2026, 11, 22))
    '2026-11-20..2026-11-22'
    """
    if first == last:
        return first.isoformat()
    if first.weekday() == 0 and last - first == 6 * ONE:
        year, week, _weekday = first.isocalendar()
        return f"{year}-W{week:02}"
    if first.day == 1 and last == first.replace(day=monthrange(first.year, first.month)[1]):
        return f"{first:%Y-%m}"
    return f"{first}..{last}"


def _is_planned(schedule, day):
    if schedule.every == "week":
        return day.weekday() == schedule.weekday
    if schedule.every == "month":
        return day.day == min(schedule.day, monthrange(day.year, day.month)[1])
    return True


def _moved(schedule, day, is_workday):
    """The day on which the report of ``day`` is really due; None: not at all."""
    if schedule.off_days == "run" or is_workday(day):
        return day
    if schedule.off_days == "skip":
        return None
    for number in range(1, LONGEST_BREAK + 1):
        if is_workday(day + number * ONE):
            return day + number * ONE
    return day
