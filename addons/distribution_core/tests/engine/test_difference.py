"""What a change says: everything that changed, nothing that is secret."""

from hypothesis import given
from hypothesis import strategies as st

from engine.difference import HIDDEN, LONGEST, difference, shown

names = st.sampled_from(['active', 'name', 'code', 'webhook_url', 'api_key', 'interval_number'])
values = st.none() | st.booleans() | st.integers() | st.text(max_size=100) | st.lists(st.integers(), max_size=3)
records = st.dictionaries(names, values)


@given(records, records)
def test_names_what_changed_and_only_that(before, after):
    changes = difference(before, after)
    assert set(changes) == {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


@given(names, st.text(min_size=9, max_size=200))
def test_secrets_and_long_texts_are_hashed(name, text):
    told = shown(name, text)
    hidden = len(text) > LONGEST or any(part in name for part in HIDDEN)
    assert told.startswith('sha256:') == (hidden or text.startswith('sha256:'))
    if hidden:
        assert text not in told or len(text) < 12


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_code_is_told_apart(one, other):
    assert (shown('code', one) == shown('code', other)) == (one == other)
