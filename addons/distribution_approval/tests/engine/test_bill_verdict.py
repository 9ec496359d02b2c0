"""Bills against tolerances: a bill matches if and only if nothing is beyond."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bill_match import BilledLine, OrderedLine, match_bill
from engine.bill_verdict import KINDS, Limit, Terms, Tolerance, judge_bill

ORDERS = {
    "o": OrderedLine(10, 8, 1, 5),
    "p": OrderedLine(4, 0, 0, 7, on_receipt=False),
    "q": OrderedLine(100, 100, 0, Decimal("0.333")),
}
limits = st.builds(Limit, st.none() | st.integers(0, 60), st.none() | st.integers(0, 60))
tolerances = st.builds(Tolerance, limits, limits, limits, limits, limits, st.none() | limits)
rows = st.lists(
    st.tuples(st.integers(-6, 14), st.integers(-60, 90), st.sampled_from(["o", "p", "q", None]), st.integers(0, 9)),
    min_size=1,
    max_size=6,
)


def billed(rows):
    lines = [BilledLine(f"L{n}", order, quantity, value) for n, (quantity, value, order, _tax) in enumerate(rows)]
    terms = {f"L{n}": Terms(tax, 4, is_freight=tax == 9) for n, (*_rest, tax) in enumerate(rows)}
    return lines, terms


NONE = Tolerance()


def one(quantity, value, tolerance=NONE, terms=None, **order):
    values = {"ordered": 10, "received": 10, "billed": 0, "price": 5, **order}
    match = match_bill([BilledLine("a", "o", quantity, value)], {"o": OrderedLine(**values)})
    return judge_bill(match, tolerance, terms=terms)


def told(verdict):
    return [(found.what, found.amount, found.within) for found in verdict.differences]


def test_what_matches_needs_no_tolerance():
    assert one(10, 50).matches and not one(10, 50).differences
    assert one(10, 45).matches  # cheaper
    assert one(4, 20, received=4).matches  # a part


def test_each_kind():
    assert told(one(12, 60, received=12)) == [("quantity", 10, False)]
    assert told(one(10, 55)) == [("price", 5, False)]
    assert told(one(10, 50, received=7)) == [("receipt", 15, False)]
    assert told(one(10, 50, received=0, on_receipt=False)) == []
    assert told(one(10, 50, terms={"a": Terms(9, 10)})) == [("tax", 1, False)]
    assert told(judge_bill(match_bill([BilledLine("a", None, 1, 7)], {}))) == [("no_order", 7, False)]


def test_an_order_of_somebody_else_is_none():
    assert told(one(10, 50, terms={"a": Terms(is_foreign=True)})) == [("no_order", 50, False)]
    wide = Tolerance(*[Limit(percent=100)] * 5, total=Limit(amount=100))
    assert told(one(10, 50, wide, {"a": Terms(is_foreign=True)})) == [("no_order", 50, False), ("total", 50, True)]


def test_limits_are_of_what_is_allowed_and_both_hold():
    assert one(10, 55, Tolerance(price=Limit(percent=10))).matches
    assert not one(10, "55.01", Tolerance(price=Limit(percent=10))).matches
    assert not one(10, 55, Tolerance(price=Limit(percent=10, amount="4.99"))).matches
    assert one(11, 55, Tolerance(quantity=Limit(percent=10)), received=11).matches
    assert not one(11, 55, Tolerance(price=Limit(percent=90)), received=11).matches


def test_a_refund_gives_back_what_was_ordered():
    assert one(-4, -20).matches and one(-4, -25).matches
    assert told(one(-4, -16)) == [("price", 4, False)]


def test_returned_goods_are_not_billed():
    """Ten came, three went back for a refund: seven are received, ten are billed."""
    assert told(one(10, 50, received=7)) == [("receipt", 15, False)]
    assert one(10, 50, received=7, billed=-3).matches  # the refund came before the bill: seven are to be paid
    assert one(7, 35, received=7).matches


def test_freight_is_compared_for_the_bill():
    lines = [BilledLine("a", None, 1, 30), BilledLine("b", None, 1, 25)]
    terms = {"a": Terms(is_freight=True), "b": Terms(is_freight=True)}
    match = match_bill(lines, {})
    assert judge_bill(match, terms=terms, agreed_freight=55).matches
    assert told(judge_bill(match, terms=terms, agreed_freight=50)) == [("freight", 5, False)]
    assert judge_bill(match, Tolerance(freight=Limit(percent=10)), terms=terms, agreed_freight=50).matches


def test_small_differences_add_up():
    orders = {n: OrderedLine(10, 10, 0, 5) for n in range(9)}
    match = match_bill([BilledLine(n, n, 10, 51) for n in range(9)], orders)
    within = Tolerance(price=Limit(percent=2))
    assert judge_bill(match, within).matches
    verdict = judge_bill(match, Tolerance(price=Limit(percent=2), total=Limit(amount=8)))
    assert [found.what for found in verdict.beyond] == ["total"]
    assert verdict.amount_beyond == 0


def test_rounding_is_no_difference():
    match = match_bill([BilledLine("a", "q", 3, Decimal("1.00"))], ORDERS)
    assert judge_bill(match).matches


@given(rows, tolerances)
def test_matches_if_and_only_if_nothing_is_beyond(found, tolerance):
    lines, terms = billed(found)
    verdict = judge_bill(match_bill(lines, ORDERS), tolerance, terms=terms, agreed_freight=10)
    kinds = {"no_order": Limit(), "total": tolerance.total}
    for one_found in verdict.differences:
        limit = kinds.get(one_found.what) or getattr(tolerance, one_found.what, Limit())
        assert one_found.within == limit.allows(one_found.amount, one_found.of)
        assert one_found.amount > 0 and one_found.what in KINDS
    assert verdict.matches == (not verdict.beyond)


@given(rows, tolerances, st.randoms())
def test_the_order_of_the_lines_makes_no_difference(found, tolerance, random):
    lines, terms = billed(found)
    shuffled = list(lines)
    random.shuffle(shuffled)
    assert judge_bill(match_bill(shuffled, ORDERS), tolerance, terms=terms) == judge_bill(
        match_bill(lines, ORDERS), tolerance, terms=terms
    )


@given(
    st.integers(1, 50),
    st.integers(1, 500),
    st.sampled_from(["price", "quantity", "receipt"]),
    st.integers(0, 60),
    st.integers(0, 120),
    st.randoms(),
)
def test_one_difference_is_tolerated_if_and_only_if_it_is_not_beyond_its_limit(
    quantity, price, what, beyond, percent, random
):
    """From a bill that matches, one thing is moved: what is worth more than its limit, holds it."""
    ordered, received, billed, value = quantity, quantity, quantity, quantity * price
    if what == "price":
        value += beyond
    elif what == "quantity":
        billed, received, value = quantity + beyond, quantity + beyond, value + beyond * price
    else:
        beyond = min(beyond, quantity)
        received -= beyond
    worth = beyond if what == "price" else beyond * price
    tolerance = Tolerance(**{what: Limit(percent=percent)})
    lines = [BilledLine("a", "o", billed, value), BilledLine("b", "other", 1, 1), BilledLine("c", "other", 2, 2)]
    random.shuffle(lines)
    orders = {"o": OrderedLine(ordered, received, 0, price), "other": OrderedLine(3, 3, 0, 1)}
    verdict = judge_bill(match_bill(lines, orders), tolerance)
    assert verdict.matches == (worth * 100 <= quantity * price * percent)
    assert [(found.key, found.what, found.amount) for found in verdict.differences] == (
        [("a", what, worth)] if worth else []
    )


@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 6), st.integers(1, 40), st.sampled_from("op")), min_size=1, max_size=3),
        min_size=1,
        max_size=4,
    ),
    st.permutations(range(4)),
)
def test_bills_of_one_order_match_together_in_whatever_order_they_come(bills, turns):
    """Several bills on the same order lines, one posted after the other: whether anything is left to hold does not
    depend on which of them came first."""

    def all_match(order_of_bills):
        billed = dict.fromkeys(ORDERS, 1)
        for number in order_of_bills:
            lines = [BilledLine((number, n), key, q, value) for n, (q, value, key) in enumerate(bills[number])]
            orders = {
                key: OrderedLine(
                    one_order.ordered, one_order.received, billed[key], one_order.price, one_order.on_receipt
                )
                for key, one_order in ORDERS.items()
            }
            if not judge_bill(match_bill(lines, orders)).matches:
                return False
            for line in lines:
                billed[line.order_line] += line.quantity
        return True

    own = [number for number in turns if number < len(bills)]
    assert all_match(own) == all_match(range(len(bills)))


@given(rows)
def test_without_tolerance_it_matches_only_where_the_gate_sees_nothing(found):
    """One comparison: who reads the facts of the policy and who reads the verdict sees the same."""
    lines, _terms = billed(found)
    match = match_bill(lines, ORDERS)
    verdict = judge_bill(match)
    if verdict.matches:
        refunds = any(line.quantity < 0 for line in lines)
        assert refunds or not (match.order_variance or match.receipt_variance or match.without_order > 0)
    dearer = sum(one_found.amount for one_found in verdict.differences if one_found.what in ("quantity", "price"))
    if all(line.quantity >= 0 for line in lines):
        assert dearer >= match.order_variance - len(lines) * Decimal("0.01")


@pytest.mark.parametrize("number", [True, "x", float("nan")])
def test_numbers_that_are_none(number):
    with pytest.raises(Exception, match="number|finite"):
        Limit(percent=number)
