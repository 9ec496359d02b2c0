"""Attacks on requisitions, budgets and vendor lists, by XML-RPC: as who asks, who buys, and who is the head of both."""

from contextlib import suppress
from datetime import date, timedelta
from xmlrpc.client import Fault

import pytest
import rules_in_force as rules
from over_the_wire import contract_goods, order_of, refused

REQUISITION = "distribution.purchase.requisition"
LINE = f"{REQUISITION}.line"
BUDGET, BUDGET_LINE = "distribution.budget", "distribution.budget.line"
LIST, ENTRY = "distribution.vendor.list", "distribution.vendor.list.entry"
ORDER, ORDER_LINE = "purchase.order", "purchase.order.line"
PEOPLE = ("sales_rep", "buyer", "purchasing_manager")


@pytest.fixture(scope="module", autouse=True)
def roles(rpc):
    rules.give_role(rpc, "sales_rep", "distribution_core.group_requester")
    rules.give_role(rpc, "warehouse_operator", "distribution_core.group_requester")
    rules.give_role(rpc, "finance_controller", "procurement_automation.group_budget_manager")


@pytest.fixture(scope="module")
def goods(rpc):
    return contract_goods(rpc("buyer"))


def requisition(client, goods, quantity=5, submit=True, **values):
    """Ids of a requisition and its line."""
    wanted = {"product_id": goods["product"], "quantity": quantity, "price_unit": goods["price"]}
    made = client(
        REQUISITION, "create", {"justification": "The shelf is empty", "line_ids": [(0, 0, wanted)], **values}
    )
    if submit:
        client(REQUISITION, "action_submit", [made])
    return made, client(LINE, "search", [("requisition_id", "=", made)])[0]


def test_what_was_ordered_for_a_requisition_is_not_forged(rpc, goods):
    buyer = rpc("buyer")
    made, line = requisition(buyer, goods)
    order = order_of(buyer, goods, 50)
    (order_line,) = buyer(ORDER_LINE, "search", [("order_id", "=", order)])
    values = {"product_id": goods["product"], "product_qty": 1, "price_unit": 1, "requested_line_id": line}
    for login in ("buyer", "purchasing_manager", "admin"):
        client = rpc(login)
        refused(client, ORDER_LINE, "write", [order_line], {"requested_line_id": line})
        refused(client, ORDER, "write", [order], {"order_line": [(1, order_line, {"requested_line_id": line})]})
        refused(client, ORDER, "create", {"partner_id": goods["vendor"], "order_line": [(0, 0, values)]})
        refused(client, LINE, "write", [line], {"purchase_line_ids": [(4, order_line)]})
        context = {"default_requested_line_id": line}
        refused(
            client, ORDER_LINE, "create", {**values, "order_id": order, "requested_line_id": False}, context=context
        )
        client(ORDER_LINE, "load", [".id", "requested_line_id/.id"], [[str(order_line), str(line)]])
        assert not client(ORDER_LINE, "read", [order_line], ["requested_line_id"])[0]["requested_line_id"]
    (found,) = buyer(LINE, "read", [line], ["status", "qty_open"])
    assert (found["status"], found["qty_open"]) == ("approved", 5)


def test_numbers_and_states_of_a_requisition(rpc, goods):
    seller = rpc("sales_rep")
    made, line = requisition(seller, goods)
    draft, draft_line = requisition(seller, goods, submit=False)
    for login in (*PEOPLE, "admin"):
        client = rpc(login)
        for name, value in (("qty_open", 500), ("qty_ordered", 0), ("status", "received"), ("drop_reason", "x")):
            refused(client, LINE, "write", [line], {name: value})
        for values in ({"amount": 1}, {"fulfilment": "received"}, {"channel": "shop"}):
            refused(client, REQUISITION, "write", [made], values)
        for method in ("_drop", "_budget_claim", "_facts"):
            refused(client, LINE, method, [line])
    # Nobody orders for what is not approved, or more than was asked, with a dialog of their own making.
    dialog, row = "distribution.requisition.order", "distribution.requisition.order.line"
    buyer = rpc("buyer")
    opened = buyer(REQUISITION, "action_order", [made])["res_id"]
    rows = buyer(row, "search", [("order_id", "=", opened)])
    for values in ({"line_id": draft_line}, {"line_id": line, "quantity": 500}, {"line_id": line, "quantity": -5}):
        buyer(row, "write", rows, {"way": "buy", "vendor_id": goods["vendor"], "quantity": 5, **values})
        refused(buyer, dialog, "action_confirm", [opened])
    refused(seller, REQUISITION, "action_order", [made])
    refused(seller, "distribution.requisition.drop", "create", {"line_ids": [(6, 0, [line])], "reason": "x"})
    # Colleagues do not see it, nor write it, nor ask in another's name.
    colleague = rpc("warehouse_operator")
    assert colleague(REQUISITION, "search", [("id", "in", [made, draft])]) == []
    refused(colleague, REQUISITION, "write", [draft], {"justification": "Mine"})
    refused(colleague, LINE, "write", [draft_line], {"quantity": 900})
    own, _own_line = requisition(colleague, goods, submit=False)
    refused(colleague, REQUISITION, "write", [own], {"requester_id": seller.uid})


def test_budgets_are_not_helped_along(rpc, goods):
    finance, buyer = rpc("finance_controller"), rpc("buyer")
    today = rules.company_day(rpc)
    budget = finance(
        BUDGET,
        "create",
        {
            "name": "Operations",
            "owner_id": rpc("operations_manager").uid,
            "date_from": str(today - timedelta(days=9)),
            "date_to": str(today + timedelta(days=9)),
            "line_ids": [(0, 0, {"amount": 100})],
        },
    )
    finance(BUDGET, "action_activate", [budget])
    (line,) = finance(BUDGET_LINE, "search", [("budget_id", "=", budget)])
    # Whoever may close a budget does not take it back to a draft, where its owner would raise it and no one would know.
    for login in (*PEOPLE, "operations_manager", "finance_controller", "admin"):
        refused(rpc(login), BUDGET, "write", [budget], {"state": "draft"})
    for login in (*PEOPLE, "operations_manager", "admin"):
        client = rpc(login)
        for model, record, values in (
            (BUDGET_LINE, line, {"amount": 90000}),
            (BUDGET_LINE, line, {"available": 90000}),
            (BUDGET, budget, {"line_ids": [(1, line, {"amount": 90000})]}),
            (BUDGET, budget, {"state": "draft"}),
            (BUDGET, budget, {"owner_id": client.uid}),
        ):
            if login == "admin" and values.get("amount"):
                continue  # an administrator of everything may be a budget manager; that is on record
            with suppress(Fault):
                client(model, "write", [record], values)
        for method in ("action_close", "_refresh"):
            with suppress(Fault):
                client(BUDGET, method, [budget]) if login != "admin" else None
    (found,) = finance(BUDGET_LINE, "read", [line], ["amount", "available", "state", "owner_id"])
    assert (found["amount"], found["available"], found["state"]) == (100, 100, "active")
    assert found["owner_id"][0] == rpc("operations_manager").uid
    spent = finance(
        BUDGET,
        "create",
        {
            "name": "Long past",
            "owner_id": rpc("operations_manager").uid,
            "date_from": str(today - timedelta(days=900)),
            "date_to": str(today - timedelta(days=800)),
            "line_ids": [(0, 0, {"amount": 100})],
        },
    )
    finance(BUDGET, "action_activate", [spent])
    finance(BUDGET, "action_close", [spent])
    refused(finance, BUDGET, "write", [spent], {"state": "draft"})
    refused(finance, BUDGET, "unlink", [spent])

    # Nobody names another's budget, by whatever door, where the policy does not ask about it.
    order = order_of(buyer, goods, 50)
    owner = rpc("operations_manager").uid
    for login in ("buyer", "purchasing_manager", "admin"):
        client = rpc(login)
        assert "has to approve" in refused(client, ORDER, "write", [order], {"budget_owner_id": owner})
        refused(client, ORDER, "create", {"partner_id": goods["vendor"], "budget_owner_id": owner})
        refused(client, ORDER, "create", {"partner_id": goods["vendor"]}, context={"default_budget_owner_id": owner})
        client(ORDER, "load", [".id", "budget_owner_id/.id"], [[str(order), str(owner)]])
        assert not client(ORDER, "read", [order], ["budget_owner_id"])[0]["budget_owner_id"]
    refused(rpc("sales_rep"), REQUISITION, "create", {"justification": "x", "budget_owner_id": owner})

    # The day of an order that is in force is not written to have another period pay.
    buyer(ORDER, "button_confirm", [order])
    assert buyer(ORDER, "read", [order], ["state"])[0]["state"] == "purchase"
    for day in (f"{date.today() + timedelta(days=400)} 10:00:00", False):
        refused(buyer, ORDER, "write", [order], {"date_approve": day})


def test_an_approved_vendor_list_stays_what_it_is(rpc, goods):
    compliance, buyer = rpc("compliance_officer"), rpc("buyer")
    (product,) = buyer("product.product", "read", [goods["product"]], ["product_tmpl_id", "categ_id"])
    made = compliance(LIST, "create", {"product_tmpl_id": product["product_tmpl_id"][0]})
    entry = buyer(ENTRY, "create", {"list_id": made, "partner_id": goods["vendor"]})
    compliance(ENTRY, "action_approve", [entry])
    (other,) = buyer(
        "res.partner",
        "search",
        [("vendor_status", "=", "approved"), ("parent_id", "=", False), ("id", "!=", goods["vendor"])],
        limit=1,
    )
    wide = {"product_tmpl_id": False, "category_id": product["categ_id"][0]}
    for login in ("buyer", "purchasing_manager", "compliance_officer", "admin"):
        client = rpc(login)
        undone = {"state": "proposed", "decided_by": False, "decided_at": False}
        for values in (
            wide,
            {"state": "active"},
            {"state": "draft"},
            {"entry_ids": [(1, entry, {"partner_id": other})]},
            {"entry_ids": [(1, entry, undone)]},
        ):
            refused(client, LIST, "write", [made], values)
        for values in (
            {"partner_id": other},
            {"date_end": "2199-01-01"},
            {"state": "approved"},
            {"decided_by": 2},
            undone,
            {"state": "proposed"},
        ):
            refused(client, ENTRY, "write", [entry], values)
        refused(client, ENTRY, "unlink", [entry])
        refused(client, LIST, "unlink", [made])
        refused(client, ENTRY, "create", {"list_id": made, "partner_id": other, "state": "approved"})
        for method in ("_decide", "_set_state"):
            refused(client, ENTRY, method, [entry], "approved")
        client(ENTRY, "load", [".id", "partner_id/.id"], [[str(entry), str(other)]])
        own = client(ENTRY, "create", {"list_id": made, "partner_id": other})
        refused(client, ENTRY, "action_approve", [own])
    (found,) = compliance(ENTRY, "read", [entry], ["partner_id", "state", "decided_by"])
    assert (found["partner_id"][0], found["state"]) == (goods["vendor"], "approved")
    assert found["decided_by"][0] == compliance.uid
    (found,) = compliance(LIST, "read", [made], ["product_tmpl_id", "vendor_count", "state"])
    assert (found["product_tmpl_id"], found["vendor_count"]) == (product["product_tmpl_id"], 1)

    # In force, nobody takes it back to a draft, not even who could close it.
    compliance(LIST, "action_activate", [made])
    for login in ("buyer", "purchasing_manager", "compliance_officer", "admin"):
        for state in ("draft", "closed"):
            refused(rpc(login), LIST, "write", [made], {"state": state})
    assert compliance(LIST, "read", [made], ["state"])[0]["state"] == "active"
    compliance(LIST, "action_close", [made])
    refused(compliance, LIST, "write", [made], {"state": "draft"})
    refused(compliance, LIST, "unlink", [made])
