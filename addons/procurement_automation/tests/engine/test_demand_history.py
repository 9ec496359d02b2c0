"""What cleaning may do to a history, and what it never does."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.demand_history import ENOUGH, FREAK, SUPPLIED, clean

units = st.one_of(st.just(0), st.integers(0, 20), st.integers(0, 100_000))
histories = st.lists(units, min_size=1, max_size=60)


@st.composite
def recorded(draw):
    """Deliveries, returns and availability of the same periods."""
    delivered = draw(st.lists(st.one_of(st.none(), units), min_size=1, max_size=40))
    size = len(delivered)
    returned = draw(st.lists(st.integers(0, 30), min_size=size, max_size=size))
    available = draw(st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=size, max_size=size))
    return delivered, returned, available


@given(recorded())
def test_cleaning_never_adds_demand(case):
    delivered, returned, available = case
    history = clean(delivered, returned, available)
    assert len(history.demand) + history.skipped == len(delivered)
    for before, after in zip(delivered[history.skipped :], history.demand):
        assert after is None or (before is not None and 0 <= after <= before)


@given(recorded())
def test_every_change_is_told_and_nothing_else(case):
    delivered, returned, available = case
    history = clean(delivered, returned, available)
    changed = list(delivered)
    for note in history.notes:
        assert changed[note.period] == note.before
        changed[note.period] = note.after
    assert tuple(changed[history.skipped :]) == history.demand


@given(histories, st.data())
def test_returns_take_away_as_much_as_came_back_unless_it_was_sold_before(delivered, data):
    returned = data.draw(st.lists(st.integers(0, 30), min_size=len(delivered), max_size=len(delivered)))
    netted = [note for note in clean(delivered, returned).notes if note.kind == "returned"]
    taken = sum(note.before - note.after for note in netted)
    assert taken <= sum(returned)
    # Whatever of the returns fits into what had been sold up to then is taken.
    open_units, expected = 0, 0
    for sold, back in zip(delivered, returned):
        open_units += sold
        expected += min(open_units, back)
        open_units -= min(open_units, back)
    assert taken == expected


@given(histories)
def test_a_clean_history_stays_as_it_is(delivered):
    once = clean(delivered)
    again = clean(once.demand)
    assume(not any(note.kind == FREAK for note in once.notes))
    assert again.demand == once.demand
    assert again.notes == ()


@given(st.lists(st.integers(1, 30), min_size=ENOUGH + 1, max_size=30), st.integers(1, 1000))
def test_the_scale_does_not_matter(delivered, factor):
    freaks = [note.period for note in clean(delivered).notes]
    assert [note.period for note in clean([units * factor for units in delivered]).notes] == freaks


@given(st.integers(1, 50), st.integers(6, 1000))
def test_a_new_level_is_not_a_freak(level, jump):
    """Demand that rises and stays there is the news that a forecast must hear."""
    assert clean([level] * 12 + [level * jump] * 2).notes == ()


def test_a_single_freak_is_lowered_and_not_removed():
    history = clean([1, 0, 2, 1, 0, 0, 500, 1, 2, 0, 1])
    assert history.demand[6] == pytest.approx(5.75, rel=0.01)
    assert [note.kind for note in history.notes] == [FREAK]


def test_few_sales_are_no_habit():
    assert clean([0, 1, 0, 0, 1, 0, 500, 1, 0, 1]).notes == ()


@pytest.mark.parametrize("share, known", [(0.0, False), (SUPPLIED - 0.01, False), (SUPPLIED, True), (None, True)])
def test_a_stock_out_is_not_zero_demand(share, known):
    history = clean([3, 0, 3], available=[1, share, 1])
    assert (history.demand[1] == 0) is known
    assert (history.demand[1] is None) is not known
    assert history.known == ((3, 0, 3) if known else (3, 3))


def test_promises_made_while_out_of_stock_are_demand():
    assert clean([3, 8, 3], available=[1, 0, 1]).demand == (3, 8, 3)


def test_out_of_stock_all_the_time_nothing_is_known():
    assert clean([0, 0], available=[0, 0]).demand == ()


@pytest.mark.parametrize("case", [([1, 2], [1], []), ([1], [], [1, 1]), ([-1], [], []), ([1], [-1], [])])
def test_rows_that_do_not_fit_are_refused(case):
    with pytest.raises(ValueError, match="same periods|below zero"):
        clean(*case)
