"""Authority for the case: nobody gets more of it with the amount, and rules on trial give none."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.authority import asked_for_at_least
from engine.decision_table import Approver, Condition, Requirement, Rule

AMOUNTS = st.integers(0, 50_000).map(Decimal)
CONDITIONS = st.one_of(
    st.tuples(st.sampled_from(["lt", "le", "gt", "ge", "eq"]), AMOUNTS),
    st.tuples(AMOUNTS, AMOUNTS).map(lambda pair: ("between", tuple(sorted(pair)))),
).map(lambda pair: Condition("amount", *pair))
RULES = st.lists(st.lists(CONDITIONS, max_size=2), max_size=6).map(
    lambda tables: [_rule(str(number), *conditions) for number, conditions in enumerate(tables)]
)


def _rule(name, *conditions, outcome="require", mode="enforce"):
    return Rule(name, 10, name, conditions, outcome, (Requirement(10, Approver("group", name), name=name),), mode)


def _names(rules, amount):
    return [requirement.name for requirement in asked_for_at_least(rules, amount)]


@given(RULES, AMOUNTS, AMOUNTS)
def test_authority_shrinks_as_the_amount_grows(rules, one, other):
    low, high = sorted((one, other))
    assert set(_names(rules, high)) <= set(_names(rules, low))


@given(RULES, AMOUNTS)
def test_whom_a_matching_rule_asks_has_authority(rules, amount):
    for rule in rules:
        if all(condition.holds(amount) for condition in rule.conditions):
            assert rule.name in _names(rules, amount)


@pytest.mark.parametrize(("outcome", "mode"), [("pass", "enforce"), ("refuse", "enforce"), ("require", "monitor")])
def test_only_enforced_rules_that_ask_somebody(outcome, mode):
    assert _names([_rule("trial", outcome=outcome, mode=mode)], Decimal(10)) == []
    assert _names([_rule("asks")], Decimal(10)) == ["asks"]


def test_other_facts_do_not_limit_the_amount():
    rule = _rule("categories", Condition("price_over_contract", "le", Decimal(5)))
    assert _names([rule], Decimal(9000)) == ["categories"]


def test_each_approver_once():
    assert _names([_rule("finance"), _rule("finance")], Decimal(1)) == ["finance"]
