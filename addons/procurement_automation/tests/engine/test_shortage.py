"""Properties of the choice between sites and a vendor."""

from hypothesis import given
from hypothesis import strategies as st

from engine.shortage import LOST, Purchase, Shortage, Site, free, options

AMOUNTS = st.integers(0, 500)
DAYS = st.integers(0, 30)
SHORTAGES = st.builds(
    Shortage,
    quantity=st.integers(1, 300).map(float),
    at_least=st.integers(0, 300).map(float),
    runs_out_in=st.none() | DAYS,
    rounding=st.sampled_from([1.0, 5.0, 0.5]),
)
PURCHASES = st.builds(Purchase, days=DAYS, price=st.none() | st.integers(0, 50).map(float))
SITES = st.lists(
    st.builds(
        Site,
        key=st.integers(1, 10**6),
        on_hand=AMOUNTS,
        outgoing=AMOUNTS,
        minimum=AMOUNTS,
        maximum=AMOUNTS,
        days=DAYS,
        cost_per_order=st.integers(0, 100),
        cost_per_unit=st.integers(0, 20),
    ),
    max_size=4,
    unique_by=lambda site: site.key,
)


@given(SHORTAGES, PURCHASES, SITES)
def test_every_option_is_told_and_at_most_one_is_chosen(shortage, purchase, sites):
    found = options(shortage, purchase, sites)
    assert sorted(str(one.site) for one in found) == sorted(["None", *(str(site.key) for site in sites)])
    assert [bool(one.lost) for one in found[1:]] == [True] * len(sites)
    assert all(one.lost in LOST for one in found if one.lost)


@given(SHORTAGES, PURCHASES, SITES)
def test_nobody_gives_what_it_needs(shortage, purchase, sites):
    by_key = {site.key: site for site in sites}
    for one in options(shortage, purchase, sites):
        assert 0 <= one.quantity <= shortage.quantity
        if one.site and one.quantity:
            site = by_key[one.site]
            assert one.quantity <= site.on_hand - site.outgoing - site.minimum + 1e-6
            assert free(site, shortage, False) <= free(site, shortage, True)


@given(SHORTAGES, PURCHASES, SITES)
def test_the_order_of_the_sites_does_not_matter(shortage, purchase, sites):
    def key(found):
        return {(one.quantity, one.days, one.cost, one.lost) for one in found}

    best, same = options(shortage, purchase, sites)[0], options(shortage, purchase, sites[::-1])[0]
    assert (best.lost, best.is_late, best.days) == (same.lost, same.is_late, same.days)
    assert len(key(options(shortage, purchase, sites))) <= len(sites) + 1


@given(SHORTAGES, PURCHASES, SITES)
def test_what_is_chosen_is_in_time_if_anything_is(shortage, purchase, sites):
    found = options(shortage, purchase, sites)
    possible = [one for one in found if one.lost not in ("nothing_free", "not_enough", "no_vendor")]
    if possible:
        assert not found[0].lost
        assert found[0].is_late == all(one.is_late for one in possible)
    else:
        assert found[0].lost


def test_a_vendor_is_asked_where_no_site_can_help():
    best, other = options(Shortage(10, 5), Purchase(5, 3.0), [Site("A", 10, 0, 8, 8, 1)])
    assert (best.site, other.lost) == (None, "not_enough")
