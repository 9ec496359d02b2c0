"""Thresholds move together, within their band, and nothing else moves."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from engine import (
    Condition,
    FactSpec,
    FactType,
    Rule,
    Table,
    Threshold,
    adjusted,
    analyse,
    bands_of,
    compile_table,
    resolve,
    threshold_problems,
)

SPECS = {
    "amount": FactSpec("amount", "Amount", FactType.MONEY, minimum=0),
    "over": FactSpec("over", "Over contract", FactType.PERCENT),
}
LIMIT = Threshold("limit", Decimal(1000), Decimal(5000))


def table(limit=LIMIT, other=LIMIT, value=2500, other_value=2500):
    return Table(
        SPECS,
        (
            Rule("1", 1, "Small", (Condition("amount", "le", Decimal(value), limit),), "pass"),
            Rule("2", 2, "Large", (Condition("amount", "gt", Decimal(other_value), other),), "refuse"),
            Rule("3", 3, "Dear", (Condition("over", "gt", Decimal(2500)),), "refuse"),
        ),
    )


@given(st.integers(1000, 5000), st.integers(0, 9999))
def test_moving_a_threshold_leaves_no_gap(value, amount):
    moved = adjusted(table(), {"limit": Decimal(value)})
    assert analyse(moved).gaps == ()
    verdict = compile_table(moved).evaluate({"amount": amount, "over": 0})
    assert verdict.outcome == ("pass" if amount <= value else "refuse")
    assert moved.rules[2] == table().rules[2]


VALUES = st.dictionaries(st.sampled_from(["limit", "gone"]), st.integers(0, 6000).map(Decimal), max_size=2)


@given(st.lists(VALUES, max_size=3))
def test_the_most_specific_valid_value_counts(levels):
    bands = bands_of(table())
    found = resolve(bands, list(enumerate(levels)))
    valid = [(n, own["limit"]) for n, own in enumerate(levels) if 1000 <= own.get("limit", 0) <= 5000]
    assert found.values == ({"limit": valid[-1][1]} if valid else {})
    assert found.sources == ({"limit": valid[-1][0]} if valid else {})
    assert len(found.rejected) == sum(len(own) for own in levels) - len(valid)
    for rejected in found.rejected:
        assert rejected.problem


def test_what_is_wrong_with_thresholds():
    def messages(*args, **kwargs):
        return [problem.message for problem in threshold_problems(table(*args, **kwargs))]

    assert messages() == []
    assert messages(other_value=2600) == [
        "Rule 'Large': the threshold “limit” has another fact, value or band in another rule."
    ]
    assert messages(other=Threshold("limit", Decimal(1000), Decimal(6000))) != []
    assert messages(other=None) == []
    assert messages(limit=Threshold("a", Decimal(5), Decimal(1))) == [
        "Rule 'Small': the band of “a” begins above its end."
    ]
    assert messages(limit=Threshold("a", Decimal(5), Decimal(6))) == ["Rule 'Small': 2,500 is outside the band of “a”."]
    assert messages(limit=Threshold("a", Decimal(5), None)) == ["Rule 'Small': the threshold “a” has no complete band."]
    equal = Table(SPECS, (Rule("1", 1, "E", (Condition("amount", "eq", Decimal(5), LIMIT),), "pass"),))
    assert "only a limit" in threshold_problems(equal)[0].message
