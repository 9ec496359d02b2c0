"""The plan of the winter range: the same for the same day, and fit for what it has to show, whatever the day."""

from datetime import date, timedelta

import pytest

from engine import procurement_cases as cases
from engine import winter_range

SITES = ("CEN", "NOR", "SOU")
DAYS = [date(2026, 1, 1) + timedelta(days=37 * number) for number in range(20)]


@pytest.mark.parametrize("today", DAYS)
def test_a_year_of_demand_ends_before_the_present_month(today):
    sold = winter_range.make_demand(today)
    assert sold == winter_range.make_demand(today)
    assert max(day for _code, _place, day, _units in sold) < today.replace(day=1)
    assert min(units for _code, _place, _day, units in sold) > 0
    months = {(code, place): 0 for code, place, _day, _units in sold}
    for code, place, _day, _units in sold:
        months[code, place] += 1
    assert min(months.values()) >= 7, "enough to forecast from"


@pytest.mark.parametrize("today", DAYS)
def test_a_past_order_is_over_before_its_month_is(today):
    for order in cases.PAST:
        month = winter_range.month_before(today, order.month)
        paid = month + timedelta(days=order.promised + order.late + 3)
        assert paid < winter_range.month_before(today, order.month - 1), order


def test_levels():
    levels = winter_range.make_levels(SITES)
    assert len(levels) == len(winter_range.GOODS) * len(SITES)
    assert all(level.minimum < level.maximum for level in levels)
    for level in levels:
        assert (level.on_hand < level.minimum) == bool(level.short), level
    assert {level.short for level in levels} == {"", "order", "review", "transfer"}


def test_everybody_who_acts_is_known():
    vendors = {vendor.key for vendor in winter_range.VENDORS}
    goods = {good.code: good.vendor for good in winter_range.GOODS}
    assert set(goods.values()) == vendors == set(winter_range.BUYERS)
    for order in (*cases.PAST, *cases.PRESENT):
        assert {goods[code] for code, _quantity in order.lines} == {order.vendor}
        assert order.site in SITES
    assert set(cases.LISTED) | {cases.PROPOSED} == vendors


def test_small_orders_only():
    """Within what a buyer orders alone."""
    price = {good.code: good.cost for good in winter_range.GOODS}
    for order in cases.PRESENT:
        assert sum(price[code] * quantity for code, quantity in order.lines) < 2500, order.key
