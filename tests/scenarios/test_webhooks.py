"""An integrator connects another system to what happens here.

She names her address and the events that she wants, copies the secret that is shown once, and from
then on hears of each – signed, soon after it happened, and also when this server died in between.
"""

import json

import pytest
from other_system import waits_for
from standardwebhooks.webhooks import Webhook
from web_client import Person

pytestmark = pytest.mark.cron

SUBSCRIPTIONS = "distribution_core.distribution_webhook_subscription_action"
WAITING = "SELECT id FROM distribution_webhook_delivery WHERE state IN ('pending', 'sending')"
HELD = "distribution.purchase_order.approval_requested.v1"


def test_connect_hear_and_survive(rpc, sql, server, browser_page, other_system, tour_order):
    admin = rpc("admin")
    admin(
        "ir.config_parameter",
        "set_param",
        "distribution_core.outbound_allowed_hosts",
        f"127.0.0.1:{other_system.port}",
    )
    subscription_id = admin(
        "distribution.webhook.subscription",
        "create",
        {
            "name": "The other system",
            "url": f"http://127.0.0.1:{other_system.port}/hook",
            "event_types": "distribution.purchase_order.*",
        },
    )

    # She activates it and copies the secret; nobody is shown it again.
    person = Person(browser_page("admin"), "admin")
    person.opens(SUBSCRIPTIONS).opens_row("The other system").presses("action_activate")
    secret = person.copies_secret(r"whsec_[A-Za-z0-9+/=]+")
    person.opens_record("distribution.webhook.subscription", subscription_id)
    assert "whsec_" not in person.page.content()

    # Something happens; she hears of it, and can believe it.
    order_id = tour_order["id"]
    rpc("buyer")("purchase.order", "button_confirm", [order_id])
    assert waits_for(lambda: other_system.ids(HELD)), [json.loads(body)["type"] for _h, body in other_system.arrived]
    headers, body = next(one for one in other_system.arrived if json.loads(one[1])["type"] == HELD)
    envelope = Webhook(secret).verify(body, {name.lower(): value for name, value in headers.items()})
    assert envelope["subject"] == f"purchase.order,{order_id}"
    assert envelope["specversion"] == "1.0"

    # This server is killed while the other side has the next one in its hands; she has gone home.
    person.page.close()
    assert waits_for(lambda: not sql(WAITING))
    other_system.reached.clear()
    other_system.hold.clear()
    withdrawn = "distribution.purchase_order.approval_withdrawn.v1"
    request = admin("purchase.order", "read", [order_id], fields=["approval_request_id"])[0]["approval_request_id"][0]
    rpc("buyer")("distribution.approval.request", "action_withdraw", [request])
    assert other_system.reached.wait(90)
    server.kill9()
    other_system.hold.set()
    server.restart()
    # The lease of who died runs out; meanwhile time is not waited for, but moved.
    sql("UPDATE distribution_webhook_delivery SET lease_until = now() at time zone 'utc' WHERE state = 'sending'")
    admin("distribution.webhook.subscription", "action_test", [subscription_id])  # wakes the drain
    assert waits_for(lambda: not sql(WAITING), 90)
    recorded = [
        uid
        for (uid,) in sql(
            "SELECT uid FROM distribution_event WHERE res_model = 'purchase.order' AND res_id = %s AND type = %s",
            (order_id, withdrawn),
        )
    ]
    assert recorded
    assert set(other_system.ids(withdrawn)) == set(recorded), "each arrived, with the id that it had"


def test_what_the_secret_leaves_behind(rpc, sql):
    """Neither the web client's calls, nor an export, nor the tables give a secret back."""
    admin = rpc("admin")
    assert sql("SELECT count(*) FROM distribution_webhook_secret")[0][0]
    for (stored,) in sql("SELECT ciphertext FROM distribution_webhook_secret"):
        assert not stored.startswith("whsec_")
    for model, method, arguments in (
        ("distribution.webhook.secret", "search_read", [[]]),
        ("distribution.webhook.secret", "export_data", [[1], ["ciphertext"]]),
    ):
        with pytest.raises(Exception, match="(?i)access|allowed"):
            admin(model, method, *arguments)
    (row,) = admin("distribution.webhook.subscription", "search_read", [("name", "=", "The other system")])
    assert "whsec_" not in repr(row)
