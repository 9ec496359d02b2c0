"""Retries: they end, they spread, and they listen to the other side."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.webhook_retry import BASE, CAP, GIVE_UP, LONGEST_RETRY_AFTER, meaning, next_try, retry_after_seconds

BEGAN = datetime(2026, 3, 2, 9)


@given(st.lists(st.floats(0, 1), min_size=100, max_size=100))
def test_they_go_on_for_three_days_and_end(jitters):
    now, tries = BEGAN, 0
    for attempt, jitter in enumerate(jitters, start=1):
        following = next_try(attempt, BEGAN, now, jitter=jitter)
        if following is None:
            break
        assert timedelta(seconds=BASE / 2) <= following - now <= timedelta(seconds=CAP)
        now, tries = following, attempt
    assert following is None
    assert GIVE_UP - timedelta(seconds=CAP) <= now - BEGAN < GIVE_UP
    assert 20 <= tries <= 50


@given(st.integers(1, 60), st.floats(0, 1), st.integers(0, LONGEST_RETRY_AFTER))
def test_retry_after_is_kept(attempt, jitter, asked):
    following = next_try(attempt, BEGAN, BEGAN, jitter=jitter, retry_after=asked)
    assert following - BEGAN >= timedelta(seconds=asked)


@given(st.text(max_size=40))
def test_any_retry_after_is_some_number(text):
    assert 0 <= retry_after_seconds(text, BEGAN) <= LONGEST_RETRY_AFTER


def test_retry_after_of_the_past_and_far_future():
    assert retry_after_seconds('Mon, 02 Mar 2026 08:00:00 GMT', BEGAN) == 0
    assert retry_after_seconds('999999999', BEGAN) == LONGEST_RETRY_AFTER
    assert retry_after_seconds('Fri, 31 Dec 9999 23:59:59 -2300', BEGAN) == 0
    assert retry_after_seconds('Mon, 02 Mar 2026 10:30:00 +0100', BEGAN) == 1800
    assert retry_after_seconds(None, BEGAN) == 0


def test_meaning():
    for status in range(100, 600):
        expected = 'delivered' if 200 <= status < 300 else 'gone' if status == 410 else 'retry'
        assert meaning(status) == expected
    assert meaning(None) == 'retry'
