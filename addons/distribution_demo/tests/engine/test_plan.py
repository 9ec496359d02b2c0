"""The plan of the demo company: the same for the same seed, and fit for what it has to show."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine import SEED, digest, make_plan, people, policy, story
from engine.basket import PriceBook, worth
from engine.story import value_of


@pytest.fixture(scope="module")
def plan():
    return make_plan()


def test_same_seed_same_plan(plan):
    assert digest(make_plan(SEED)) == digest(plan)


def test_same_plan_in_another_process(plan):
    """Nothing hangs on the order of sets or on hash seeds."""
    code = "from engine import digest, make_plan; print(digest(make_plan()))"
    place = Path(sys.modules["engine"].__file__).parent.parent
    for seed in ("1", "2"):
        answer = subprocess.run(
            [sys.executable, "-c", code],
            cwd=place,
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert answer.stdout.strip() == digest(plan)


def test_another_seed_another_plan(plan):
    assert digest(make_plan(SEED + 1)) != digest(plan)


def test_the_plan_needs_no_odoo():
    assert "odoo" not in sys.modules


def test_size(plan):
    assert len(plan.products) == len({product.code for product in plan.products}) == 200
    assert len({product.name for product in plan.products}) == 200
    assert (len(plan.categories), len(plan.vendors), len(plan.customers), len(plan.sites)) == (8, 15, 40, 3)


def test_people_can_be_put_in_place(plan):
    logins = [person.login for person in plan.people]
    assert len(set(logins)) == len(logins)
    for person in plan.people:
        assert not person.manager or person.manager in logins
        assert set(person.boards) <= set(people.BOARDS)
        assert not person.boards or "distribution_core.group_approver" in person.roles
    assert {board for person in plan.people for board in person.boards} == set(people.BOARDS)


def test_duties_are_apart(plan):
    for person in plan.people:
        writes = "distribution_core.group_policy_author" in person.roles
        publishes = "distribution_core.group_policy_publisher" in person.roles
        buys = "purchase.group_purchase_user" in person.roles
        approves = "distribution_core.group_approver" in person.roles
        assert writes + publishes + buys + approves <= 1, person.login


def test_every_stage_that_a_rule_asks_is_an_approval_group(plan):
    for rule in plan.rules:
        assert {who for _number, who in rule.stages} <= set(people.BOARDS)


def test_history_lies_before_governance(plan):
    days = max(policy.SETTINGS["spend_window_days"], 1)
    assert min(purchase.ordered for purchase in plan.purchases) > story.GOVERNED_SINCE
    assert min(purchase.ordered for purchase in plan.purchases) - days > max(order.day for order in plan.story) - days
    for purchase in plan.purchases:
        assert purchase.arrived is None or 1 <= purchase.arrived < purchase.ordered
        assert purchase.billed is None or purchase.billed < purchase.arrived


def test_history_has_every_fault(plan):
    found = {purchase.fault for purchase in plan.purchases}
    assert found >= {"", "late", "short", "over", "wrong_price", "missing"}


def test_stock_lasts_for_the_sales(plan):
    left = {site: dict(quantities) for site, quantities in plan.stock.items()}
    for sale in plan.sales:
        if sale.state in ("delivered", "invoiced"):
            for line in sale.lines:
                left[sale.site][line.product] -= line.quantity
    assert min(quantity for quantities in left.values() for quantity in quantities.values()) >= 0


def test_steps_follow_each_other(plan):
    for order in plan.story:
        times = [(-step.day, step.hour) for step in order.steps if step.day]
        assert times == sorted(times), order.key
        assert all(step.day <= order.day for step in order.steps), order.key
        assert order.day < story.GOVERNED_SINCE, order.key


def test_every_story_order_has_its_own_key(plan):
    keys = [order.key for order in plan.story]
    assert len(set(keys)) == len(keys)


def test_values_lie_on_their_side_of_the_limits(plan):
    for order in plan.story:
        value = value_of(order)
        if order.key.startswith(("SECOND", "TOUR", "RELEASED-1")):
            assert value > policy.BOARD_LIMIT, order.key
        if order.key.startswith(("PASS", "SPLIT", "VOID")):
            assert value <= policy.PASS_LIMIT, order.key
        if order.key.startswith("HANDED"):
            assert policy.PASS_LIMIT < value <= policy.BOARD_LIMIT, order.key


def test_the_tour_order_is_worth_showing(plan):
    tour = next(order for order in plan.story if order.key == story.TOUR)
    assert worth(tour.lines) > 30000 and tour.buyer == "buyer" and not tour.steps
    book = PriceBook(plan.products, plan.contracts)
    for line in tour.lines:
        assert line.price == book.price(tour.vendor, line.product, line.quantity)


def test_small_orders_add_up_to_more_than_the_window(plan):
    small = [value_of(order) for order in plan.story if order.key.startswith("SPLIT")]
    assert sum(small[:-1]) <= policy.WINDOW_LIMIT < sum(small)
