"""Backoff: bounded, growing, spread."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.backoff import backoff_seconds

attempts = st.integers(1, 10_000)
bases = st.floats(0.001, 3600)
jitters = st.floats(0, 1)


@given(attempts, bases, st.floats(1, 1000), jitters)
def test_between_half_and_whole(attempt, base, factor, jitter):
    cap = base * factor
    delay = backoff_seconds(attempt, base=base, cap=cap, jitter=jitter)
    whole = backoff_seconds(attempt, base=base, cap=cap, jitter=1)
    assert whole / 2 <= delay <= whole <= cap


@given(attempts, bases, st.floats(1, 1000))
def test_never_shrinks(attempt, base, factor):
    cap = base * factor
    now, after = (backoff_seconds(n, base=base, cap=cap, jitter=0.5) for n in (attempt, attempt + 1))
    assert now <= after


@pytest.mark.parametrize('values', [(0, 1, 1, 0), (1, 0, 1, 0), (1, 2, 1, 0), (1, 1, 1, 1.1), (1, 1, 1, -0.1)])
def test_nonsense(values):
    attempt, base, cap, jitter = values
    with pytest.raises(ValueError):
        backoff_seconds(attempt, base=base, cap=cap, jitter=jitter)
