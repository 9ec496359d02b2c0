"""The token bucket, for any pattern of calls."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.rate_limit import Bucket, Limit, take

LIMITS = st.builds(Limit, st.integers(1, 10_000), st.integers(1, 1_000))
PAUSES = st.lists(st.floats(0, 120), min_size=1, max_size=60)


@given(LIMITS, PAUSES)
def test_never_more_than_granted(limit, pauses):
    bucket, now, taken = None, 1_000.0, 0
    for pause in pauses:
        now += pause
        allowed, bucket, wait = take(bucket, limit, now=now)
        taken += allowed
        assert 0 <= bucket.tokens <= limit.burst
        assert allowed == (wait == 0)
    assert taken <= limit.burst + sum(pauses) * limit.per_minute / 60 + 1e-6


@given(LIMITS)
def test_waiting_as_long_as_told_is_enough(limit):
    empty = Bucket(0.0, 1_000.0)
    allowed, bucket, wait = take(empty, limit, now=1_000.0)
    assert not allowed and wait >= 1
    assert take(bucket, limit, now=1_000.0 + wait)[0]


@given(LIMITS, st.floats(0, 10_000))
def test_a_clock_that_goes_back(limit, back):
    _allowed, bucket, _wait = take(None, limit, now=10_000.0)
    _allowed, later, _wait = take(bucket, limit, now=10_000.0 - back)
    assert later.filled_at == 10_000.0
    assert later.tokens <= bucket.tokens


@pytest.mark.parametrize('limit', [Limit(0, 1), Limit(1, 0), Limit(-1, 5)])
def test_no_limit_at_all(limit):
    with pytest.raises(ValueError, match='no calls'):
        take(None, limit, now=0)
