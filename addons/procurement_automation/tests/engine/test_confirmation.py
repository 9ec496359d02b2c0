"""Promises against orders: properties."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import confirmation
from engine.confirmation import Asked, Limits, Promise, Said, judge

TODAY = date(2026, 11, 22)
quantities = st.integers(1, 10_000).map(lambda number: Decimal(number) / 10)
days = st.integers(-30, 500).map(lambda number: TODAY + timedelta(days=number))
prices = st.integers(0, 100_000).map(lambda number: Decimal(number) / 100)
asked = st.builds(Asked, quantities, st.integers(0, 90).map(lambda n: TODAY + timedelta(days=n)), prices)
percents = st.integers(0, 300).map(lambda number: Decimal(number) / 10)
limits = st.builds(
    Limits, st.integers(0, 30), st.integers(0, 30), percents, percents, st.booleans(), st.integers(30, 400)
)
promises = st.lists(st.builds(Promise, quantities, days), min_size=1, max_size=4, unique_by=lambda one: one.day)
said = st.builds(Said, promises, st.none() | prices)


@st.composite
def pairs(draw):
    """A line, and an answer: anything, or something close to it."""
    line = draw(asked)
    if draw(st.booleans()):
        return line, draw(said)
    factor = st.integers(-300, 300).map(lambda number: 1 + Decimal(number) / 1000)
    quantity = line.quantity * draw(st.just(1) | factor)
    first = quantity * draw(st.sampled_from([Decimal(1), Decimal("0.5")]))
    later = st.none() | st.integers(-35, 35).map(lambda number: line.day + timedelta(days=number))
    parts = [Promise(first, draw(later))]
    if quantity - first:
        parts.append(Promise(quantity - first, line.day + timedelta(days=draw(st.integers(36, 40)))))
    return line, Said(parts, draw(st.none() | st.just(line.price) | factor.map(lambda by: line.price * by)))


@given(asked, limits)
def test_as_ordered_is_nothing(line, limit):
    for same in (
        Said((Promise(line.quantity),)),
        Said((Promise(line.quantity, line.day),), line.price),
        Said((Promise(line.quantity / 2), Promise(line.quantity / 2, line.day)), line.price),
    ):
        verdict = judge(line, same, limit, TODAY)
        assert verdict == confirmation.Verdict(confirmation.NOTHING)


@given(pairs(), limits)
def test_a_case_if_and_only_if_something_is_beyond(pair, limit):
    line, answer = pair
    verdict = judge(line, answer, limit, TODAY)
    assert (verdict.outcome == confirmation.CASE) == bool(verdict.beyond)
    assert (verdict.outcome == confirmation.NOTHING) == (not verdict.differences)


@given(pairs(), limits)
def test_only_what_differs_is_applied_and_only_within_tolerance(pair, limit):
    line, answer = pair
    verdict = judge(line, answer, limit, TODAY)
    told = {found.what: found for found in verdict.differences}
    if verdict.quantity_to_apply is not None:
        assert told["quantity"].within
        assert abs(verdict.quantity_to_apply - line.quantity) * 100 <= line.quantity * limit.quantity_percent
    if verdict.price_to_apply is not None:
        assert told["price"].within
        assert abs(verdict.price_to_apply - line.price) * 100 <= line.price * limit.price_percent
    if verdict.day_to_apply is not None:
        assert TODAY <= verdict.day_to_apply <= TODAY + timedelta(days=limit.horizon)
        assert told["day"].within or (limit.moves_late_dates and verdict.day_to_apply > line.day)


@given(pairs(), limits)
def test_a_case_leaves_quantity_and_price_as_they_are(pair, limit):
    line, answer = pair
    verdict = judge(line, answer, limit, TODAY)
    if verdict.beyond:
        assert verdict.quantity_to_apply is None and verdict.price_to_apply is None


@given(pairs(), limits, st.randoms())
def test_the_order_of_the_parts_makes_no_difference(pair, limit, random):
    line, answer = pair
    parts = list(answer.promises)
    random.shuffle(parts)
    shuffled = Said(parts, answer.price)
    assert judge(line, shuffled, limit, TODAY) == judge(line, answer, limit, TODAY)
    assert confirmation.says_the_same(answer, shuffled, line)


@given(pairs(), limits)
def test_wider_limits_never_make_a_case(pair, limit):
    line, answer = pair
    wider = Limits(
        limit.days_later + 1,
        limit.days_earlier + 1,
        limit.quantity_percent + 1,
        limit.price_percent + 1,
        limit.moves_late_dates,
        limit.horizon + 1,
    )
    narrow, wide = (judge(line, answer, one, TODAY) for one in (limit, wider))
    assert {found.what for found in wide.beyond} <= {found.what for found in narrow.beyond}


def test_exactly_at_the_limit_is_within_and_a_hair_beyond_is_not():
    line = Asked(300, TODAY + timedelta(days=10), "0.03")
    limit = Limits(days_later=2, quantity_percent="0.1", price_percent="33.33")
    assert judge(line, Said((Promise("300.3"),)), limit, TODAY).outcome == "apply"
    assert judge(line, Said((Promise("300.31"),)), limit, TODAY).outcome == "case"
    assert judge(line, Said((Promise(300),), "0.04"), limit, TODAY).outcome == "case"  # 33.33 when rounded
    assert judge(line, Said((Promise(300, line.day + timedelta(days=2)),)), limit, TODAY).outcome == "apply"
    assert judge(line, Said((Promise(300, line.day + timedelta(days=3)),)), limit, TODAY).outcome == "case"


def test_a_rejected_line_is_a_case_and_applies_nothing():
    line = Asked(5, TODAY, 1)
    for answer in (Said(rejected=True), Said((Promise(0, TODAY + timedelta(days=3)),), 9)):
        verdict = judge(line, answer, Limits(90, 90, 100, 100), TODAY)
        assert verdict.outcome == "case"
        assert (verdict.quantity_to_apply, verdict.day_to_apply, verdict.price_to_apply) == (None, None, None)


@pytest.mark.parametrize(
    "answer",
    [
        Said(),
        Said((Promise(-1),)),
        Said((Promise(1),), -1),
        Said((Promise(1),), rejected=True),
        Said((Promise(1, TODAY), Promise(2, TODAY))),
    ],
)
def test_nonsense_is_refused(answer):
    with pytest.raises(ValueError):
        judge(Asked(5, TODAY, 1), answer, Limits(), TODAY)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), "NaN", "Infinity", "1e", True, None])
def test_numbers_that_are_none_are_refused(number):
    with pytest.raises((ValueError, TypeError)):
        Said((Promise(number),)).quantity + Decimal(1)


@given(st.lists(st.none() | said, max_size=6))
def test_nothing_replaces_the_first_promise(history):
    first = confirmation.first_promise(history)
    for end in range(len(history) + 1):
        known = confirmation.first_promise(history[:end])
        assert known is None or known == first


@given(st.lists(st.sampled_from(["waiting", "confirmed", "proposed", "differs", "rejected"]), min_size=1))
def test_confirmed_means_every_line(lines):
    state = confirmation.state_of(lines)
    assert (state == "confirmed") == (set(lines) == {"confirmed"})
    assert (state == "waiting") == (set(lines) == {"waiting"})
    assert (state == "differs") == bool(set(lines) & {"differs", "rejected"})


@pytest.mark.parametrize("text", ["-1", "1e99", "abc", "1..2", "nan", "inf", "9" * 40, "1,2,3", "１2x"])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueError):
        confirmation.read_number(text)
