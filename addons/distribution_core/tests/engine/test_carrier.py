"""What carriers tell comes to the same in whatever order it is told."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.carrier import ENDS, STATUSES, Told, standing

START = datetime(2026, 12, 1)
hours = st.integers(0, 60).map(lambda number: START + timedelta(hours=number))
messages = st.lists(
    st.builds(Told, st.sampled_from(['1Z', '2Z']), st.sampled_from(STATUSES), hours, st.none() | hours),
    min_size=1,
    max_size=8,
    # Of two that say the same of one moment the one that was told later counts: there the order matters.
    unique_by=lambda told: (told.parcel, told.status, told.occurred_at),
)


@given(messages, st.randoms(use_true_random=False))
def test_order_does_not_matter(told, chance):
    mixed = list(told)
    chance.shuffle(mixed)
    assert standing(mixed) == standing(told)


@given(messages)
def test_delivered_when_all_parcels_are(told):
    last = {}
    for one in told:
        place = one.occurred_at, STATUSES.index(one.status)
        if one.parcel not in last or place > last[one.parcel][0]:
            last[one.parcel] = place, one.status
    is_delivered = {status for _place, status in last.values()} == {'delivered'}
    found = standing(told)
    assert bool(found.delivered_at) == (found.status == 'delivered') == is_delivered


@given(messages, hours)
def test_late_only_between_hand_over_and_end(told, now):
    found = standing(told)
    if found.status in ENDS or all(one.status == 'announced' for one in told):
        assert not found.is_late(now)


def at(day, hour=8):
    return datetime(2026, 12, day, hour)


def test_a_story():
    announced = Told('1Z', 'announced', at(1), at(3))
    picked_up = Told('1Z', 'picked_up', at(1, 17))
    delayed = Told('1Z', 'delayed', at(2), at(5))
    moving = Told('1Z', 'in_transit', at(3), at(5))
    delivered = Told('1Z', 'delivered', at(5, 9))
    assert not standing([announced]).is_late(at(9)), "it was never handed over"
    assert not standing([announced, picked_up]).is_late(at(3))
    assert standing([announced, picked_up]).is_late(at(3, 9)), "the promise passed"
    assert standing([announced, picked_up, delayed]).is_late(at(2))
    on = standing([moving, delayed, announced, picked_up])
    assert (on.status, on.promised_at, on.expected_at) == ('in_transit', at(3), at(5))
    assert on.is_late(at(3)), "it moves, and is expected later than promised"
    end = standing([delivered, announced, delayed])
    assert (end.status, end.delivered_at, end.is_late(at(9))) == ('delivered', at(5, 9), False)


def test_who_promised_nothing_is_late_by_own_words_only():
    moving = standing([Told('1Z', 'in_transit', at(1))])
    assert not moving.is_late(at(9))
    late = standing([Told('1Z', 'in_transit', at(1)), Told('1Z', 'delayed', at(2), at(5))])
    assert (late.promised_at, late.is_late(at(2))) == (None, True), "what comes with trouble is no promise"
    back = standing([Told('1Z', 'delayed', at(2), at(5)), Told('1Z', 'in_transit', at(3), at(4))])
    assert (back.promised_at, back.expected_at, back.is_late(at(3))) == (at(4), at(4), False)
