"""Facts: typed on the way in, unknown in doubt, the same after a trip through JSON."""

import datetime
import json
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine import FactError, FactSpec, FactType, Unknown, as_decimal, clean, decimal_text, decode_facts, encode_facts

SPECS = {
    spec.name: spec
    for spec in (
        FactSpec("amount", "Amount", FactType.MONEY),
        FactSpec("over", "Over contract", "percent", optional=True),
        FactSpec("weight", "Weight", FactType.QUANTITY, unit="kg"),
        FactSpec("score", "Score", FactType.NUMBER),
        FactSpec("due", "Due", FactType.DATE, optional=True),
        FactSpec("status", "Status", FactType.SELECTION, options=(("a", "Active"), ("b", "Blocked"))),
        FactSpec("site", "Site", FactType.REFERENCE, optional=True),
        FactSpec("tags", "Tags", FactType.SET),
        FactSpec("urgent", "Urgent", FactType.FLAG),
        FactSpec("note", "Note", FactType.TEXT, optional=True),
    )
}
NUMBERS = st.one_of(
    st.integers(-(10**29), 10**29),
    st.floats(-1e15, 1e15),
    st.decimals(-(10**20), 10**20, places=6),
)
VALUES = {
    FactType.DATE: st.dates(),
    FactType.SELECTION: st.sampled_from(["a", "b"]),
    FactType.REFERENCE: st.integers(1, 10**9),
    FactType.SET: st.frozensets(st.integers(1, 9) | st.text(max_size=2)),
    FactType.FLAG: st.booleans(),
    FactType.TEXT: st.text(max_size=5),
}
UNCLEAR = st.none() | st.builds(Unknown, st.text(max_size=5)) | st.builds(object)
FACTS = st.fixed_dictionaries(
    {}, optional={name: VALUES.get(spec.type, NUMBERS) | UNCLEAR for name, spec in SPECS.items()}
)


@given(FACTS)
def test_facts_come_back_as_they_were(facts):
    stored = encode_facts(SPECS, facts)
    again = decode_facts(SPECS, json.loads(json.dumps(stored)))
    assert again == {name: clean(spec, facts.get(name, Unknown())) for name, spec in SPECS.items()}
    assert encode_facts(SPECS, again) == stored
    assert list(stored) == sorted(SPECS)


@given(FACTS)
def test_cleaning_twice_changes_nothing(facts):
    for name, value in facts.items():
        once = clean(SPECS[name], value)
        assert clean(SPECS[name], once) == once
        assert type(clean(SPECS[name], once)) is type(once)


@given(st.decimals(-(10**28), 10**28, places=9))
@example(Decimal("1.10"))
@example(Decimal("1E+20"))
@example(Decimal("-0.00"))
def test_numbers_are_exact_and_written_one_way(number):
    exact = as_decimal(number)
    assert exact == number
    text = decimal_text(exact)
    assert "E" not in text and not (text.endswith("0") and "." in text) and text != "-0"
    assert decimal_text(as_decimal(text)) == text


@given(st.integers(-(10**14), 10**14), st.integers(0, 6))
def test_floats_are_the_numbers_that_they_show(number, places):
    exact = Decimal(number).scaleb(-places)
    assert as_decimal(float(exact)) == exact


@pytest.mark.parametrize(
    ("noisy", "meant"), [(30000.000000000004, "30000"), (0.1 + 0.2, "0.3"), (0.1 + 0.2 - 0.3, "0"), (1.1 * 3, "3.3")]
)
def test_binary_noise_is_removed(noisy, meant):
    assert as_decimal(noisy) == Decimal(meant)


@pytest.mark.parametrize("value", [True, None, "", "1,5", "abc", "NaN", float("inf"), "1e999999999", "1e-99999", [1]])
def test_what_is_no_number(value):
    with pytest.raises(FactError):
        as_decimal(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount", None),
        ("amount", False),
        ("amount", "many"),
        ("amount", True),
        ("over", "many"),
        ("due", datetime.datetime(2024, 1, 1)),
        ("due", "2024-13-01"),
        ("status", "c"),
        ("status", False),
        ("status", ""),
        ("site", -1),
        ("site", "1"),
        ("site", True),
        ("tags", None),
        ("tags", "abc"),
        ("tags", [1.5]),
        ("tags", [[1]]),
        ("tags", [True]),
        ("urgent", None),
        ("urgent", 1),
        ("note", 1),
    ],
)
def test_in_doubt_unknown(name, value):
    assert isinstance(clean(SPECS[name], value), Unknown)


@pytest.mark.parametrize(
    ("name", "value"), [("over", None), ("over", False), ("site", False), ("note", ""), ("due", None)]
)
def test_empty_is_known_for_an_optional_fact(name, value):
    assert clean(SPECS[name], value) is None


def test_an_optional_set_is_empty():
    assert clean(FactSpec("tags", "Tags", FactType.SET, optional=True), False) == frozenset()
    assert clean(SPECS["tags"], []) == frozenset()


def test_an_undeclared_fact_is_a_mistake():
    with pytest.raises(FactError):
        encode_facts(SPECS, {"colour": "red"})


def test_a_fact_that_is_no_longer_declared_reads_as_unknown():
    assert decode_facts(SPECS, {"colour": "red"}) == {"colour": Unknown("the fact 'colour' is no longer declared")}
