"""Approve a purchase above the limit – once more, from a program.

The same story over XML-RPC: every step by the person whose turn it is, and nothing else works.
"""

import time
from xmlrpc.client import Fault

import pytest
from over_the_wire import LOW_RISK, contract_goods, order_of


def open_task(client, name):
    """The task on order ``name`` that waits for this person."""
    tasks = client(
        "distribution.approval.task",
        "search_read",
        [("document_name", "=", name), ("state", "=", "open"), ("user_ids", "in", [client.uid])],
        fields=["id", "name", "digest"],
    )
    return tasks[0] if tasks else None


def decide(client, name, outcome="approve", **more):
    task = open_task(client, name)
    assert task, f"nothing on {name} waits for this person"
    return client("distribution.approval.task", "action_decide", [task["id"]], outcome, task["digest"], **more)


def test_approve_a_purchase_over_xmlrpc(rpc, tour_order):
    name, order_id = tour_order["name"], tour_order["id"]
    buyer = rpc("buyer")

    def state():
        return buyer("purchase.order", "read", [order_id], fields=["state"])[0]["state"]

    buyer("purchase.order", "button_confirm", [order_id])
    assert state() == "to approve"

    # Finance is not asked yet; the buyer never is.
    assert open_task(rpc("finance_controller"), name) is None
    task = open_task(rpc("purchasing_manager"), name)
    with pytest.raises(Fault):
        buyer("distribution.approval.task", "action_decide", [task["id"]], "approve", task["digest"])
    with pytest.raises(Fault):
        rpc("finance_controller")(
            "distribution.approval.task", "action_decide", [task["id"]], "approve", task["digest"]
        )

    assert decide(rpc("purchasing_manager"), name) is True
    assert state() == "to approve"
    assert decide(rpc("operations_manager"), name) is True
    assert state() == "to approve"
    assert decide(rpc("finance_controller"), name) is True

    deadline = time.monotonic() + 30
    while state() == "to approve" and time.monotonic() < deadline:
        time.sleep(0.3)
    assert state() == "purchase"
    assert rpc("warehouse_manager")("stock.picking", "search_count", [("origin", "=", name)]) == 1


def test_within_policy_nobody_is_asked(rpc):
    """A small order at contract price from an approved vendor goes straight through."""
    buyer = rpc("buyer")
    order_id = order_of(buyer, contract_goods(buyer, LOW_RISK), 100)
    buyer("purchase.order", "button_confirm", [order_id])
    (order,) = buyer("purchase.order", "read", [order_id], fields=["state", "approval_state"])
    assert (order["state"], order["approval_state"]) == ("purchase", "passed")
