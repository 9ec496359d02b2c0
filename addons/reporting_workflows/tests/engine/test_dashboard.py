"""What a dashboard makes of daily numbers: periods, totals, comparisons."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dashboard import PERIODS, Day, PeriodError, Total, days_of, drawn, is_comparable, spans_of, total

SUNDAY = date(2026, 11, 22)
DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))


def day_before(days, since=SUNDAY):
    return since - timedelta(days=days)


@pytest.mark.parametrize(
    ("code", "now", "before"),
    [
        ("today", ("2026-11-22", "2026-11-22"), ("2026-11-21", "2026-11-21")),
        ("yesterday", ("2026-11-21", "2026-11-21"), ("2026-11-20", "2026-11-20")),
        ("last_30_days", ("2026-10-23", "2026-11-21"), ("2026-09-23", "2026-10-22")),
        ("last_90_days", ("2026-08-24", "2026-11-21"), ("2026-05-26", "2026-08-23")),
        ("month_to_date", ("2026-11-01", "2026-11-22"), ("2026-10-01", "2026-10-22")),
        ("previous_month", ("2026-10-01", "2026-10-31"), ("2026-09-01", "2026-09-30")),
        ("previous_quarter", ("2026-07-01", "2026-09-30"), ("2026-04-01", "2026-06-30")),
    ],
)
def test_a_period_and_the_one_before(code, now, before):
    assert [tuple(map(str, span)) for span in spans_of(code, SUNDAY)] == [now, before]


@given(DAYS, st.sampled_from([code for code in PERIODS if code != "custom"]))
def test_periods_end_today_at_the_latest_and_do_not_overlap(today, code):
    (first, last), (before_first, before_last) = spans_of(code, today)
    assert before_first <= before_last < first <= last <= today


@pytest.mark.parametrize(
    ("first", "last", "problem"),
    [
        (None, SUNDAY, "missing"),
        (SUNDAY, day_before(1), "order"),
        (SUNDAY, SUNDAY + timedelta(days=1), "future"),
        (day_before(366), SUNDAY, "long"),
    ],
)
def test_what_is_no_period(first, last, problem):
    with pytest.raises(PeriodError, match=problem):
        spans_of("custom", SUNDAY, first, last)
    with pytest.raises(PeriodError, match="unknown"):
        spans_of("next_year", SUNDAY)


def test_a_period_of_ones_own():
    assert spans_of("custom", SUNDAY, day_before(3), day_before(1))[1] == (day_before(6), day_before(4))
    assert spans_of("custom", SUNDAY, date(2026, 10, 1), date(2026, 10, 31))[1] == (date(2026, 9, 1), date(2026, 9, 30))
    assert len(days_of(spans_of("custom", SUNDAY, day_before(365), SUNDAY)[0])) == 366


def test_shares_add_up_by_what_they_are_made_of():
    """One late of one, none late of nine: a mean of the two values would say 50."""
    days = {day_before(2): Day(Decimal(0), Decimal(1), 1), day_before(1): Day(Decimal(9), Decimal(9), 9)}
    found = total(days, days, (day_before(2), day_before(1)), scale=100, is_ratio=True)
    assert (found.value, found.rows, found.is_whole) == (90, 10, True)


def test_a_day_without_anything_counts_nothing():
    taken, span = {day_before(2), day_before(1)}, (day_before(2), day_before(1))
    assert total({}, taken, span, is_ratio=False).value == 0
    share = total({}, taken, span, is_ratio=True)
    assert (share.value, share.missing) == (None, "nothing")


def test_a_day_that_was_not_taken_is_not_zero():
    span = (day_before(3), day_before(1))
    assert total({}, (), span, is_ratio=False) == Total(None, of_days=3, missing="not_taken")
    some = total({day_before(1): Day(Decimal(5))}, {day_before(1), day_before(9)}, span, is_ratio=False)
    assert (some.value, some.days, some.of_days, some.is_whole) == (5, 1, 3, False)


def test_how_it_stood_is_that_of_the_last_day():
    days = {day_before(number): Day(Decimal(number)) for number in (1, 2, 3)}
    span = (day_before(3), day_before(1))
    assert total(days, days, span, is_ratio=False, is_level=True).value == 1
    found = total(days, {day_before(3), day_before(2)}, span, is_ratio=False, is_level=True)
    assert (found.value, found.as_of, found.is_whole) == (2, day_before(2), True)
    assert total({}, {day_before(1)}, span, is_ratio=False, is_level=True).value == 0, "nothing of it there"


def test_a_sum_of_some_days_is_not_compared():
    whole, half = Total(Decimal(4), days=7, of_days=7), Total(Decimal(2), days=3, of_days=7)
    assert is_comparable(whole, whole, is_sum=True)
    assert not is_comparable(whole, half, is_sum=True)
    assert not is_comparable(half, whole, is_sum=True)
    assert is_comparable(whole, half, is_sum=False), "a share is one of whatever was there"
    assert not is_comparable(whole, Total(None), is_sum=False)


@given(st.dictionaries(st.integers(1, 120), st.integers(0, 50)), st.integers(1, 120))
def test_what_is_drawn_adds_up_to_the_total(counts, length):
    days = {day_before(number): Day(Decimal(count)) for number, count in counts.items()}
    span = (day_before(length), day_before(1))
    points = drawn(days, days, span, is_ratio=False)
    assert sum(value or 0 for _day, value in points) == (total(days, days, span, is_ratio=False).value or 0)
    assert points[0][0] == span[0]
    assert len(points) <= 62
