"""Names of groups from outside: one spelling, nothing made up."""

from hypothesis import given
from hypothesis import strategies as st

from engine.directory_names import claimed, from_dn, from_member_of, normal

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(anything)
def test_claims_never_raise_and_are_normal(value):
    names = claimed(value)
    assert all(name and name == normal(name) for name in names)


@given(st.lists(st.text()))
def test_lists_are_taken_as_they_are(names):
    assert claimed(names) == {normal(name) for name in names if normal(name)}


@given(st.text() | st.binary())
def test_distinguished_names_never_raise(name):
    assert all(from_dn(name))


def test_distinguished_names():
    assert 'purchasing' in from_dn(b'CN=Purchasing,OU=Groups,DC=example,DC=com')
    assert 'purchasing' not in from_dn('OU=Purchasing,CN=Groups,DC=example')
    assert 'a,b' in from_dn('cn=a\\2Cb,dc=x')
    assert from_member_of(None) == frozenset()
    assert {'a', 'b'} <= from_member_of([b'cn=a,dc=x', 'cn=b,dc=x'])
    # A name that only contains another one is not that one.
    assert 'admins' not in from_dn('cn=not admins,dc=x')
    assert 'admins' not in from_dn('cn=x\\,cn=admins,dc=x')
