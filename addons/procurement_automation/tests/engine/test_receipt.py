"""Receipts: match if and only if nothing is beyond tolerance."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.receipt import Allowed, Arrived, Expected, compare, compare_all

pieces = st.integers(0, 200).map(Decimal)
told = st.none() | pieces
expected = st.builds(Expected, st.just("A"), pieces, pieces, told, told, st.integers(0, 9))
arrived = st.builds(Arrived, pieces, st.integers(0, 20).map(Decimal), st.booleans())
percents = st.integers(0, 50).map(Decimal)
allowed = st.builds(Allowed, percents, percents, percents)


@given(expected, st.booleans(), allowed)
def test_what_was_expected_is_no_discrepancy(line, more_to_come, limits):
    due = line.due(more_to_come)
    if due <= line.open:
        assert compare(line, Arrived(due, more_to_come=more_to_come), limits) == []


@given(expected, arrived, allowed)
def test_each_kind_if_and_only_if_beyond(line, came, limits):
    found = {one.kind: one for one in compare(line, came, limits)}
    due = line.due(came.more_to_come)
    missing = due - came.good
    is_final = line.is_told or not came.more_to_come
    assert ("short" in found) == (is_final and missing > 0 and missing * 100 > due * limits.short_percent)
    over = came.good + came.damaged - line.open
    assert ("over" in found) == (over > 0 and over * 100 > line.ordered * limits.over_percent)
    whole = came.good + came.damaged
    assert ("damaged" in found) == (came.damaged > 0 and came.damaged * 100 > whole * limits.damaged_percent)
    for one in found.values():
        assert one.quantity > 0 and one.value == one.quantity * line.price


@given(expected, arrived, allowed)
def test_wider_tolerance_never_finds_more(line, came, limits):
    wider = Allowed(limits.short_percent + 1, limits.over_percent + 1, limits.damaged_percent + 1)
    assert {one.kind for one in compare(line, came, wider)} <= {one.kind for one in compare(line, came, limits)}


@given(st.lists(st.tuples(pieces, pieces), min_size=1, max_size=5), st.randoms())
def test_the_order_of_scanning_makes_no_difference(rows, random):
    lines = [Expected(f"L{n}", ordered) for n, (ordered, _good) in enumerate(rows)]
    came = [(f"L{n}", Arrived(good)) for n, (_ordered, good) in enumerate(rows)]
    first = compare_all(lines, dict(came), {}, {"X": 2})
    random.shuffle(lines)
    random.shuffle(came)
    assert compare_all(lines, dict(came), {}, {"X": 2}) == first
    assert first[-1].kind == "wrong"


def test_many_small_surpluses_add_up():
    limits = Allowed(over_percent=5)
    assert compare(Expected("A", 100, before=100), Arrived(5), limits) == []
    # Five were too many before this receipt: what is told is what this one adds.
    assert [one.kind for one in compare(Expected("A", 100, before=105), Arrived(6), limits)] == ["over"]


def test_promised_by_now_less_what_came_before():
    line = Expected("A", ordered=100, before=30, promised=50)
    assert line.quantity == 20
    assert [one.quantity for one in compare(line, Arrived(15, more_to_come=True), Allowed())] == [5]


def test_the_last_delivery_brings_all_that_is_open():
    """Whether it was promised for later, or announced as less: nothing more is to come."""
    for line in (Expected("A", ordered=20, promised=0), Expected("A", ordered=20, announced=15), Expected("A", 20)):
        assert [(one.kind, one.quantity) for one in compare(line, Arrived(15), Allowed())] == [("short", 5)]


def test_negative_arrivals_are_refused():
    with pytest.raises(ValueError):
        Arrived(-1)
