"""An approver asks, sends back, rejects; a requester answers, changes, withdraws – in the web client."""

from web_client import INBOX


def new_order(rpc, quantity):
    """An RFQ by the buyer that needs the purchasing manager, copied from the order of the tour."""
    buyer = rpc("buyer")
    (tour,) = buyer("purchase.order", "search", [("origin", "=", "TOUR")])
    copied = buyer("purchase.order", "copy", [tour])
    order_id = copied[0] if isinstance(copied, list) else copied
    lines = buyer("purchase.order.line", "search", [("order_id", "=", order_id)])
    buyer("purchase.order.line", "unlink", lines[1:])
    buyer("purchase.order.line", "write", lines[:1], {"product_qty": quantity})
    (order,) = buyer("purchase.order", "read", [order_id], fields=["name", "amount_untaxed"])
    return order


def approval_state(rpc, order):
    return rpc("buyer")("purchase.order", "read", [order["id"]], fields=["approval_state"])[0]["approval_state"]


def order_above(rpc, amount):
    """Just above ``amount``, whatever the contract price of the tour's first line."""
    probe = new_order(rpc, 1)
    price = probe["amount_untaxed"]
    return new_order(rpc, int(amount / price) + 1)


def test_a_question_is_asked_and_answered(person, rpc, pictures):
    order = order_above(rpc, 3000)
    rpc("buyer")("purchase.order", "button_confirm", [order["id"]])

    manager = person("purchasing_manager")
    manager.opens(INBOX).opens_row(order["name"]).presses("action_open_ask")
    manager.fills("question", "Why now and not next month?")
    manager.page.click(".modal-footer button[name=action_confirm]")
    manager.settles()
    assert approval_state(rpc, order) == "question"

    buyer = person("buyer")
    buyer.opens_record("purchase.order", order["id"]).presses("action_approval_open")
    buyer.sees("Why now and not next month?").presses("action_answer")
    buyer.fills("answer", "The price goes up in December.")
    buyer.page.click(".modal-footer button[name=action_confirm]")
    buyer.settles()
    assert approval_state(rpc, order) == "pending"
    manager.opens(INBOX).opens_row(order["name"]).sees("The price goes up in December.")


def test_a_revision_is_requested_made_and_approved(person, rpc):
    order = order_above(rpc, 3000)
    rpc("buyer")("purchase.order", "button_confirm", [order["id"]])
    manager = person("purchasing_manager")
    manager.opens(INBOX).opens_row(order["name"])
    manager.page.click("button:has-text('Request Revision') >> visible=true")
    manager.settles().fills("comment", "Half of it is enough")
    manager.page.click(".modal-footer button[name=action_confirm]")
    manager.settles()
    assert approval_state(rpc, order) == "revision"

    # The order is the buyer's again: change it and confirm. It passes the policy now.
    buyer = rpc("buyer")
    (line,) = buyer("purchase.order.line", "search", [("order_id", "=", order["id"])])
    (quantity,) = buyer("purchase.order.line", "read", [line], fields=["product_qty"])
    buyer("purchase.order.line", "write", [line], {"product_qty": max(1, quantity["product_qty"] // 3)})
    person("buyer").opens_record("purchase.order", order["id"]).presses("button_confirm")
    assert approval_state(rpc, order) in ("approved", "released", "passed")


def test_a_rejection_gives_a_reason(person, rpc):
    order = order_above(rpc, 3000)
    rpc("buyer")("purchase.order", "button_confirm", [order["id"]])
    manager = person("purchasing_manager")
    manager.opens(INBOX).opens_row(order["name"])
    manager.page.click("button:has-text('Reject') >> visible=true")
    manager.settles().chooses("reason_id", "Not needed").fills("comment", "We have enough of these")
    manager.page.click(".modal-footer button[name=action_confirm]")
    manager.settles()
    buyer = person("buyer").opens_record("purchase.order", order["id"])
    assert "We have enough of these" in buyer.reads(".o_approval_banner >> visible=true")


def test_a_requester_withdraws(person, rpc):
    order = order_above(rpc, 3000)
    rpc("buyer")("purchase.order", "button_confirm", [order["id"]])
    buyer = person("buyer").opens_record("purchase.order", order["id"])
    buyer.page.click("button[name=action_approval_withdraw] >> visible=true")
    buyer.page.click(".modal-footer .btn-primary")
    buyer.settles()
    assert approval_state(rpc, order) == "withdrawn"
    buyer.page.wait_for_selector("button[name=button_confirm] >> visible=true")


def test_an_amendment_is_proposed_from_the_refused_change(person, rpc, pictures):
    order = order_above(rpc, 500)
    buyer_rpc = rpc("buyer")
    buyer_rpc("purchase.order", "button_confirm", [order["id"]])
    assert approval_state(rpc, order) == "passed"

    buyer = person("buyer").opens_record("purchase.order", order["id"])
    buyer.page.click(".o_data_row td[name=product_qty]")
    buyer.page.keyboard.press("Control+a")
    buyer.page.keyboard.type("900")
    buyer.page.keyboard.press("Tab")
    buyer.page.click(".o_form_button_save")
    buyer.page.click(".modal button:has-text('Propose Amendment')")
    buyer.page.wait_for_selector(".modal .o_field_widget[name=reason]")
    buyer.takes_picture(pictures, "amendment")
    buyer.fills("reason", "The customer doubled the order")
    buyer.page.click(".modal-footer button[name=action_confirm]")
    buyer.settles()
    requests = buyer_rpc(
        "distribution.approval.request",
        "search_read",
        [("document_name", "=", order["name"]), ("kind", "=", "amendment")],
        fields=["state"],
    )
    assert [request["state"] for request in requests] == ["pending"]
    lines = buyer_rpc("purchase.order.line", "search_read", [("order_id", "=", order["id"])], fields=["product_qty"])
    assert lines[0]["product_qty"] != 900, "the old values stay in force until the amendment is approved"


def test_an_approver_opens_the_order_and_no_other(person, rpc):
    """Finance has no purchase application; it opens what it must judge, and nothing else."""
    compliance = rpc("compliance_officer")
    asked = compliance(
        "distribution.approval.task",
        "search_read",
        [("user_ids", "in", [compliance.uid]), ("document_type", "=", "purchase_order")],
        fields=["document_name"],
    )
    names = {task["document_name"] for task in asked}
    assert names
    seen = compliance("purchase.order", "search_read", [], fields=["name"])
    assert {order["name"] for order in seen} == names
    officer = person("compliance_officer").opens_record("purchase.order", seen[0]["id"])
    assert seen[0]["name"] in officer.reads()
