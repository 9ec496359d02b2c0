"""Canonical JSON: one text per value."""

import json
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.canonical import canonical_json

plain_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(blacklist_categories=['Cs'], blacklist_characters='\0')),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(st.characters(blacklist_categories=['Cs'], blacklist_characters='\0')), inner)
    ),
    max_leaves=20,
)


@given(plain_values)
def test_plain_values_come_back(value):
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(st.text('abc', max_size=3), st.integers()))
def test_order_of_keys_does_not_matter(facts):
    assert canonical_json(facts) == canonical_json(dict(reversed(facts.items())))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4))
def test_amounts_are_exact_texts(amount):
    text = json.loads(canonical_json(amount))
    assert Decimal(text) == amount
    assert 'E' not in text


@given(st.integers(-(10**9), 10**9), st.integers(0, 4))
def test_floats_lose_their_binary_noise(units, places):
    expected = Decimal(units).scaleb(-places)
    assert Decimal(json.loads(canonical_json(float(units) / 10**places))) == expected


@given(st.text())
def test_any_text_can_be_stored(text):
    canonical_json(text).encode()
    assert '\\u0000' not in canonical_json(text)


def test_examples():
    assert canonical_json(0.1 + 0.2) == '"0.3"'
    assert canonical_json(-0.0) == '"0"'
    assert canonical_json(1e22) == '"10000000000000000000000"'
    assert canonical_json(date(2026, 1, 2)) == '"2026-01-02"'
    assert canonical_json(datetime(2026, 1, 2, 3, 4)) == '"2026-01-02T03:04:00Z"'
    east = timezone(timedelta(hours=2))
    assert canonical_json(datetime(2026, 1, 2, 3, 4, tzinfo=east)) == '"2026-01-02T01:04:00Z"'
    assert canonical_json({3: {'x'}, 'a': (1, 2)}) == '{"3":["x"],"a":[1,2]}'


@pytest.mark.parametrize(
    'value', [float('nan'), float('inf'), Decimal('NaN'), object(), b'x', {None: 1}, {1: 1, '1': 2}]
)
def test_what_has_no_text_is_refused(value):
    with pytest.raises((TypeError, ValueError)):
        canonical_json(value)
