"""Budgets: one line pays, never another owner's, and what is used adds up."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.budget import BudgetBook, BudgetLine, Claim, Reservation, Usage, charge, is_over, left

DAY = date(2026, 6, 1)
CATEGORIES = (3, 2, 1)
money = st.integers(0, 10_000)
owners = st.one_of(st.none(), st.integers(1, 3))
usages = st.builds(Usage, actual=money, committed=money, reserved=money, waiting=money)


@st.composite
def budgets(draw):
    """Lines of which no two hold for the same owner, category and day."""
    places = draw(
        st.lists(
            st.tuples(owners, st.sampled_from([None, *CATEGORIES, 9]), st.integers(-1, 1)), unique=True, max_size=8
        )
    )
    return [
        BudgetLine(
            place,
            draw(money),
            DAY + timedelta(100 * place[2] - 10),
            DAY + timedelta(100 * place[2] + 10),
            owner=place[0],
            category=place[1],
        )
        for place in places
    ]


@given(budgets(), owners)
def test_the_nearest_line_of_the_owner_pays(lines, owner):
    fitting = [
        line
        for line in lines
        if line.holds(DAY) and line.owner in (owner, None) and (line.category is None or line.category in CATEGORIES)
    ]
    found = BudgetBook(lines).line_for(owner, CATEGORIES, DAY)
    if not fitting:
        assert found is None
        return
    order = {category: number for number, category in enumerate((*CATEGORIES, None))}
    assert found == min(fitting, key=lambda line: (line.owner != owner, order[line.category]))


@given(budgets(), owners)
def test_nobody_pays_from_another_ones_budget(lines, owner):
    found = BudgetBook(lines).line_for(owner, CATEGORIES, DAY)
    assert found is None or found.owner in (owner, None)


@given(budgets(), owners)
def test_the_order_of_lines_carries_no_meaning(lines, owner):
    one = BudgetBook(lines).line_for(owner, CATEGORIES, DAY)
    assert one == BudgetBook(reversed(lines)).line_for(owner, CATEGORIES, DAY)


@given(usages, money, money)
def test_over_is_more_than_what_is_left(usage, amount, asked):
    line = BudgetLine("x", amount, DAY, DAY)
    assert is_over(line, usage, asked) is (asked > left(line, usage))


@given(usages, money, money, money)
def test_what_is_over_stays_over_when_more_is_asked(usage, amount, asked, more):
    line = BudgetLine("x", amount, DAY, DAY)
    if is_over(line, usage, asked):
        assert is_over(line, usage, asked + more)


@given(usages, money)
def test_what_waits_uses_nothing(usage, amount):
    line = BudgetLine("x", amount, DAY, DAY)
    assert left(line, usage) == left(line, Usage(usage.actual, usage.committed, usage.reserved))


def claim(owner, amount, reservation=None):
    return Claim(owner, CATEGORIES, DAY, amount, reservation)


@given(budgets(), owners, owners, money, money)
def test_a_reservation_makes_room_only_where_it_was_made(lines, owner, asker, amount, reserved):
    book, usage, taken = BudgetBook(lines), {}, {}
    held = Reservation("request", claim(asker, reserved), reserved)
    found = charge(book, usage, [claim(owner, amount, held)], taken)
    line = book.line_for(owner, CATEGORIES, DAY)
    assert found.is_missing is (line is None)
    if line:
        same = line == book.line_for(asker, CATEGORIES, DAY)
        assert usage[line.key].reserved == amount - (reserved if same else 0)
        assert taken.get("request", 0) == (reserved if same else 0)


@given(st.lists(money, min_size=1, max_size=5), money)
def test_a_reservation_makes_room_once(orders, reserved):
    """Whatever is ordered at once: together it needs what it is worth, less what was reserved."""
    book, usage, taken = BudgetBook([BudgetLine("x", 10**9, DAY, DAY)]), {}, {}
    for amount in orders:
        charge(book, usage, [claim(None, amount, Reservation(1, claim(None, min(amount, reserved)), reserved))], taken)
    assert usage["x"].reserved == sum(orders) - min(sum(orders), reserved)


@given(st.lists(money, max_size=5), money)
def test_judged_together_is_judged_one_after_the_other(orders, amount):
    book, usage = BudgetBook([BudgetLine("x", amount, DAY, DAY)]), {}
    over = [charge(book, usage, [claim(None, order)]).is_over for order in orders]
    assert over == [sum(orders[: number + 1]) > amount for number in range(len(orders))]
