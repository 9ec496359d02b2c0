"""A short delivery, its bill and its refund: found at the dock, held at the desk, paid when it is right."""

import time

import pytest
import rules_in_force as rules
from outbound_desk import one
from payables_desk import Desk as Payables
from supplier_desk import ADDON, Desk, Page

PIECES, CAME = 20, 15


@pytest.fixture
def desk(rpc, sql):
    with rules.Postbox() as postbox:
        postbox.open_for(rpc)
        yield Desk(rpc, sql, postbox).begin()


def test_a_short_delivery_its_bill_and_its_refund(desk, http, rpc, sql, person, pictures):
    goods = desk.goods()
    payables = Payables(rpc, sql)
    order = desk.order(goods, PIECES)
    Page(http, desk.sends()).confirms()

    # Fifteen of the twenty come, and no more will. Three of the fifteen are dented.
    picking = desk.receives(order, CAME, backorder=False)
    _case, state, owner, words = desk.case(f"receipt:{picking}")
    assert (state, owner) == ("open", "buyer")
    assert "Short 5" in words
    operator = person("warehouse_operator")
    operator.opens_record("stock.picking", picking).presses("action_report_damage")
    operator.page.wait_for_selector(".modal .o_field_widget[name=reason_id] input")
    operator.fills("quantity", "3")
    operator.chooses("reason_id", "Not of the agreed quality").fills("note", "Dented on one side.")
    operator.takes_picture(pictures, "damage-report")
    operator.presses("action_report")
    assert "Damaged 3" in desk.case(f"receipt:{picking}")[3], "one case for all of it"
    assert sql(
        "SELECT kind, quantity FROM distribution_receipt_discrepancy WHERE picking_ref = %s ORDER BY id", (picking,)
    ) == [("short", 5), ("damaged", 3)]

    # The bill comes for all twenty: it is held, and says why.
    bill = payables.bill(order.id, reference="SD-1")
    payables.clerk("account.move", "action_post", [bill])
    assert payables.state(bill) == ("draft", "pending")
    assert sql(
        "SELECT verdict, kind, amount_beyond::float FROM distribution_match_line WHERE bill_ref = %s", (bill,)
    ) == [("beyond", "receipt", pytest.approx(5 * goods.price, abs=0.01))]
    case = desk.case(f"bill_mismatch:{bill}")
    assert case[1:3] == ("open", "buyer")
    assert order.name in [
        name
        for (name,) in sql(
            """SELECT ordered.name FROM distribution_case_document document
                 JOIN purchase_order ordered ON ordered.id = document.res_id AND document.res_model = 'purchase.order'
                WHERE document.case_id = %s""",
            (case[0],),
        )
    ], "the case leads to the order"
    clerk = person("accountant")
    clerk.opens_record("account.move", bill).presses("action_open_match")
    clerk.sees("Not received").takes_picture(pictures, "bill-match")

    # The vendor gives back what did not come. The refund matches what is missing, and makes the bill match.
    refund = one(
        payables.clerk(
            "account.move",
            "create",
            {
                "move_type": "in_refund",
                "partner_id": goods.vendor,
                "invoice_date": time.strftime("%Y-%m-%d"),
                "ref": "SD-1-R",
                "invoice_line_ids": [
                    (
                        0,
                        0,
                        {
                            "product_id": goods.id,
                            "quantity": PIECES - CAME,
                            "price_unit": goods.price,
                            "purchase_line_id": order.line,
                            "tax_ids": [(5, 0, 0)],
                        },
                    )
                ],
            },
        )
    )
    payables.clerk("account.move", "action_post", [refund])
    assert payables.state(refund)[0] == "posted", payables.banner("account.move", refund)
    rules.run_job(rpc, "ir_cron_judge_held_bills")
    payables.waits_for(lambda: payables.state(bill)[0] == "posted")
    assert desk.case(f"bill_mismatch:{bill}")[1] == "resolved"
    assert sql("SELECT count(*) FROM distribution_match_line WHERE bill_ref = %s", (bill,)) == [(1,)], "kept as found"
    before = payables.initiated(goods.vendor)
    payables.register([bill])
    assert payables.initiated(goods.vendor) > before

    # The vendor's card of the month knows it.
    rules.run_job(rpc, "ir_cron_scorecard", ADDON)
    ((discrepancies, matches),) = sql(
        """SELECT discrepancy_rate, bill_match_rate FROM distribution_scorecard
            WHERE partner_id = %s AND state = 'open' ORDER BY period_start DESC LIMIT 1""",
        (goods.vendor,),
    )
    assert discrepancies > 0
    assert matches < 100
    rpc("buyer")("distribution.scorecard", "search_read", [("partner_id", "=", goods.vendor)], ["score"])
    buyer = person("buyer")
    buyer.opens(f"{ADDON}.action_scorecard")
    buyer.takes_picture(pictures, "scorecards")
