"""Filters: only what is asked for, whatever the facts look like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.subscription_filter import OPERATORS, Condition, FilterProblem, Wanted, check, matches, wanted

FACTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from('abc'), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from('abc'), FACTS, max_size=3), st.sampled_from(OPERATORS), st.text(max_size=6))
def test_no_facts_break_it(facts, operator, value):
    """Events are recorded in users' transactions: a filter never raises there."""
    result = wanted(Wanted(('*',), conditions=(Condition('a.b', operator, value),)), 'x.v1', None, facts)
    assert result in (True, False)


@pytest.mark.parametrize(
    ('condition', 'fits'),
    [
        (Condition('amount', 'gt', '100'), True),
        (Condition('amount', 'lt', '100'), False),
        (Condition('amount', 'eq', '250.5'), True),
        (Condition('amount', 'ne', '250.50'), False),
        (Condition('site.code', 'in', 'NORTH, SOUTH'), True),
        (Condition('site.code', 'in', 'EAST'), False),
        (Condition('urgent', 'eq', 'true'), True),
        (Condition('tags', 'eq', 'cold'), True),
        (Condition('tags', 'in', 'dry,frozen'), False),
        (Condition('nothing', 'absent'), True),
        (Condition('empty', 'absent'), True),
        (Condition('amount', 'present'), True),
        (Condition('nothing', 'eq', '1'), False),
        (Condition('nothing', 'ne', '1'), False),
        (Condition('site', 'gt', '1'), False),
        (Condition('urgent', 'gt', '0'), False),
    ],
)
def test_conditions(condition, fits):
    facts = {
        'amount': '250.50',
        'site': {'code': 'NORTH'},
        'urgent': True,
        'tags': ['cold', 'tall'],
        'empty': None,
    }
    assert wanted(Wanted(('*',), conditions=(condition,)), 'a.v1', 1, facts) is fits


def test_companies():
    assert wanted(Wanted(('*',)), 'a.v1', None, {})
    assert not wanted(Wanted(('*',), frozenset({2})), 'a.v1', None, {})
    assert wanted(Wanted(('*',), frozenset({2})), 'a.v1', 2, {})


def test_sites():
    nowhere, central = Wanted(('*',)), Wanted(('*',), sites=frozenset({7}))
    assert wanted(nowhere, 'a.v1', 1, {}, None) and wanted(nowhere, 'a.v1', 1, {}, 7)
    assert wanted(central, 'a.v1', 1, {}, 7)
    assert not wanted(central, 'a.v1', 1, {}, 8)
    assert not wanted(central, 'a.v1', 1, {}, None), 'what belongs to no site goes to those who name none'
    assert not wanted(central, 'a.v1', 1, {})


def test_a_full_stop_is_a_full_stop():
    assert not matches('a.b.v1', 'axb.v1')
    assert matches('*', 'anything.v1')
    assert matches('a.*.v1', 'a.b.c.v1')
    assert not matches('a.*', 'b.a.c')


@pytest.mark.parametrize(
    ('wants', 'words'),
    [
        (Wanted(()), 'at least one'),
        (Wanted(('A b',)), 'no event type'),
        (Wanted(('*',), conditions=(Condition('a', 'like', '1'),)), 'no comparison'),
        (Wanted(('*',), conditions=(Condition('a b', 'eq', '1'),)), 'no path'),
        (Wanted(('*',), conditions=(Condition('a', 'gt', 'x'),)), 'no number'),
        (Wanted(('*',), conditions=(Condition('a', 'eq', ' '),)), 'enter a value'),
    ],
)
def test_what_cannot_be_asked_for(wants, words):
    with pytest.raises(FilterProblem, match=words):
        check(wants)
