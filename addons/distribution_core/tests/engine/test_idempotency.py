"""What counts as the same call."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.idempotency import check_key, fingerprint
from engine.problem import Problem

BODIES = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.lists(st.integers()), max_size=4)


@given(BODIES)
def test_order_and_blanks_do_not_matter(body):
    shuffled = dict(reversed(body.items()))
    assert fingerprint('a', body) == fingerprint('a', json.loads(json.dumps(shuffled, indent=3)))


@given(BODIES, BODIES)
def test_another_body_is_another_call(one, other):
    assert (fingerprint('a', one) == fingerprint('a', other)) is (one == other)
    assert fingerprint('a', one) != fingerprint('b', one)


@given(st.text())
def test_keys(text):
    try:
        assert check_key(text) == text
    except Problem as problem:
        assert problem.status == 400


@pytest.mark.parametrize('text', ['', ' ', 'a b', 'ä', 'x' * 256, 'a\n', '\x7f'])
def test_no_keys(text):
    with pytest.raises(Problem):
        check_key(text)
