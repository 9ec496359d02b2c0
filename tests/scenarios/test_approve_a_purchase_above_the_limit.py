"""Approve a purchase above the limit – in the web client.

The buyer confirms an order over 30,000 and sees it held. The purchasing manager decides, then the
finance controller and the operations manager, side by side. The order is released, its receipt
appears, and the auditor reads who decided what, when and under which rule.
"""

import time

from web_client import INBOX, PURCHASE_ORDERS


def wait_until_released(rpc, order_id):
    """The decision commits first; the release follows in a transaction of its own."""
    for _attempt in range(60):
        (order,) = rpc("buyer")("purchase.order", "read", [order_id], fields=["state", "approval_state"])
        if order["state"] in ("purchase", "done"):
            return order
        time.sleep(0.5)
    raise AssertionError(f"not released: {order}")


def test_approve_a_purchase_above_the_limit(person, rpc, tour_order, phone, pictures):
    name, order_id = tour_order["name"], tour_order["id"]
    assert tour_order["amount_untaxed"] > 30000
    assert tour_order["state"] == "draft"

    # The buyer confirms the order. Nothing breaks: it is held, and the screen says by whom and why.
    buyer = person("buyer")
    buyer.opens(PURCHASE_ORDERS).opens_record("purchase.order", order_id)
    buyer.presses("button_confirm")
    buyer.page.wait_for_selector(".o_approval_banner >> visible=true")
    banner = buyer.reads(".o_approval_banner >> visible=true")
    assert "Waiting for" in banner
    assert "rule" in banner
    assert "25,000" in buyer.presses("action_approval_open").reads()
    buyer.takes_picture(pictures, "request-of-the-buyer")

    # No receipt yet.
    pickings = rpc("warehouse_manager")("stock.picking", "search_count", [("origin", "=", name)])
    assert pickings == 0

    # The purchasing manager finds it in the inbox, sees the context, and approves in two clicks.
    manager = person("purchasing_manager")
    manager.opens(INBOX).opens_row(name)
    context = manager.reads()
    for words in ("What is asked", "Vendor and prices", "Why you are asked", "Decided so far"):
        assert words.lower() in context.lower()
    manager.takes_picture(pictures, "task-of-the-purchasing-manager")
    manager.presses("action_approve")

    # Finance decides on a phone; operations at a desk. Both were asked at the same time.
    finance = person("finance_controller", size=phone)
    finance.opens(INBOX).opens_row(name).takes_picture(pictures, "task-on-a-phone").presses("action_approve")
    (order,) = rpc("buyer")("purchase.order", "read", [order_id], fields=["state"])
    assert order["state"] == "to approve"
    person("operations_manager").opens(INBOX).opens_row(name).presses("action_approve")

    # The order is released, and its receipt is there.
    wait_until_released(rpc, order_id)
    assert rpc("warehouse_manager")("stock.picking", "search_count", [("origin", "=", name)]) == 1
    buyer.opens_record("purchase.order", order_id).sees("Purchase Order")
    assert buyer.page.locator(".o_approval_banner >> visible=true").count() == 0

    # The auditor reads who decided what, when and under which rule.
    auditor = person("auditor")
    requests = rpc("auditor")(
        "distribution.approval.request", "search_read", [("document_name", "=", name)], fields=["state", "resume_state"]
    )
    assert [(r["state"], r["resume_state"]) for r in requests] == [("approved", "done")]
    auditor.opens_record("distribution.approval.request", requests[0]["id"])
    story = auditor.reads()
    assert story.count("Approved") >= 3
    assert "Rule" in story
    auditor.takes_picture(pictures, "request-of-the-auditor")

    events = rpc("auditor")(
        "distribution.event",
        "search_read",
        [("res_model", "=", "purchase.order"), ("res_id", "=", order_id)],
        fields=["type", "user_ref"],
        order="id",
    )
    kinds = [event["type"].split(".")[2] for event in events]
    assert kinds[0] == "approval_requested"
    assert kinds.count("decision_recorded") == 3
    assert kinds[-2:] == ["approved", "released"]
    assert len({event["user_ref"] for event in events if "decision_recorded" in event["type"]}) == 3
