"""Properties of need and verdict."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.replenishment import MinimumRule, Position, compare, need_of, round_to, runs_out, up_to_multiple
from engine.replenishment_verdict import REASONS, Circumstances, VerdictPolicy, cover_days, verdict_on

ROUNDINGS = st.sampled_from([1.0, 0.1, 0.01, 0.001, 0.5, 5.0, 12.0])
AMOUNTS = st.integers(0, 5000)


@st.composite
def rules(draw):
    minimum = draw(AMOUNTS)
    return MinimumRule(
        minimum,
        draw(st.integers(0, 8000)),
        draw(st.sampled_from([0, 1, 6, 12, 25])),
        draw(st.sampled_from([1.0, 0.01])),
    )


@st.composite
def positions(draw):
    incoming, outgoing = draw(AMOUNTS), draw(AMOUNTS)
    return Position(
        on_hand=draw(st.integers(-500, 5000)),
        incoming=incoming,
        outgoing=outgoing,
        in_progress=draw(AMOUNTS),
        seen_incoming=incoming + draw(st.integers(0, 50)),
        seen_outgoing=outgoing + draw(st.integers(0, 50)),
        later_incoming=draw(AMOUNTS),
        later_outgoing=draw(AMOUNTS),
    )


@given(st.integers(-100000, 100000), ROUNDINGS)
def test_whole_steps_stay(steps, rounding):
    value = steps * rounding
    assert abs(round_to(value, rounding) - value) < 1e-9
    assert compare(value, value + rounding, rounding) == -1


@given(st.floats(-1e6, 1e6), ROUNDINGS)
def test_rounding_moves_by_half_a_step_at_most(value, rounding):
    assert abs(round_to(value, rounding) - value) <= rounding / 2 * (1 + 1e-6) + 1e-9


@given(st.integers(0, 100000), st.sampled_from([1, 6, 12, 25]))
def test_the_multiple_is_met_and_not_exceeded(quantity, multiple):
    rounded = up_to_multiple(quantity, multiple, 1.0)
    assert rounded % multiple == 0
    assert 0 <= rounded - quantity < multiple


@given(rules(), positions())
def test_ordered_only_below_the_minimum(rule, position):
    need = need_of(rule, position)
    assert need.is_short == (compare(need.forecast, rule.minimum, rule.rounding) < 0)
    if not need.is_short:
        assert need.quantity == need.core_quantity == 0


@given(rules(), positions())
def test_without_later_supply_it_is_what_odoo_orders(rule, position):
    need = need_of(rule, replace(position, later_incoming=0))
    assert need.quantity == max(0, need.core_quantity)


@given(rules(), positions())
def test_later_supply_only_ever_lowers_the_order(rule, position):
    assert need_of(rule, position).quantity <= max(0, need_of(rule, position).core_quantity)


@given(rules(), positions())
def test_never_twice(rule, position):
    """What was ordered is in progress the next time: nothing is ordered again."""
    quantity = need_of(rule, replace(position, seen_incoming=None, seen_outgoing=None, later_incoming=0)).quantity
    again = replace(
        position,
        seen_incoming=None,
        seen_outgoing=None,
        later_incoming=0,
        in_progress=position.in_progress + quantity,
    )
    assert need_of(rule, again).quantity == 0


@given(rules(), positions(), st.integers(0, 4000))
def test_postponing_an_order_buys_nothing_more(rule, position, moved):
    """A receipt that moves behind the view raises the order by nothing, when nothing leaves there."""
    base = replace(position, seen_incoming=None, seen_outgoing=None, later_incoming=0, later_outgoing=0)
    before = replace(base, incoming=base.incoming + moved)
    after = replace(base, later_incoming=moved)
    assert need_of(rule, after).quantity <= need_of(rule, before).quantity + 1e-9


@given(st.integers(0, 100), st.lists(st.tuples(st.integers(0, 30), st.integers(-40, 40)), max_size=20))
def test_runs_out_is_the_first_such_day(on_hand, changes):
    start = date(2026, 1, 1)
    dated = [(start + timedelta(days=days), change) for days, change in changes]
    left = {
        day: on_hand + sum(change for when, change in dated if when <= day) for day in sorted({day for day, _ in dated})
    }
    assert runs_out(on_hand, dated) == next((day for day, rest in left.items() if rest < 0), None)


@st.composite
def circumstances(draw):
    money = st.one_of(st.none(), st.floats(0.01, 1000))
    return Circumstances(
        quantity=draw(st.integers(0, 500)),
        is_bought=draw(st.booleans()),
        has_vendor=draw(st.booleans()),
        has_valid_price=draw(st.booleans()),
        vendor_status=draw(st.sampled_from(["new", "approved", "restricted", "blocked"])),
        minimum_order=draw(st.integers(0, 100)),
        orders_before=draw(st.integers(0, 3)),
        usual_quantity=draw(money),
        price=draw(money),
        last_price=draw(money),
        daily_demand=draw(money),
        later=draw(st.integers(0, 50)),
        is_manual=draw(st.booleans()),
    )


@given(circumstances())
def test_ordered_at_once_means_no_reason(facts):
    verdict = verdict_on(facts, VerdictPolicy())
    assert (verdict.name == "review") == bool(verdict.reasons)
    assert set(verdict.reasons) <= set(REASONS)
    assert list(verdict.reasons) == sorted(verdict.reasons, key=REASONS.index)


@given(circumstances())
def test_nobody_unapproved_gets_an_order_unseen(facts):
    verdict = verdict_on(facts, VerdictPolicy())
    if verdict.name == "order" and facts.is_bought:
        assert facts.has_vendor and facts.has_valid_price and facts.vendor_status == "approved"


@given(circumstances(), st.floats(0.1, 50), st.floats(0.1, 50))
def test_a_stricter_policy_never_orders_more(facts, factor, jump):
    strict = verdict_on(facts, VerdictPolicy(unusual_factor=factor, price_jump=jump))
    lax = verdict_on(facts, VerdictPolicy(unusual_factor=factor * 2, price_jump=jump * 2))
    assert set(lax.reasons) <= set(strict.reasons)


def test_each_reason_can_be_reached():
    base = Circumstances(
        quantity=100, has_vendor=True, has_valid_price=True, vendor_status="approved", orders_before=4, price=10.0
    )
    policy = VerdictPolicy(order_value=500, is_first_purchase_reviewed=True)
    cases = {
        "no_route": replace(base, has_route=False),
        "no_vendor": replace(base, has_vendor=False),
        "blocked_vendor": replace(base, vendor_status="blocked"),
        "not_listed": replace(base, is_listed=False),
        "restricted_vendor": replace(base, vendor_status="restricted"),
        "new_vendor": replace(base, vendor_status="new"),
        "no_valid_price": replace(base, has_valid_price=False),
        "first_purchase": replace(base, orders_before=0),
        "open_late_order": replace(base, later=5),
        "constrained": replace(base, minimum_order=101),
        "unusual_quantity": replace(base, usual_quantity=33),
        "price_jump": replace(base, last_price=9.0),
        "long_cover": replace(base, daily_demand=0.5),
        "high_value": base,
        "manual_rule": replace(base, is_manual=True),
    }
    assert set(cases) == set(REASONS)
    for reason, facts in cases.items():
        assert reason in verdict_on(facts, policy).reasons, reason


def test_cover_is_unknown_without_demand():
    assert cover_days(Circumstances(quantity=5)) is None
