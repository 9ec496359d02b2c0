"""Approved vendor lists: the nearest list counts, alone, and an empty one permits nobody."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.vendor_list import ListEntry, VendorBook, VendorList

DAY = date(2026, 6, 1)
vendors, sites = st.integers(1, 4), st.integers(1, 3)
days = st.one_of(st.none(), st.integers(-40, 40).map(lambda days: DAY + timedelta(days)))
entries = st.lists(st.builds(ListEntry, vendor=vendors, first=days, last=days), max_size=4).map(tuple)
#: The categories of the product are 3 (its own), 2 and 1.
CATEGORIES = (3, 2, 1)


@st.composite
def books(draw):
    places = draw(
        st.lists(
            st.tuples(
                st.sampled_from([("product", 9), *(("category", one) for one in CATEGORIES)]),
                st.one_of(st.none(), sites),
            ),
            unique=True,
            max_size=6,
        )
    )
    return [
        VendorList((kind, key, site), entries=draw(entries), site=site, **{kind: key}) for (kind, key), site in places
    ]


def nearness(one, site):
    """Where a list stands: the smaller, the nearer; None: it does not count there."""
    if one.site not in (None, site):
        return None
    step = 0 if one.product else 1 + CATEGORIES.index(one.category)
    return step, one.site is None


@given(books(), vendors, sites)
def test_only_the_nearest_list_counts(lists, vendor, site):
    reach = [(nearness(one, site), one) for one in lists if nearness(one, site) is not None]
    expected = min(reach, key=lambda pair: pair[0])[1].permits(vendor, DAY) if reach else True
    assert VendorBook(lists).permits(9, CATEGORIES, site, vendor, DAY) is expected


@given(books(), vendors, sites)
def test_the_order_of_the_lists_carries_no_meaning(lists, vendor, site):
    one = VendorBook(lists).permits(9, CATEGORIES, site, vendor, DAY)
    assert one == VendorBook(reversed(lists)).permits(9, CATEGORIES, site, vendor, DAY)


@given(books(), vendors, sites)
def test_ending_entries_never_lets_anybody_in(lists, vendor, site):
    ended = [
        VendorList(
            one.key,
            product=one.product,
            category=one.category,
            site=one.site,
            entries=tuple(ListEntry(entry.vendor, entry.first, DAY - timedelta(1)) for entry in one.entries),
        )
        for one in lists
    ]
    if VendorBook(ended).permits(9, CATEGORIES, site, vendor, DAY):
        assert VendorBook(lists).permits(9, CATEGORIES, site, vendor, DAY)


@given(entries, vendors)
def test_both_days_are_included(found, vendor):
    for entry in found:
        for day in filter(None, (entry.first, entry.last)):
            if entry.holds(day):
                assert VendorList("x", product=9, entries=(entry,)).permits(entry.vendor, day)
        if entry.last:
            assert not entry.holds(entry.last + timedelta(1))
