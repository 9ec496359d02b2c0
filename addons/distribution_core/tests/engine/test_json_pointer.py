"""JSON Pointer: the examples of RFC 6901, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.json_pointer import PointerError, resolve

RFC = {
    'foo': ['bar', 'baz'], '': 0, 'a/b': 1, 'c%d': 2, 'e^f': 3, 'g|h': 4, 'i\\j': 5, 'k"l': 6, ' ': 7, 'm~n': 8,
}  # fmt: skip


@pytest.mark.parametrize(
    ('pointer', 'value'),
    [
        ('', RFC), ('/foo', ['bar', 'baz']), ('/foo/0', 'bar'), ('/', 0), ('/a~1b', 1), ('/c%d', 2), ('/e^f', 3),
        ('/g|h', 4), ('/i\\j', 5), ('/k"l', 6), ('/ ', 7), ('/m~0n', 8),
    ],
)  # fmt: skip
def test_rfc(pointer, value):
    assert resolve(RFC, pointer) == value


@pytest.mark.parametrize(
    'pointer', ['foo', '/foo/2', '/foo/-', '/foo/01', '/foo/-1', '/foo/x', '/a~b', '/~2', '/none', '/foo/0/x']
)
def test_refused(pointer):
    with pytest.raises(PointerError):
        resolve(RFC, pointer)


@given(st.dictionaries(st.text(min_size=1), st.integers()))
def test_every_key_is_found(document):
    for key, value in document.items():
        assert resolve(document, '/' + key.replace('~', '~0').replace('/', '~1')) == value
