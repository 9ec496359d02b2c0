"""The server dies between the last approval and the release. Nothing is lost, nothing happens twice.

The decision is committed first; the release is a transaction of its own. Here it is kept from
finishing by a lock on the type of receipts, and the server is killed while it waits.
"""

import contextlib
import threading
import time
from xmlrpc.client import Fault

import pytest

pytestmark = pytest.mark.cron


def decide(client, name):
    (task,) = client(
        "distribution.approval.task",
        "search_read",
        [("document_name", "=", name), ("state", "=", "open"), ("user_ids", "in", [client.uid])],
        fields=["digest"],
    )
    return client("distribution.approval.task", "action_decide", [task["id"]], "approve", task["digest"])


def test_crash_between_decision_and_release(rpc, sql, second_connection, server, tour_order):
    name, order_id = tour_order["name"], tour_order["id"]
    rpc("buyer")("purchase.order", "button_confirm", [order_id])
    decide(rpc("purchasing_manager"), name)
    decide(rpc("operations_manager"), name)

    # Somebody else works on the receipts of the site: the receipt cannot be written now.
    other = second_connection()
    with other.cursor() as cursor:
        cursor.execute(
            """SELECT id FROM stock_picking_type
                WHERE id = (SELECT picking_type_id FROM purchase_order WHERE id = %s) FOR UPDATE""",
            (order_id,),
        )

    finance = rpc("finance_controller")

    def last_approval():
        with contextlib.suppress(Fault, OSError, ConnectionError):
            decide(finance, name)  # the server dies under this call

    call = threading.Thread(target=last_approval)
    call.start()

    def request():
        return sql(
            """SELECT state, resume_state FROM distribution_approval_request
                WHERE res_model = 'purchase.order' AND res_id = %s""",
            (order_id,),
        )[0]

    deadline = time.monotonic() + 90
    while request()[0] != "approved" and time.monotonic() < deadline:
        time.sleep(0.1)
    waiting = sql("SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    assert request() == ("approved", "pending"), f"the decision is committed, the release is not; waiting: {waiting}"
    assert sql("SELECT state FROM purchase_order WHERE id = %s", (order_id,)) == [("to approve",)]

    server.kill9()
    call.join(timeout=30)
    other.rollback()
    server.restart()

    # The scheduled action finds what is left over.
    deadline = time.monotonic() + 120
    while request()[1] != "done" and time.monotonic() < deadline:
        server.wake_scheduler()
        time.sleep(0.5)
    assert request() == ("approved", "done")
    assert sql("SELECT state FROM purchase_order WHERE id = %s", (order_id,))[0][0] in ("purchase", "done")
    assert sql("SELECT count(*) FROM stock_picking WHERE origin = %s", (name,)) == [(1,)]
    assert sql(
        "SELECT count(*) FROM distribution_approval_release WHERE res_id = %s AND kind = 'approval'", (order_id,)
    ) == [(1,)]
    assert sql(
        "SELECT count(*) FROM distribution_event WHERE res_id = %s AND type LIKE '%%released.v1'", (order_id,)
    ) == [(1,)]
