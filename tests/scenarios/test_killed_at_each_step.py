"""The server is killed at each step of what comes in and what goes out.

A truck of another system calls (receive, apply, answer), and a third system hears of it (queue, claim, send, mark).
Each time a lock, or a peer that takes its time, holds one step in and one step out just before their end; then comes
`kill -9`. After the restart the caller, who does not know what became of the call, makes it again. In the end every
event has arrived, with the id that it had, and every call was applied exactly once.

The kill while the other side has a delivery in its hands is in ``test_webhooks.py``.
"""

import json
import socket
import threading
from contextlib import contextmanager

import pytest
import rules_in_force as rules
from api_client import BASE, event, give_key
from other_system import subscribe, waits_for

pytestmark = pytest.mark.cron

TRUCK = "acme.truck.arrived.v1"
LEASES = "UPDATE distribution_webhook_delivery SET lease_until = '2000-01-01' WHERE state = 'sending'"
OPEN = "SELECT state, event_type, attempts, last_error FROM distribution_webhook_delivery WHERE state <> 'delivered'"


class Desk:
    """The caller's side: makes calls, and makes those again of which it heard nothing."""

    def __init__(self, shop, customer, product):
        self.shop, self.customer, self.product = shop, customer, product
        self.answers, self.calls = {}, {}

    def truck(self, number):
        return self._call(f"truck-{number}", "external-events", event(number))

    def order(self, number):
        line = {"product": {"id": self.product}, "quantity": 1}
        body = {"channel": "killed", "reference": number, "customer": self.customer, "lines": [line]}
        return self._call(f"order-{number}", "customer-orders", body)

    def _call(self, key, operation, body):
        self.calls[key] = operation, body
        try:
            answer = self.shop.post(operation, body, headers={"Idempotency-Key": key})
        except OSError:
            return None
        assert answer.status_code == 200, answer.text
        assert self.answers.setdefault(key, answer.json()) == answer.json(), "what was answered once holds"
        return answer

    def in_background(self, call, number):
        thread = threading.Thread(target=call, args=(number,), daemon=True)
        thread.start()
        return thread

    def sends_and_does_not_listen(self, number):
        """The call arrives; its answer is never read."""
        line = {"product": {"id": self.product}, "quantity": 1}
        body = {"channel": "killed", "reference": number, "customer": self.customer, "lines": [line]}
        self.calls[f"order-{number}"] = "customer-orders", body
        content = json.dumps(body).encode()
        host, _colon, port = self.shop.url.rpartition("/")[2].partition(":")
        connection = socket.create_connection((host, int(port)))
        head = [
            f"POST {BASE}/customer-orders HTTP/1.1",
            f"Host: {host}:{port}",
            f"Authorization: Bearer {self.shop.text}",
            f"Idempotency-Key: order-{number}",
            "Content-Type: application/json",
            f"Content-Length: {len(content)}",
        ]
        connection.sendall("\r\n".join([*head, "", ""]).encode() + content)
        return connection

    def calls_again(self):
        for key, (operation, body) in self.calls.items():
            assert self._call(key, operation, body) is not None


@pytest.fixture
def desk(rpc, server, sql):
    rules.give_role(rpc, "integration", "sales_team.group_sale_salesman_all_leads")
    shop = give_key(rpc, server.url, ("external-events", "customer-orders"), name="Trucks")
    sql("UPDATE res_partner SET ref = 'C-7007' WHERE email = 'customer_07@example.com'")
    ((product,),) = sql(
        """SELECT product.id FROM product_product product
             JOIN product_template template ON template.id = product.product_tmpl_id
            WHERE template.sale_ok AND template.active AND product.active ORDER BY product.id LIMIT 1"""
    )
    return Desk(shop, {"ref": "C-7007"}, product)


@pytest.fixture
def held(second_connection):
    """``with held("LOCK …"):`` somebody else holds this meanwhile."""

    @contextmanager
    def hold(*statements):
        connection = second_connection()
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            try:
                yield
            finally:
                connection.rollback()

    return hold


def test_killed_at_each_step(desk, held, rpc, sql, server, other_system):
    subscribe(rpc, other_system, "acme.*\ndistribution.api_call.taken.v1")
    ((job,),) = sql(
        "SELECT res_id FROM ir_model_data WHERE module = 'distribution_core' AND name = 'ir_cron_webhook_drain'"
    )

    def stuck(words):
        found = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ILIKE %s"
        return waits_for(lambda: sql(found, (f"%{words}%",))[0][0])

    def states(number):
        return sql(
            """SELECT delivery.state FROM distribution_webhook_delivery delivery
                 JOIN distribution_event event ON event.id = delivery.event_id
                WHERE event.type = %s AND event.data LIKE %s""",
            (TRUCK, f'%"id":"{number}"%'),
        )

    def all_is_sent():
        server.wake_scheduler()
        return not sql(OPEN)

    def restart():
        sql(LEASES)  # the leases of who died run out; time is not waited for, but moved
        server.restart()
        desk.calls_again()
        assert waits_for(all_is_sent), sql(OPEN)

    # 1. Out: queued, and no drain has begun. In: received, and nothing of it is written yet.
    with held(f"SELECT FROM ir_cron WHERE id = {job} FOR NO KEY UPDATE"):
        desk.truck("queued")
        with held("LOCK TABLE distribution_api_call IN EXCLUSIVE MODE"):
            call = desk.in_background(desk.truck, "received")
            assert stuck("INSERT INTO distribution_api_call")
            assert (states("queued"), states("received"), other_system.arrived) == ([("pending",)], [], [])
            server.kill9()
    call.join(30)
    assert "truck-received" not in desk.answers
    restart()
    assert [states(number) for number in ("queued", "received")] == [[("delivered",)]] * 2

    # 2. Out: claimed, and nothing is sent yet. In: half applied – the order is written, its lines are not.
    #    (In first: what is sent is waited for a quarter of a minute only.)
    with held("LOCK TABLE sale_order_line IN EXCLUSIVE MODE"):
        call = desk.in_background(desk.order, "applied")
        assert stuck("sale_order_line")
        other_system.takes_no_calls()
        desk.truck("claimed")
        assert waits_for(lambda: states("claimed") == [("sending",)])
        server.kill9()
    call.join(30)
    assert "order-applied" not in desk.answers
    assert sql("SELECT count(*) FROM sale_order WHERE channel_reference = 'applied'") == [(0,)], "all or nothing"
    uid = sql("SELECT uid FROM distribution_event WHERE data LIKE %s AND type = %s", ('%"id":"claimed"%', TRUCK))[0][0]
    assert uid not in other_system.ids()
    other_system.takes_calls()
    restart()
    assert other_system.ids().count(uid) == 1

    # 3. Out: it arrived, and that is not marked yet. In: applied and committed, and nobody heard the answer.
    other_system.reached.clear()
    other_system.hold.clear()
    desk.truck("marked")
    assert other_system.reached.wait(90)
    with held("SELECT FROM distribution_webhook_delivery WHERE state = 'sending' FOR UPDATE"):
        other_system.hold.set()
        assert stuck("UPDATE distribution_webhook_delivery")
        connection = desk.sends_and_does_not_listen("answered")
        done = "SELECT state FROM distribution_api_call WHERE idempotency_key = 'order-answered'"
        assert waits_for(lambda: sql(done) == [("applied",)])
        server.kill9()
    connection.close()
    uid = sql("SELECT uid FROM distribution_event WHERE data LIKE %s AND type = %s", ('%"id":"marked"%', TRUCK))[0][0]
    assert (other_system.ids().count(uid), states("marked")) == (1, [("sending",)])
    restart()
    assert other_system.ids().count(uid) == 2, "sent again, for nobody knew; with the same id"

    # Each event has arrived, under its own id and no other; each call was applied once.
    recorded = sql("SELECT uid FROM distribution_event WHERE type LIKE 'acme.%%' OR type LIKE '%%api_call.taken.v1'")
    assert set(other_system.ids()) == {uid for (uid,) in recorded}
    trucks = sql("SELECT data FROM distribution_event WHERE type = %s", (TRUCK,))
    assert sorted(json.loads(data)["id"] for (data,) in trucks) == ["claimed", "marked", "queued", "received"]
    orders = sql(
        """SELECT sale.channel_reference, count(line.id) FROM sale_order sale
             JOIN sale_order_line line ON line.order_id = sale.id
            WHERE sale.order_channel = 'killed' GROUP BY sale.id ORDER BY 1"""
    )
    assert orders == [("answered", 1), ("applied", 1)]
    assert sql("SELECT count(*) FROM distribution_api_call WHERE idempotency_key IS NOT NULL") == [(6,)]
    assert sql("SELECT count(*) FROM distribution_api_call WHERE state <> 'applied'") == [(0,)]
