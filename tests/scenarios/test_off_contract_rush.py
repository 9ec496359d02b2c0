"""An off-contract rush order.

A salesperson needs parts by the day after tomorrow. The vendor with the contract cannot deliver in time, so the buyer
orders elsewhere – from another approved vendor, without a contract price. Nobody is asked about the need, somebody is
about the price, and the salesperson sees all the time how far it is.
"""

import time
from datetime import date, timedelta
from xmlrpc.client import Fault

import pytest
import rules_in_force as rules
from over_the_wire import LOW_RISK, contract_goods

REQUISITION = "distribution.purchase.requisition"
LINE = "distribution.purchase.requisition.line"
TASK = "distribution.approval.task"


def status_of(client, requisition):
    (line,) = client(LINE, "search_read", [("requisition_id", "=", requisition)], fields=["status", "qty_open"])
    return line["status"]


def ordering(buyer, requisition, **chosen):
    """The buyer opens what is to order, chooses, and confirms."""
    action = buyer(REQUISITION, "action_order", [requisition])
    (line,) = buyer("distribution.requisition.order.line", "search", [("order_id", "=", action["res_id"])])
    buyer("distribution.requisition.order.line", "write", [line], {"way": "buy", **chosen})
    return buyer(action["res_model"], "action_confirm", [action["res_id"]])


def test_an_off_contract_rush_order(rpc):
    rules.give_role(rpc, "sales_rep", "distribution_core.group_requester")
    seller, buyer = rpc("sales_rep"), rpc("buyer")
    goods = contract_goods(buyer, LOW_RISK)
    product = goods["product"]

    # The need.
    requisition = seller(
        REQUISITION,
        "create",
        {
            "justification": "Machine of a customer stands still",
            "priority": "1",
            "needed_by": str(date.today() + timedelta(days=2)),
            "line_ids": [(0, 0, {"product_id": product, "quantity": 20, "price_unit": 12})],
        },
    )
    seller(REQUISITION, "action_submit", [requisition])
    assert status_of(seller, requisition) == "approved"

    # The buyer does not get a blocked or new vendor past it; another approved one is fine.
    (blocked,) = buyer("res.partner", "search", [("vendor_status", "=", "blocked")], limit=1)
    with pytest.raises(Fault, match="blocked"):
        ordering(buyer, requisition, vendor_id=blocked)
    sellers = buyer(
        "product.supplierinfo",
        "search_read",
        [("product_tmpl_id.product_variant_ids", "=", product)],
        fields=["partner_id"],
    )
    (other,) = buyer(
        "res.partner",
        "search",
        [
            ("vendor_status", "=", "approved"),
            ("vendor_risk_tier", "=", "low"),
            ("supplier_rank", ">", 0),
            ("parent_id", "=", False),
            ("id", "not in", [row["partner_id"][0] for row in sellers]),
        ],
        limit=1,
    )
    action = ordering(buyer, requisition, vendor_id=other)
    order = action["res_id"]
    assert status_of(seller, requisition) == "quoted"

    # Without a contract price somebody is asked.
    buyer("purchase.order", "button_confirm", [order])
    (found,) = buyer("purchase.order", "read", [order], fields=["state", "name"])
    assert found["state"] == "to approve"
    assert status_of(seller, requisition) == "quoted"
    with pytest.raises(Fault):
        seller("purchase.order", "read", [order], fields=["amount_total"])
    manager = rpc("category_manager")
    (task,) = manager(
        TASK,
        "search_read",
        [("document_name", "=", found["name"]), ("state", "=", "open"), ("user_ids", "in", [manager.uid])],
        fields=["digest"],
    )
    assert manager(TASK, "action_decide", [task["id"]], "approve", task["digest"]) is True

    deadline = time.monotonic() + 30
    while status_of(seller, requisition) == "quoted" and time.monotonic() < deadline:
        time.sleep(0.3)
    assert status_of(seller, requisition) == "ordered"
