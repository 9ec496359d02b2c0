"""Expected landed cost: one rule for each kind, the nearest; twice as much costs twice as much."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.landed_cost import KINDS, METHODS, LandedFacts, LandedRule, expected, holds, rank

DAY = date(2026, 6, 1)
few = st.one_of(st.none(), st.integers(1, 3))
days = st.one_of(st.none(), st.integers(-9, 9).map(lambda days: DAY + timedelta(days)))
numbers = st.integers(0, 1000).map(float)
rules = st.lists(
    st.builds(
        LandedRule,
        key=st.integers(1, 10**6),
        kind=st.sampled_from(KINDS),
        method=st.sampled_from(METHODS),
        rate=st.integers(0, 50).map(float),
        vendor=few,
        category=few,
        country=few,
        terms=few,
        first=days,
        last=days,
    ),
    max_size=8,
    unique_by=lambda rule: rule.key,
)
lines = st.builds(
    LandedFacts,
    value=numbers,
    quantity=numbers,
    weight=numbers,
    volume=numbers,
    vendor=few,
    categories=st.sampled_from([(), (3,), (3, 2, 1), (2, 1)]),
    country=few,
    terms=few,
    day=st.just(DAY),
)


@given(rules, lines)
def test_a_kind_is_there_when_a_rule_holds(found, line):
    costs = expected(found, line)
    assert set(costs) == {rule.kind for rule in found if holds(rule, line)}
    assert all(amount >= 0 for amount in costs.values())


@given(rules, lines)
def test_the_nearest_rule_alone_counts(found, line):
    for kind, amount in expected(found, line).items():
        nearest = min(
            (rule for rule in found if rule.kind == kind and holds(rule, line)), key=lambda rule: rank(rule, line)
        )
        assert expected([nearest], line) == {kind: amount}


@given(rules, lines)
def test_the_order_of_rules_carries_no_meaning(found, line):
    assert expected(found, line) == expected(list(reversed(found)), line)


@given(rules, lines)
def test_twice_as_much_costs_twice_as_much(found, line):
    twice = replace(
        line, value=2 * line.value, quantity=2 * line.quantity, weight=2 * line.weight, volume=2 * line.volume
    )
    assert expected(found, twice) == {kind: 2 * amount for kind, amount in expected(found, line).items()}


@given(rules, lines)
def test_a_rule_that_ended_changes_nothing(found, line):
    ended = LandedRule(0, "freight", "percent", 50.0, vendor=line.vendor, last=DAY - timedelta(1))
    assert expected([*found, ended], line) == expected(found, line)
