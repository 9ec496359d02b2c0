"""When reports are due: clocks that change, days without work, days that were missed."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import Complaint, Schedule
from engine.schedule import PERIODS, due_moments, moment_of, next_due, period_before, period_key, period_of

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    BERLIN,
    ZoneInfo("America/New_York"),
    ZoneInfo("Asia/Kolkata"),
    ZoneInfo("Australia/Lord_Howe"),
    ZoneInfo("UTC"),
]
HOLIDAYS = {date(2026, 12, 24), date(2026, 12, 25)}


def is_workday(day):
    return day.weekday() < 5 and day not in HOLIDAYS


def local(due, zone=BERLIN):
    return [one.moment.replace(tzinfo=UTC).astimezone(zone).strftime("%m-%d %H:%M") for one in due]


def test_daily_keeps_its_hour_when_the_clock_changes():
    due = due_moments(
        Schedule("day", time(6)), BERLIN, is_workday, datetime(2026, 3, 27, 12), datetime(2026, 3, 30, 12)
    )
    assert local(due) == ["03-28 06:00", "03-29 06:00", "03-30 06:00"]
    assert [one.moment.hour for one in due] == [5, 4, 4]


def test_an_hour_that_does_not_exist_is_the_first_moment_after_the_gap():
    assert moment_of(date(2026, 3, 29), time(2, 30), BERLIN) == datetime(2026, 3, 29, 1)
    assert moment_of(date(2026, 3, 29), time(3), BERLIN) == datetime(2026, 3, 29, 1)


@pytest.mark.parametrize(
    ("off_days", "expected"),
    [
        ("run", ["12-23", "12-24", "12-25", "12-26", "12-27", "12-28"]),
        ("skip", ["12-23", "12-28"]),
        ("next", ["12-23", "12-28"]),
    ],
)
def test_days_without_work(off_days, expected):
    schedule = Schedule("day", time(6), off_days=off_days)
    due = due_moments(schedule, BERLIN, is_workday, datetime(2026, 12, 22, 12), datetime(2026, 12, 28, 12))
    assert [text[:5] for text in local(due)] == expected


def test_weekly_and_monthly_are_put_off():
    friday = Schedule("week", time(7), weekday=4, off_days="next")
    due = due_moments(friday, BERLIN, is_workday, datetime(2026, 12, 19), datetime(2026, 12, 31))
    assert local(due) == ["12-28 07:00"], "Christmas is a Friday; Monday is the next working day"
    last = Schedule("month", time(7), day=31)
    due = due_moments(last, BERLIN, is_workday, datetime(2026, 2, 1), datetime(2026, 5, 1))
    assert local(due) == ["02-28 07:00", "03-31 07:00", "04-30 07:00"]


def test_missed_days_are_caught_up_with_once():
    schedule = Schedule("day", time(6), off_days="skip")
    *missed, due = due_moments(schedule, BERLIN, is_workday, datetime(2026, 11, 16, 12), datetime(2026, 11, 23, 12))
    assert (due.day, len(missed)) == (date(2026, 11, 23), 4)
    assert not due_moments(schedule, BERLIN, is_workday, due.moment, datetime(2026, 11, 23, 13))


def test_an_empty_calendar_does_not_silence_a_report():
    schedule = Schedule("day", time(6), off_days="next")
    assert next_due(schedule, BERLIN, lambda _day: False, datetime(2026, 11, 20)).day == date(2026, 11, 20)
    assert next_due(Schedule("day", off_days="skip"), BERLIN, lambda _day: False, datetime(2026, 11, 20)) is None
    assert period_of("since_last_workday", date(2026, 11, 20), lambda _day: False) == (date(2026, 11, 19),) * 2


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"every": "hour"}, "Due Every"),
        ({"off_days": "no"}, "On Days without Work"),
        ({"weekday": 7}, "Weekday"),
        ({"day": 0}, "Day of the Month"),
    ],
)
def test_errors_name_the_field(values, field):
    with pytest.raises(Complaint, match=f"^{field}: "):
        Schedule(**{"every": "day", **values})


schedules = st.builds(
    Schedule,
    every=st.sampled_from(["day", "week", "month"]),
    at=st.times().map(lambda at: at.replace(microsecond=0)),
    weekday=st.integers(0, 6),
    day=st.integers(1, 31),
    off_days=st.sampled_from(["run", "skip", "next"]),
)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1))


@settings(max_examples=60)
@given(schedules, st.sampled_from(ZONES), moments, st.integers(0, 60), st.integers(0, 60))
def test_a_span_is_the_sum_of_its_parts(schedule, zone, start, first, second):
    middle = start + timedelta(days=first)
    end = middle + timedelta(days=second)
    parts = due_moments(schedule, zone, is_workday, start, middle) + due_moments(
        schedule, zone, is_workday, middle, end
    )
    assert due_moments(schedule, zone, is_workday, start, end) == parts


@settings(max_examples=60)
@given(schedules, st.sampled_from(ZONES), moments)
def test_no_day_is_served_twice_and_none_is_off(schedule, zone, start):
    due = due_moments(schedule, zone, is_workday, start, start + timedelta(days=45))
    assert len({one.day for one in due}) == len(due)
    assert [one.moment for one in due] == sorted(one.moment for one in due)
    if schedule.off_days != "run":
        assert all(is_workday(one.day) for one in due)


@settings(max_examples=80)
@given(st.dates(date(2024, 1, 1), date(2027, 12, 31)), st.times(), st.sampled_from(ZONES))
def test_the_clock_shows_the_hour_or_has_skipped_it(day, at, zone):
    at = at.replace(microsecond=0)
    moment = moment_of(day, at, zone).replace(tzinfo=UTC)
    shown = moment.astimezone(zone)
    if shown.time() != at:
        before = (moment - timedelta(seconds=1)).astimezone(zone)
        assert before.replace(tzinfo=None) < datetime.combine(day, at) < shown.replace(tzinfo=None)


@pytest.mark.parametrize("off_days", ["run", "skip", "next"])
@given(day=st.dates(date(2026, 1, 1), date(2026, 12, 31)))
@settings(max_examples=40)
def test_every_day_is_in_a_daily_report(off_days, day):
    """Also those on which nobody works: the next report is about them, and each is compared with the one before."""
    due = due_moments(
        Schedule("day", time(6), off_days=off_days), BERLIN, is_workday, datetime(2025, 12, 1), datetime(2027, 1, 31)
    )
    periods = [period_of("since_last_workday", one.day, is_workday) for one in due]
    assert [first for first, last in periods if first <= day <= last]
    if off_days == "run":
        return
    for earlier, (first, last) in zip(periods, periods[1:]):
        assert first - earlier[1] == timedelta(days=1), "none is in two of them"
        assert period_before(first, last, "since_last_workday", is_workday) == earlier


def test_a_span_that_somebody_chose_is_compared_with_as_many_days():
    chosen = date(2026, 11, 16), date(2026, 11, 19)
    assert period_before(*chosen, "since_last_workday", is_workday) == (date(2026, 11, 12), date(2026, 11, 15))


@given(st.sampled_from(PERIODS), st.dates(date(2024, 1, 1), date(2027, 12, 31)))
@settings(max_examples=60)
def test_periods_and_their_names(kind, day):
    first, last = period_of(kind, day, is_workday)
    assert first <= last <= day
    earlier = period_before(first, last, kind, is_workday)
    assert earlier[1] == first - timedelta(days=1)
    assert period_key(first, last) != period_key(*earlier)
