"""The difference between two versions in words."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import (
    Approver,
    Condition,
    FactSpec,
    FactType,
    PolicyText,
    Requirement,
    Rule,
    RuleText,
    Threshold,
    difference,
)

SPECS = {
    spec.name: spec
    for spec in (
        FactSpec("amount", "Amount", FactType.MONEY),
        FactSpec("status", "Vendor status", FactType.SELECTION, options=(("new", "New"), ("ok", "Approved"))),
    )
}
FINANCE, BOARD = Approver("group", "1", "Finance"), Approver("group", "2", "Board")


def rule(key, name, conditions=(), outcome="pass", requirements=(), mode="enforce", sequence=None, more=()):
    made = Rule(key, sequence or int(key) * 10, name, conditions, outcome, requirements, mode)
    return RuleText(made, tuple(more))


def up_to(amount, threshold=None):
    return Condition("amount", "le", Decimal(amount), threshold)


def text(*rules, settings=(), hit_policy="COLLECT"):
    return PolicyText(SPECS, rules, tuple(settings), hit_policy)


def words(before, after):
    return [str(change) for change in difference(before, after)]


def test_nothing_changed_although_every_key_is_new():
    before = text(rule("1", "Small", (up_to(5),)), rule("2", "Rest"))
    after = text(rule("8", "Small", (up_to(5),)), rule("9", "Rest"))
    assert words(before, after) == []


@pytest.mark.parametrize(
    "before, after, said",
    [
        ({"conditions": (up_to(5),)}, {"conditions": (up_to(7),)}, "changed: Amount ≤ 5 → Amount ≤ 7"),
        ({"conditions": (up_to(5),)}, {}, "condition removed: Amount ≤ 5"),
        ({}, {"conditions": (up_to(5),)}, "condition added: Amount ≤ 5"),
        (
            {"conditions": (up_to(5),)},
            {"conditions": (up_to(5, Threshold("limit", Decimal(1), Decimal(9))),)},
            "changed: Amount ≤ 5 → Amount ≤ 5 (adjustable as “limit”, 1 to 9)",
        ),
        ({}, {"outcome": "refuse"}, "passes → is refused"),
        ({}, {"mode": "monitor"}, "enforced → monitored only"),
        ({"more": [("Comment required", "no")]}, {"more": [("Comment required", "yes")]}, "Comment required: no → yes"),
    ],
)
def test_one_change_of_a_rule(before, after, said):
    assert words(text(rule("1", "R", **before)), text(rule("2", "R", sequence=10, **after))) == [f"Rule “R”: {said}"]


def test_approvers():
    def asks(*requirements):
        return text(rule("1", "R", outcome="require", requirements=requirements))

    one = asks(Requirement(10, FINANCE))
    assert words(one, asks(Requirement(10, FINANCE, 2))) == [
        "Rule “R”: approver changed: Finance (stage 10) → 2 of Finance (stage 10)"
    ]
    assert words(one, asks(Requirement(20, FINANCE))) == [
        "Rule “R”: approver moved: Finance (stage 10) → Finance (stage 20)"
    ]
    assert words(one, asks(Requirement(10, BOARD))) == [
        "Rule “R”: approver removed: Finance (stage 10)",
        "Rule “R”: approver added: Board (stage 10)",
    ]


def test_renamed_added_removed_and_settings():
    before = text(
        rule("1", "Up to 5", (up_to(5), Condition("status", "eq", "ok"))),
        rule("2", "Old", (Condition("status", "eq", "new"),), "refuse"),
        settings=[("Tolerance (%)", "2")],
    )
    after = text(
        rule("3", "Up to 6", (up_to(6), Condition("status", "eq", "ok")), sequence=10),
        rule("4", "Fresh", (Condition("amount", "gt", Decimal(90)),), "require", (Requirement(1, BOARD, 2),)),
        settings=[("Tolerance (%)", "3")],
    )
    assert words(before, after) == [
        "Tolerance (%): 2 → 3",
        "Rule “Up to 6”: renamed, was “Up to 5”",
        "Rule “Up to 6”: changed: Amount ≤ 5 → Amount ≤ 6",
        "Rule added: “Fresh”: when Amount > 90: needs approval by 2 of Board (stage 1)",
        "Rule removed: “Old”: when Vendor status is New: is refused",
    ]


def test_the_order_is_told_where_it_decides():
    first = [rule("1", "A"), rule("2", "B"), rule("3", "C")]
    later = [rule("1", "A", sequence=40), rule("2", "B"), rule("3", "C")]
    assert words(text(*first, hit_policy="FIRST"), text(*later, hit_policy="FIRST")) == [
        "Rule “A”: is read at another place in the order"
    ]
    assert words(text(*first), text(*later)) == []


RULES = st.builds(
    rule,
    st.integers(1, 99).map(str),
    st.sampled_from(["A", "B", "C"]),
    st.lists(st.builds(up_to, st.integers(1, 3)), max_size=2).map(tuple),
    st.sampled_from(["pass", "refuse"]),
)


@given(st.lists(RULES, max_size=5), st.lists(RULES, max_size=5))
def test_every_difference_is_told_and_no_other(before, after):
    def content(texts):
        return sorted((t.rule.name, t.rule.outcome, frozenset(t.rule.conditions)) for t in texts)

    said = words(text(*before), text(*after))
    same = sorted(map(repr, content(before))) == sorted(map(repr, content(after)))
    assert (said == []) == same
