"""An integrator's afternoon: a shop, a vendor and a carrier begin to talk to the suite.

She gets a key, makes a first call, lets the shop order, polls what happened, and sees that nothing is done
twice and nothing is lost – also when the server dies in the middle.
"""

import itertools
import threading
import time

import pytest
import rules_in_force as rules
from api_client import CALL, KEY, System, event, give_key, problem
from other_system import waits_for
from web_client import Person

KEYS = "distribution_core.distribution_api_key_action"
INBOX = "distribution_core.distribution_api_call_action"
OPERATIONS = ("external-events", "customer-orders", "carrier-statuses", "events", "event-types")


@pytest.fixture(scope="module")
def shop(rpc, server):
    for role in ("sales_team.group_sale_salesman_all_leads", "stock.group_stock_user"):
        rules.give_role(rpc, "integration", role)
    return give_key(rpc, server.url, OPERATIONS, name="Web shop")


@pytest.fixture
def customer(sql):
    """Internal reference of a customer who has one from now on."""
    ((number,),) = sql("SELECT id FROM res_partner WHERE email = 'customer_05@example.com'")
    sql("UPDATE res_partner SET ref = 'C-5005' WHERE id = %s", (number,))
    return {"ref": "C-5005"}


@pytest.fixture
def product(sql):
    ((number,),) = sql(
        """SELECT product.id FROM product_product product
             JOIN product_template template ON template.id = product.product_tmpl_id
            WHERE template.sale_ok AND template.active AND product.active ORDER BY product.id LIMIT 1"""
    )
    return {"id": number}


def test_a_key_is_made_and_shown_once(rpc, server, browser_page):
    admin = rpc("admin")
    key = admin(
        KEY,
        "create",
        {
            "name": "First steps",
            "user_id": rpc("integration").uid,
            "operation_ids": [
                (6, 0, admin("distribution.api.operation", "search", [("name", "=", "external-events")]))
            ],
            "namespace": "acme",
        },
    )
    person = Person(browser_page("admin"), "admin")
    person.opens(KEYS).opens_row("First steps").presses("action_issue")
    text = person.copies_secret(r"dk_[a-z0-9]{8}_[A-Za-z0-9]{40}")
    person.opens_record(KEY, key[0] if isinstance(key, list) else key)
    assert text not in person.page.content()
    assert text[:11] in person.page.content(), "its prefix names it"

    # The first call: an event of her system, and she sees in the inbox that it came.
    system = System(server.url, text)
    problem(system.get("events"), 403, "scope-missing")
    answer = system.post("external-events", event("first"))
    assert answer.status_code == 200, answer.text
    assert system.post("external-events", event("first")).json() == answer.json()
    (recorded,) = rpc("auditor")(
        "distribution.event",
        "search_read",
        [("uid", "=", answer.json()["result"]["event_id"])],
        fields=["type", "user_ref"],
    )
    assert (recorded["type"], recorded["user_ref"]) == ("acme.truck.arrived.v1", rpc("integration").uid)
    operations = Person(browser_page("operations_manager"), "operations_manager")
    operations.opens_record(CALL, answer.json()["call_id"])
    operations.sees("external-events")
    assert "gate" in operations.reads()


def test_the_shop_orders(shop, rpc, sql, customer, product):
    order = {
        "channel": "shop",
        "reference": "W-1001",
        "customer": customer,
        "lines": [{"product": product, "quantity": 3}],
    }
    placed = shop.post("customer-orders", order)
    assert placed.status_code == 200, placed.text
    number = placed.json()["result"]["order_id"]
    (quotation,) = rpc("sales_manager")("sale.order", "read", [number], fields=["state", "client_order_ref"])
    assert (quotation["state"], quotation["client_order_ref"]) == ("draft", "W-1001")

    # The shop is not sure, and sends it again; then somebody changes the basket behind its back.
    assert shop.post("customer-orders", order).json()["result"]["order_id"] == number
    changed = {**order, "lines": [{"product": product, "quantity": 30}]}
    problem(shop.post("customer-orders", changed), 409, "conflict")
    assert sql("SELECT product_uom_qty::int FROM sale_order_line WHERE order_id = %s", (number,)) == [(3,)]

    # A product that nobody knows: a clear no – or a person, when she asks for that.
    unknown = {**order, "reference": "W-1002", "lines": [{"product": {"code": "NONE"}, "quantity": 1}]}
    refusal = problem(shop.post("customer-orders", unknown), 422, "not-applicable")
    assert refusal["errors"][0]["pointer"] == "/lines/0/product/code"
    taken = shop.post("customer-orders", {**unknown, "accept_as_case": True})
    assert taken.status_code == 202, taken.text
    case = taken.json()["case_id"]
    operations = rpc("operations_manager")
    assert "unknown here" in operations("distribution.case", "read", [case], fields=["description"])[0]["description"]
    sql(
        """UPDATE product_product SET default_code = 'NONE' WHERE id = %s""",
        (product["id"],),
    )
    operations(CALL, "action_apply", [taken.json()["call_id"]])
    assert shop.get(f"calls/{taken.json()['call_id']}").json()["state"] == "applied"
    assert sql("SELECT state FROM distribution_case WHERE id = %s", (case,)) == [("resolved",)]


def test_a_carrier_tells_of_a_delivery_that_nobody_knows_yet(shop, rpc, sql, browser_page):
    told = {"carrier": "Speedy", "tracking_reference": "1Z-STORY", "status": "delayed"}
    answer = shop.post("carrier-statuses", {**told, "occurred_at": "2026-11-20T09:30:00Z"})
    assert answer.status_code == 202, answer.text
    assert shop.get(f"calls/{answer.json()['call_id']}").json()["state"] == "waiting"
    operations = Person(browser_page("operations_manager"), "operations_manager")
    operations.opens(INBOX).sees("carrier-statuses")

    # The warehouse notes the reference of the parcel; operations has the message applied.
    ((delivery, name),) = sql(
        """SELECT picking.id, picking.name FROM stock_picking picking
             JOIN stock_picking_type kind ON kind.id = picking.picking_type_id
            WHERE kind.code = 'outgoing' AND picking.state = 'done' AND picking.carrier_status IS NULL LIMIT 1"""
    )
    rpc("warehouse_manager")("stock.picking", "write", [delivery], {"carrier_tracking_ref": "1Z-STORY"})
    rpc("operations_manager")(CALL, "action_apply", [answer.json()["call_id"]])
    assert sql("SELECT carrier_status FROM stock_picking WHERE id = %s", (delivery,)) == [("delayed",)]
    operations.opens_record("distribution.case", sql("SELECT max(id) FROM distribution_case")[0][0])
    operations.sees(f"{name} is late at the carrier")

    # What the carrier told before comes after it, and twice: it is where it is.
    earlier = {**told, "status": "picked_up", "occurred_at": "2026-11-19T16:00:00Z"}
    answers = [shop.post("carrier-statuses", earlier).json()["result"] for _time in range(2)]
    assert [(one["status"], one["is_new"]) for one in answers] == [("delayed", True), ("delayed", False)]
    arrived = {**told, "status": "delivered", "occurred_at": "2026-11-20T18:00:00Z"}
    assert shop.post("carrier-statuses", arrived).json()["result"]["status"] == "delivered"
    assert sql(
        """SELECT DISTINCT state FROM distribution_case
            WHERE res_model = 'stock.picking' AND res_id = %s AND dedup_key LIKE 'carrier_delay:%%'""",
        (delivery,),
    ) == [("resolved",)]


def test_polling(shop):
    types = {one["type"] for one in shop.get("event-types").json()["event_types"]}
    assert "distribution.purchase_order.approved.v1" in types
    marker = shop.post("external-events", event("poll")).json()["result"]["event_id"]
    seen, cursor, pages = [], None, 0
    until = time.monotonic() + 60
    while marker not in seen and time.monotonic() < until:
        page = shop.get("events?limit=500" + (f"&cursor={cursor}" if cursor else "")).json()
        seen += [one["id"] for one in page["events"]]
        cursor, pages = page["cursor"], pages + 1
        if not page["has_more"]:
            time.sleep(0.5)
    assert marker in seen
    assert len(seen) == len(set(seen)), "an event comes once"


def test_the_server_dies_in_the_middle(shop, server, sql, customer, product):
    """Calls are cut off by kill -9, and sent again with the same keys: each is applied exactly once."""

    def order(number):
        return {
            "channel": "crash",
            "reference": f"K-{number}",
            "customer": customer,
            "lines": [{"product": product, "quantity": 1}],
        }

    answers, numbers = {}, itertools.count()

    def sends():
        """One order after the other, until nobody answers any more."""
        for number in numbers:
            try:
                answers[number] = shop.post(
                    "customer-orders", order(number), headers={"Idempotency-Key": f"crash-{number}"}
                )
            except OSError:
                answers[number] = None
                return

    threads = [threading.Thread(target=sends, daemon=True) for _number in range(4)]
    for thread in threads:
        thread.start()
    assert waits_for(lambda: len(answers) >= 4)
    server.kill9()
    for thread in threads:
        thread.join(90)
    told = {number: answer.json() for number, answer in answers.items() if answer is not None}
    assert len(answers) - len(told) == len(threads), "each was cut off once"
    server.restart()
    for number in sorted(answers):
        again = shop.post("customer-orders", order(number), headers={"Idempotency-Key": f"crash-{number}"})
        assert again.status_code == 200, again.text
        assert told.setdefault(number, again.json()) == again.json(), "what was answered before the kill holds"
    assert sql("SELECT count(*), count(DISTINCT channel_reference) FROM sale_order WHERE order_channel = 'crash'") == [
        (len(answers), len(answers))
    ]
