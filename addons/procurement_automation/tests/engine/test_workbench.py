"""What comes first on the workbench."""

from decimal import Decimal
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from engine.workbench import SECTIONS, Entry, by_service_impact, money_at_risk, urgency, workload

amounts = st.integers(0, 5).map(Decimal)
found = st.lists(
    st.builds(
        lambda section, about, buyer, at_risk, days, value: (section, about, buyer, at_risk, days, value),
        st.sampled_from(SECTIONS),
        st.integers(1, 4),
        st.sampled_from([None, 1, 2]),
        amounts,
        st.integers(-3, 3),
        amounts,
    ),
    max_size=8,
).map(lambda rows: [Entry(number, *row) for number, row in enumerate(rows)])


def test_money_of_customers_beats_days_and_days_beat_value():
    risky = Entry(1, "cases", 1, at_risk=1)
    late = Entry(2, "arrivals", 2, days_late=400, value=1)
    dear = Entry(3, "arrivals", 3, days_late=1, value=10**9)
    for order in permutations([risky, late, dear]):
        assert by_service_impact(order) == [risky, late, dear]


def test_what_is_not_due_yet_is_not_less_than_what_is_due_today():
    """Days to come are no lateness: value decides."""
    ahead, today = Entry(1, "arrivals", 1, days_late=-9, value=2), Entry(2, "arrivals", 2, value=1)
    assert by_service_impact([today, ahead]) == [ahead, today]


def test_sections_settle_what_is_equal():
    entries = [Entry(number, section, number) for number, section in enumerate(reversed(SECTIONS))]
    assert [entry.section for entry in by_service_impact(entries)] == list(SECTIONS)


def test_a_section_that_the_engine_does_not_know_comes_last():
    assert [one.key for one in by_service_impact([Entry(1, "other", 1), Entry(2, "cases", 2)])] == [2, 1]


@given(found)
def test_the_order_does_not_depend_on_how_it_was_found(entries):
    expected = by_service_impact(entries)
    assert by_service_impact(reversed(entries)) == expected
    assert sorted(entry.key for entry in expected) == sorted(entry.key for entry in entries)
    for first, second in zip(expected, expected[1:]):
        assert first.at_risk >= second.at_risk
        if first.at_risk == second.at_risk:
            assert max(first.days_late, 0) >= max(second.days_late, 0)


@given(found)
def test_urgent_comes_before_late_and_late_before_what_waits(entries):
    levels = [urgency(entry) for entry in by_service_impact(entries)]
    assert levels == sorted(levels, key=("urgent", "late", "waits").index)


@given(found)
def test_nothing_is_counted_twice_and_nothing_is_lost(entries):
    loads = workload(entries)
    assert sum(load.entries for load in loads) == len(entries)
    assert len({load.buyer for load in loads}) == len(loads)
    for load in loads:
        own = [entry for entry in entries if entry.buyer == load.buyer]
        assert load.entries == len(own)
        assert load.urgent == sum(urgency(entry) == "urgent" for entry in own)
        assert load.at_risk == money_at_risk(own) <= sum(entry.at_risk for entry in own)
    assert [load.buyer for load in loads if load.buyer is None] == [load.buyer for load in loads[-1:] if not load.buyer]


@given(found)
def test_money_of_one_case_is_at_risk_once(entries):
    assert money_at_risk([*entries, *entries]) == money_at_risk(entries)
