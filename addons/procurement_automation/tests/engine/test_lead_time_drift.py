"""Lead times that drift: by product, against what was agreed, whatever the order of the facts."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from engine.lead_time_drift import AgreedLine, DriftTolerance, drifts
from engine.scorecard import Arrival, Part, Period

START = date(2026, 9, 1)
PERIOD = Period(START, START + timedelta(days=90))
TOLERANCE = DriftTolerance(days=3, percent=25, least=3)


def deliveries(*rows):
    """(product, agreed, day of the order, days asked for, days taken) → lines, parts, arrivals."""
    lines, parts, arrivals = {}, [], []
    for key, (product, agreed, ordered, asked, taken) in enumerate(rows):
        day = START + timedelta(days=ordered)
        due = day + timedelta(days=asked)
        lines[key] = AgreedLine(product, agreed, due)
        parts.append(Part(key, due, 10, 2, ordered=day))
        arrivals.append(Arrival(key, day + timedelta(days=taken), Decimal(10)))
    return lines, parts, arrivals


def found(*rows):
    return {drift.about: (drift.agreed, drift.taken) for drift in drifts(*deliveries(*rows), PERIOD, TOLERANCE)}


def test_three_late_arrivals_are_a_drift_two_are_none():
    late = ("bolts", 5, 0, 5, 12)
    assert found(late, late) == {}
    assert found(late, late, late) == {"bolts": (5, 12)}


def test_percent_allows_more_of_a_long_lead_time():
    assert found(*[("motors", 40, 0, 40, 50)] * 3) == {}
    assert found(*[("motors", 40, 0, 40, 51)] * 3) == {"motors": (40, 51)}


def test_what_was_asked_for_later_is_not_late():
    assert found(*[("bolts", 5, 0, 30, 30)] * 3) == {}
    assert found(*[("bolts", 5, 0, 30, 37)] * 3) == {"bolts": (5, 12)}


def test_a_rush_does_not_shorten_what_was_agreed():
    assert found(*[("bolts", 5, 0, 1, 6)] * 3) == {}


def test_what_seldom_arrives_is_judged_together():
    assert found(*[(product, 5, 0, 5, 12) for product in "abc"]) == {None: (5, 12)}
    assert found(*[(product, 5, 0, 5, 12) for product in "ab"], *[("c", 5, 0, 5, 5)] * 3) == {}


def test_what_arrived_before_the_period_or_has_no_agreed_lead_time_is_left_out():
    lines, parts, arrivals = deliveries(*[("bolts", 5, 0, 5, 12)] * 3)
    later = Period(START + timedelta(days=20), START + timedelta(days=90))
    assert drifts(lines, parts, arrivals, later, TOLERANCE) == []
    assert drifts({}, parts, arrivals, PERIOD, TOLERANCE) == []


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"), st.integers(0, 40), st.integers(0, 30), st.integers(0, 60), st.integers(0, 60)
        ),
        max_size=12,
    ),
    st.randoms(),
)
def test_the_order_of_the_facts_makes_no_difference(rows, random):
    lines, parts, arrivals = deliveries(*rows)
    before = sorted(drifts(lines, parts, arrivals, PERIOD, TOLERANCE), key=str)
    random.shuffle(parts)
    random.shuffle(arrivals)
    assert sorted(drifts(lines, parts, arrivals, PERIOD, TOLERANCE), key=str) == before
    assert all(one.beyond > TOLERANCE.days and one.of >= TOLERANCE.least for one in before)
