"""Keys: what is one, and that two are never the same."""

import secrets

from hypothesis import given
from hypothesis import strategies as st

from engine.api_key import digest, from_header, new_key, prefix_of


def test_keys():
    keys = {new_key(secrets.choice) for _number in range(200)}
    assert len(keys) == len({digest(key) for key in keys}) == 200
    for key in keys:
        assert prefix_of(key) and from_header(f'Bearer {key}') == key
        assert key not in digest(key)


@given(st.text())
def test_what_is_none(text):
    assert prefix_of(text) is None or text.startswith('dk_')
    assert from_header(text) is None or text.strip().lower().startswith('bearer ')
    assert len(digest(text.encode('utf-8', 'replace').decode())) == 64


def test_blanks_and_schemes():
    assert from_header(None) is None
    assert from_header('Bearer') is None
    assert from_header('Bearer   ') is None
    assert from_header('  BEARER  abc ') == 'abc'
    assert prefix_of('dk_abcdefgh_' + 'x' * 40 + '\n') is None
