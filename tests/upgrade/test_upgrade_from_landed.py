"""Somebody runs version 1.0.0, with orders in every stage of approval, and upgrades.

What was decided stays as it was; what waits goes on; what was governed still is.
"""

import time
from xmlrpc.client import Fault

import pytest

from .conftest import fingerprint


def test_no_evidence_was_touched(upgraded, cluster):
    name = upgraded.server.database
    for table, (columns, highest, was) in upgraded.before.items():
        assert was[1], f"{table} was empty: this proves nothing"
        assert fingerprint(cluster, name, table, columns, highest) == was, table


def test_the_ledger_still_verifies(rpc):
    auditor = rpc("auditor")
    wizard = auditor("distribution.ledger.verify", "create", {})
    auditor("distribution.ledger.verify", "action_verify", [wizard])
    (result,) = auditor(
        "distribution.ledger.verify", "read", [wizard], fields=["state", "message", "seals", "sealed_events"]
    )
    assert result["state"] == "ok", result["message"]
    assert result["seals"] and result["sealed_events"]


def test_an_order_that_waited_goes_on(rpc, sql):
    """Whoever is asked decides, the next ones are asked, and the order is confirmed."""
    ((order_id, name),) = sql(
        """SELECT orders.id, orders.name
             FROM purchase_order orders
             JOIN distribution_approval_request request
               ON request.res_model = 'purchase.order' AND request.res_id = orders.id AND request.state = 'pending'
            WHERE orders.state = 'to approve' AND request.kind = 'release'
              AND NOT EXISTS (SELECT 1 FROM distribution_approval_task task
                               WHERE task.request_id = request.id AND task.approver_kind <> 'group')
            ORDER BY orders.id DESC LIMIT 1"""
    )
    for _turn in range(6):
        waiting = sql(
            """SELECT task.id, task.digest, users.login
                 FROM distribution_approval_task task
                 JOIN distribution_approval_request request ON request.id = task.request_id
                 JOIN distribution_approval_task_user_rel rel ON rel.task_id = task.id
                 JOIN res_users users ON users.id = rel.user_id
                WHERE request.res_model = 'purchase.order' AND request.res_id = %s AND task.state = 'open'
                  AND request.state = 'pending'
                ORDER BY task.id, users.login""",
            (order_id,),
        )
        if not waiting:
            break
        for task_id, digest, login in waiting:
            try:
                assert rpc(login)("distribution.approval.task", "action_decide", [task_id], "approve", digest) is True
                break
            except Fault as error:
                assert "Traceback" not in error.faultString, error.faultString
        else:
            pytest.fail(f"nobody could decide on {name}: {waiting}")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        ((state,),) = sql("SELECT state FROM purchase_order WHERE id = %s", (order_id,))
        if state == "purchase":
            break
        time.sleep(0.3)
    assert state == "purchase"


def test_a_released_order_stays_bound_to_its_content(rpc, sql):
    ((line_id,),) = sql(
        """SELECT line.id FROM purchase_order_line line JOIN purchase_order orders ON orders.id = line.order_id
            WHERE orders.state = 'purchase' AND orders.approval_state = 'released' AND line.product_qty > 0
            ORDER BY line.id LIMIT 1"""
    )
    with pytest.raises(Fault) as refused:
        rpc("buyer")("purchase.order.line", "write", [line_id], {"price_unit": 99999})
    assert "Traceback" not in refused.value.faultString


def test_governance_is_in_force_as_before(rpc, sql):
    buyer = rpc("buyer")
    ((product_id, vendor_id),) = sql(
        """SELECT product.id, price.partner_id
             FROM product_supplierinfo price
             JOIN product_product product ON product.product_tmpl_id = price.product_tmpl_id
             JOIN res_partner vendor ON vendor.id = price.partner_id AND vendor.vendor_status = 'approved'
            WHERE price.contract_state = 'contract' ORDER BY price.id LIMIT 1"""
    )
    line = {"product_id": product_id, "product_qty": 1, "price_unit": 30001}
    order = buyer("purchase.order", "create", {"partner_id": vendor_id, "order_line": [(0, 0, line)]})
    buyer("purchase.order", "button_confirm", [order])
    assert buyer("purchase.order", "read", [order], fields=["state"])[0]["state"] == "to approve"
