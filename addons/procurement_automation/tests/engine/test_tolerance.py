from hypothesis import given
from hypothesis import strategies as st

from engine.tolerance import Setting, choose

vendors = st.none() | st.integers(1, 3)
categories = st.none() | st.integers(1, 4)
settings = st.lists(st.tuples(vendors, categories), unique=True, max_size=10).map(
    lambda pairs: [Setting(pair, *pair) for pair in pairs]
)
paths = st.permutations([1, 2, 3, 4]).flatmap(lambda order: st.integers(0, 4).map(lambda size: tuple(order[:size])))


@given(settings, st.integers(1, 3), paths, st.randoms())
def test_the_narrowest_whatever_the_order(known, vendor, path, random):
    found = choose(known, vendor, path)
    shuffled = list(known)
    random.shuffle(shuffled)
    assert choose(shuffled, vendor, path) == found
    fitting = [s.key for s in known if s.vendor in (None, vendor) and (s.category is None or s.category in path)]
    assert (found is None) == (not fitting)
    if found:
        assert found in fitting
        if any(key[0] and key[1] for key in fitting):
            assert found[0] and found[1]
        elif any(key[0] for key in fitting):
            assert found[0]
        nearer = [key for key in fitting if key[0] == found[0] and key[1] in path]
        assert not nearer or path.index(found[1]) == min(path.index(key[1]) for key in nearer)
