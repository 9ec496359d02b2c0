"""Scores: nobody is punished for idleness, nobody gains by promising less, nothing flaps."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import scorecard
from engine.scorecard import SCALES, TIERS, Arrival, Part, Period, TierRules, tier_after

START = date(2026, 11, 1)
PERIOD = Period(START, date(2026, 11, 30))
days = st.integers(-20, 60).map(lambda number: START + timedelta(days=number))
pieces = st.integers(1, 50).map(Decimal)
lines = st.sampled_from(["A", "B"])
parts = st.lists(st.builds(Part, lines, days, pieces, st.integers(0, 9), days), max_size=6)
arrivals = st.lists(st.builds(Arrival, lines, days, st.integers(-20, 60).map(Decimal)), max_size=8)
scores = st.lists(st.none() | st.integers(0, 100).map(Decimal), max_size=24)
rules = st.builds(
    TierRules,
    margin=st.integers(0, 8),
    far=st.integers(5, 20),
    worse_after=st.integers(1, 3),
    better_after=st.integers(1, 4),
)


@given(parts, arrivals)
def test_measures_are_shares(due, came):
    for measure in (scorecard.on_time_in_full(due, came, PERIOD), scorecard.fill_rate(due, came, PERIOD)):
        assert measure is None or (0 <= measure.value <= 100 and measure.of > 0)


@given(parts, arrivals)
def test_idle_is_not_measured(due, came):
    others = [part for part in due if part.due not in PERIOD]
    assert scorecard.on_time_in_full(others, came, PERIOD) is None
    assert scorecard.fill_rate(others, came, PERIOD) is None


@given(parts, arrivals, st.randoms())
def test_the_order_of_the_facts_makes_no_difference(due, came, random):
    mixed_due, mixed_came = list(due), list(came)
    random.shuffle(mixed_due)
    random.shuffle(mixed_came)
    for measure in (scorecard.on_time_in_full, scorecard.fill_rate):
        assert measure(mixed_due, mixed_came, PERIOD) == measure(due, came, PERIOD)


@given(parts)
def test_all_at_once_and_early_is_everything(due):
    came = [Arrival(part.line, date.min + timedelta(days=1), part.quantity) for part in due]
    for measure in (scorecard.on_time_in_full(due, came, PERIOD), scorecard.fill_rate(due, came, PERIOD)):
        assert measure is None or measure.value == 100


@given(parts, arrivals, arrivals)
def test_more_goods_never_hurt(due, came, more):
    more = came + [arrival for arrival in more if arrival.quantity > 0]
    for measure in (scorecard.on_time_in_full, scorecard.fill_rate):
        one, other = measure(due, came, PERIOD), measure(due, more, PERIOD)
        assert one is None or other.value >= one.value


@given(pieces, st.lists(st.tuples(days, pieces), max_size=4))
def test_every_piece_is_due_once_whatever_was_promised(ordered, promises):
    found = scorecard.parts_of("A", START, ordered, promises)
    assert sum(part.quantity for part in found) == ordered


def test_promising_less_first_does_not_help():
    asked = date(2026, 11, 5)
    found = scorecard.parts_of("A", asked, 10, [(date(2026, 11, 20), 1)])
    came = [Arrival("A", date(2026, 11, 20), 10)]
    assert scorecard.on_time_in_full(found, came, PERIOD).value == 50


def test_what_went_back_did_not_arrive():
    found = [Part("A", date(2026, 11, 10), 10)]
    came = [Arrival("A", date(2026, 11, 9), 10), Arrival("A", date(2026, 11, 12), -4)]
    assert scorecard.on_time_in_full(found, came, PERIOD).value == 100
    assert scorecard.fill_rate(found, came, PERIOD).value == 60


values = st.dictionaries(st.sampled_from(sorted(SCALES)), st.none() | st.integers(-50, 150))


@given(values, st.integers(0, 9))
def test_scores_are_points_and_none_without_facts(found, facts):
    points = scorecard.score(found, facts)
    measured = [value for value in found.values() if value is not None]
    assert (points is None) == (facts < 3 or not measured)
    assert points is None or 0 <= points <= 100


@given(values)
def test_what_was_not_measured_changes_nothing(found):
    known = {name: value for name, value in found.items() if value is not None}
    assert scorecard.score(found, 9) == scorecard.score(known, 9)


@given(st.sampled_from(TIERS), scores, rules)
def test_idle_periods_neither_count_nor_interrupt(start, history, ruled):
    scored = [points for points in history if points is not None]
    assert tier_after(start, history, ruled) == tier_after(start, scored, ruled)


@given(st.sampled_from(TIERS), st.integers(0, 100).map(Decimal), rules)
def test_a_steady_score_ends_in_one_tier(start, points, ruled):
    settled = tier_after(start, [points] * 60, ruled)
    assert tier_after(settled, [points] * 60, ruled) == settled
    position = TIERS.index(settled)
    if position < len(ruled.bounds):
        assert points >= ruled.bounds[position]
    if position:
        assert points < ruled.bounds[position - 1] + ruled.margin


@given(st.sampled_from(TIERS), scores, rules)
def test_one_tier_at_a_time(start, history, ruled):
    before = TIERS.index(start)
    for end in range(1, len(history) + 1):
        now = TIERS.index(tier_after(start, history[:end], ruled))
        assert abs(now - before) <= 1
        before = now


@given(st.lists(st.sampled_from([Decimal(84), Decimal(86), Decimal("87.9")]), max_size=40))
def test_around_a_bound_nothing_flaps(history):
    """Within the margin a tier may fall once, and does not rise again."""
    tiers = [tier_after("low", history[:end]) for end in range(len(history) + 1)]
    assert tiers == sorted(tiers, key=TIERS.index)


def test_rules_that_make_no_sense():
    for words in ({"bounds": (1, 2, 3)}, {"bounds": (3, 2)}, {"worse_after": 0}, {"margin": -1}):
        with pytest.raises(ValueError):
            TierRules(**words)
