"""A vendor from first contact to blocked.

Clara finds a vendor, compliance approves it and its place on the list of what it may supply, it delivers; then vendor
governance loses its trust in two steps: a higher risk, and in the end a block. From then on nothing is ordered there,
whichever way somebody tries.
"""

import base64
import time
from contextlib import suppress
from datetime import date, timedelta
from xmlrpc.client import Fault

from over_the_wire import contract_goods, refused

ORDER = "purchase.order"
LIST, ENTRY = "distribution.vendor.list", "distribution.vendor.list.entry"
ONBOARDING = "distribution.vendor.onboarding"
REQUISITION = "distribution.purchase.requisition"
TASK = "distribution.approval.task"


def paper(kind):
    content = base64.b64encode(f"{kind}\n".encode()).decode()
    return (0, 0, {"kind": kind, "reference": kind, "filename": f"{kind}.txt", "content": content})


def reached(client, model, record, field, value, seconds=30):
    """A decision commits first; what follows runs in a transaction of its own."""
    deadline = time.monotonic() + seconds
    while (found := client(model, "read", [record], fields=[field])[0][field]) != value:
        assert time.monotonic() < deadline, f"{field} is {found}, not {value}"
        time.sleep(0.3)


def test_a_vendor_from_first_contact_to_blocked(rpc):
    buyer, compliance = rpc("buyer"), rpc("compliance_officer")
    goods = contract_goods(buyer)
    (product,) = buyer("product.product", "read", [goods["product"]], ["product_tmpl_id"])

    # First contact: a name, and no orders yet.
    vendor = compliance(
        "res.partner", "create", {"name": "Ostrander Fasteners", "is_company": True, "supplier_rank": 1}
    )
    (found,) = buyer("res.partner", "read", [vendor], ["vendor_status", "vendor_risk_tier"])
    assert (found["vendor_status"], found["vendor_risk_tier"]) == ("new", "medium")

    def draft(partner=vendor):
        line = {"product_id": goods["product"], "product_qty": 10, "price_unit": goods["price"]}
        return buyer(ORDER, "create", {"partner_id": partner, "order_line": [(0, 0, line)]})

    def state(order):
        return buyer(ORDER, "read", [order], ["state"])[0]["state"]

    early = draft()
    assert "not an approved vendor yet" in refused(buyer, ORDER, "button_confirm", [early])
    refused(buyer, "res.partner", "write", [vendor], {"vendor_status": "approved"})

    # The buyer proposes it for the list of who may supply the product; only who is onboarded has a place there.
    the_list = compliance(LIST, "create", {"product_tmpl_id": product["product_tmpl_id"][0]})
    entry = buyer(ENTRY, "create", {"list_id": the_list, "partner_id": vendor, "reason": "Samples were good"})
    assert "onboard" in refused(compliance, ENTRY, "action_approve", [entry])

    # Onboarding with its papers; compliance decides, for much is to be spent.
    onboarding = buyer(
        ONBOARDING,
        "create",
        {"partner_id": vendor, "amount": 12000, "document_ids": [paper("registration"), paper("tax")]},
    )
    buyer(ONBOARDING, "action_submit", [onboarding])
    (task,) = compliance(
        TASK,
        "search_read",
        [("request_id.res_model", "=", ONBOARDING), ("request_id.res_id", "=", onboarding), ("state", "=", "open")],
        fields=["digest"],
    )
    assert compliance(TASK, "action_decide", [task["id"]], "approve", task["digest"]) is True
    reached(buyer, "res.partner", vendor, "vendor_status", "approved")

    # On the list: by somebody else than who proposed it.
    refused(buyer, ENTRY, "action_approve", [entry])
    compliance(ENTRY, "action_approve", [entry])
    compliance(LIST, "action_activate", [the_list])
    refused(buyer, LIST, "write", [the_list], {"warehouse_id": 1})

    # It has no contract price yet, so the category manager is asked about the first order.
    buyer(ORDER, "button_confirm", [early])
    assert state(early) == "to approve"
    category = rpc("category_manager")
    (task,) = category(
        TASK,
        "search_read",
        [("request_id.res_model", "=", ORDER), ("request_id.res_id", "=", early), ("state", "=", "open")],
        fields=["digest"],
        limit=1,
    )
    category(TASK, "action_decide", [task["id"]], "approve", task["digest"])
    reached(buyer, ORDER, early, "state", "purchase")

    # Trust goes: a higher risk by hand; buyers do not say what it is.
    refused(buyer, "res.partner", "write", [vendor], {"vendor_risk_tier": "high"})
    compliance("res.partner", "write", [vendor], {"vendor_risk_tier": "high"})
    assert compliance("res.partner", "read", [vendor], ["vendor_risk_tier"])[0]["vendor_risk_tier"] == "high"

    # A requisition and drafts from before, and then the block.
    need = buyer(
        REQUISITION,
        "create",
        {
            "justification": "The shelf is empty",
            "needed_by": str(date.today() + timedelta(days=9)),
            "line_ids": [(0, 0, {"product_id": goods["product"], "quantity": 5, "price_unit": goods["price"]})],
        },
    )
    buyer(REQUISITION, "action_submit", [need])
    waiting = draft()
    compliance("res.partner", "write", [vendor], {"vendor_status": "blocked"})
    auditor = rpc("auditor")
    facts = auditor(
        "distribution.event",
        "search_read",
        [("res_model", "=", "res.partner"), ("res_id", "=", vendor)],
        fields=["type"],
        order="id",
    )
    assert [fact["type"] for fact in facts][-1] == "distribution.vendor.status_changed.v1"

    # Blocked is blocked: the button, the second signature, the state written by any programme, an order that says it is
    # confirmed already, a contact of the vendor, a requisition, the list.
    contact = compliance("res.partner", "create", {"name": "Sales desk", "parent_id": vendor})
    to_contact = draft(partner=contact)
    attempts = [
        ("button_confirm", [waiting]),
        ("button_approve", [waiting]),
        ("write", [waiting], {"state": "purchase"}),
        ("write", [early, waiting], {"state": "purchase"}),
        ("button_confirm", [to_contact]),
        ("create", {"partner_id": vendor, "state": "purchase"}),
        ("create", {"partner_id": contact, "state": "purchase"}),
    ]
    for client in (buyer, rpc("purchasing_manager"), rpc("admin")):
        for attempt in attempts:
            with suppress(Fault):  # some are refused with words, some leave the order where it is
                client(ORDER, *attempt)
        with suppress(Fault):
            client(ORDER, "create", {"partner_id": vendor}, context={"default_state": "purchase"})
        in_force = [("partner_id", "child_of", vendor), ("state", "in", ("purchase", "done")), ("id", "!=", early)]
        assert client(ORDER, "search", in_force) == []
    assert "blocked" in refused(rpc("admin"), ORDER, "write", [waiting], {"state": "purchase"}).lower()
    action = buyer(REQUISITION, "action_order", [need])
    rows = buyer("distribution.requisition.order.line", "search", [("order_id", "=", action["res_id"])])
    buyer("distribution.requisition.order.line", "write", rows, {"way": "buy", "vendor_id": vendor})
    assert "blocked" in refused(buyer, action["res_model"], "action_confirm", [action["res_id"]])
    again = rpc("purchasing_manager")(ENTRY, "create", {"list_id": the_list, "partner_id": vendor})
    assert "onboard" in refused(compliance, ENTRY, "action_approve", [again])

    # What was ordered before still comes.
    assert state(early) == "purchase"
