"""What leaves the company, what comes back, and what is counted: told by the people who live it.

A seller gives too much discount. A customer signs before anybody approved. A customer's credit is cut
after the order was confirmed. A lorry takes fifty deliveries, two of which must stay. A count is off by
a lot, a pallet is thrown away, a branch runs dry, and goods come back. Each time the work stops where
the policy says so, somebody decides, and the work goes on by itself.
"""

import re

import pytest
from outbound_desk import REQUEST, refusal
from web_client import INBOX, Person

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
DELIVERIES = 50


@pytest.fixture
def person(browser_page):
    return lambda login, **keywords: Person(browser_page(login, **keywords), login)


def test_a_seller_gives_too_much_discount(desk, person):
    """Fourteen percent: the quotation is held, the sales manager approves, the delivery appears."""
    goods = desk.goods(pieces=10)
    order = desk.quotation(goods, 6, discount=14)
    (name,) = desk.sql("SELECT name FROM sale_order WHERE id = %s", (order,))[0]

    # The seller presses Confirm. Nothing breaks: the quotation says for whom it waits, and why.
    seller = person("sales_rep")
    seller.opens_record("sale.order", order).presses("action_confirm")
    seller.page.wait_for_selector(".o_approval_banner >> visible=true")
    banner = seller.reads(".o_approval_banner >> visible=true")
    assert "Waiting for Sales" in banner, banner
    assert "Discount above 10 %" in banner, banner
    assert desk.order(order) == ("draft", "pending", 0)

    # The sales manager finds it in the inbox, with the customer's credit and the margin on one screen.
    manager = person("sales_manager")
    manager.opens(INBOX).opens_row(name)
    context = manager.reads().lower()
    for words in ("what is asked", "why you are asked", "discount", "margin", "credit"):
        assert words in context, words
    manager.presses("action_approve")

    # The order is confirmed and the warehouse has its delivery.
    desk.becomes(lambda: desk.order(order), ("sale", "released", 1))
    seller.opens_record("sale.order", order)
    assert seller.page.locator(".o_approval_banner >> visible=true").count() == 0
    delivery = desk.value("SELECT id FROM stock_picking WHERE sale_id = %s", order)
    desk.rpc("warehouse_operator")("stock.picking", "action_assign", [delivery])
    desk.rpc("warehouse_operator")("stock.picking", "button_validate", [delivery])
    assert desk.picking(delivery) == "done"
    assert desk.on_hand(goods) == goods["on_hand"] - 6


def test_a_customer_signs_before_anybody_approved(desk, http, server):
    """The customer signs in the portal; the page thanks them, and the order waits for Sales."""
    goods = desk.goods(pieces=10)
    admin, seller = desk.rpc("admin"), desk.rpc("sales_rep")
    portal = desk.value("SELECT res_id FROM ir_model_data WHERE module = 'base' AND name = 'group_portal'")
    groups = "groups_id" if desk.series == "17.0" else "group_ids"
    login = "customer_21@example.com"
    values = {"login": login, "password": login, "partner_id": desk.customer(21), groups: [(6, 0, [portal])]}
    admin("res.users", "create", {"name": "Customer", **values})
    order = desk.quotation(goods, 4, discount=15, customer=21, require_signature=True, require_payment=False)
    seller("sale.order", "action_quotation_sent", [order])

    http.log_in(server.database, login)
    page = http.get(f"/my/orders/{order}")
    assert page.status_code == 200
    assert "Accept" in page.text
    token = re.search(r"access_token=([0-9a-f-]{36})", page.text).group(1)
    answer = http.call(f"/my/orders/{order}/accept", access_token=token, name="Ann Customer", signature=PIXEL)
    assert answer.get("force_refresh"), answer
    assert desk.order(order) == ("sent", "pending", 0)
    assert desk.value("SELECT signed_by FROM sale_order WHERE id = %s", order) == "Ann Customer"
    page = http.get(f"/my/orders/{order}").text
    assert "We have received your order." in page
    assert "Waiting for Sales" not in page, "who decides is not the customer's business"

    # The seller is the one who asks, so the seller does not decide. The manager does.
    requester = desk.value(
        "SELECT requester_id FROM distribution_approval_request WHERE res_model = 'sale.order' AND res_id = %s", order
    )
    assert requester == seller.uid
    desk.decide("sales_manager", "sale.order", order)
    desk.becomes(lambda: desk.order(order), ("sale", "released", 1))
    assert "We have received your order." not in http.get(f"/my/orders/{order}").text


def test_credit_is_cut_after_the_order_was_confirmed(desk, person):
    """The insurer lowers the limit: the delivery stays until credit control lets it go."""
    goods = desk.goods(pieces=10)
    _order, delivery = desk.confirmed(goods, 3, customer=22)
    desk.rpc("admin")("res.partner", "write", [desk.customer(22)], {"credit_limit": 1.0})

    # The operator at the dock validates, and reads why the goods stay.
    operator = person("warehouse_operator")
    operator.opens_record("stock.picking", delivery).presses("button_validate")
    operator.page.wait_for_selector(".o_approval_banner >> visible=true")
    banner = operator.reads(".o_approval_banner >> visible=true")
    assert "Credit Release" in banner, banner
    assert "Waiting for Finance" in banner, banner
    assert desk.picking(delivery) == "assigned"
    assert desk.on_hand(goods) == goods["on_hand"]

    # Sales cannot wave it through; credit control can.
    release = desk.document("distribution.credit.release", delivery)
    with pytest.raises(AssertionError, match="waits for sales_manager"):
        desk.task("sales_manager", "distribution.credit.release", release)
    desk.decide("finance_controller", "distribution.credit.release", release, comment="Paid this morning.")
    desk.becomes(lambda: desk.picking(delivery), "done")
    assert desk.on_hand(goods) == goods["on_hand"] - 3


def test_fifty_deliveries_of_which_two_are_held(desk):
    """One lorry, one batch: forty-eight deliveries leave, two stay and say why."""
    goods = desk.goods(pieces=DELIVERIES)
    seller, operator, finance = (desk.rpc(login) for login in ("sales_rep", "warehouse_operator", "finance_controller"))
    orders = seller(
        "sale.order", "create", [desk.quotation_values(goods, 1, customer=23) for _number in range(DELIVERIES)]
    )
    seller("sale.order", "action_confirm", orders)
    held = [orders[7], orders[31]]
    finance("sale.order", "action_hold_deliveries", held, "payment", "The cheque has not cleared.")
    pickings = [row[0] for row in desk.sql("SELECT id FROM stock_picking WHERE sale_id = ANY(%s)", (orders,))]
    assert len(pickings) == DELIVERIES
    operator("stock.picking", "action_assign", pickings)
    batch = operator("stock.picking.batch", "create", {"picking_ids": [(6, 0, pickings)]})
    operator("stock.picking.batch", "action_confirm", [batch])
    operator("stock.picking.batch", "action_done", [batch])

    states = desk.sql(
        "SELECT state, count(*) FROM stock_picking WHERE id = ANY(%s) GROUP BY state ORDER BY state", (pickings,)
    )
    assert states == [("assigned", 2), ("done", 48)]
    stayed = desk.sql(
        "SELECT sale_id, id FROM stock_picking WHERE id = ANY(%s) AND state = 'assigned' ORDER BY sale_id", (pickings,)
    )
    assert [sale for sale, _picking in stayed] == sorted(held)
    assert desk.on_hand(goods) == goods["on_hand"] - 48

    # One is released, the other's hold is lifted: both leave.
    released, lifted = (picking for _sale, picking in stayed)
    document = desk.document("distribution.delivery.hold", released)
    desk.decide("operations_manager", "distribution.delivery.hold", document)
    desk.becomes(lambda: desk.picking(released), "done")
    finance("sale.order", "action_lift_delivery_hold", [stayed[1][0]], "The cheque has cleared.")
    operator("stock.picking", "button_validate", [lifted])
    assert desk.picking(lifted) == "done"
    assert desk.on_hand(goods) == goods["on_hand"] - DELIVERIES


def test_a_large_count_waits(desk, person):
    """More than 2,500 is missing: Operations and Finance look at it before stock changes."""
    goods = desk.goods(pieces=20, worth=3500)
    missing = int(3000 / goods["cost"]) + 1
    counted = goods["on_hand"] - missing
    cause = desk.value("SELECT res_id FROM ir_model_data WHERE name = 'cause_theft'")
    # The operator counts, the warehouse manager applies.
    mode = {"context": {"inventory_mode": True}}
    count = {"inventory_quantity": float(counted), "approval_reason_id": cause}
    desk.rpc("warehouse_operator")("stock.quant", "write", [goods["quant"]], count, **mode)
    chief = desk.rpc("warehouse_manager")
    answer = chief("stock.quant", "action_apply_inventory", [goods["quant"]], **mode)
    assert "not applied" in answer["params"]["title"], answer
    assert desk.on_hand(goods) == goods["on_hand"]
    adjustment = desk.value(
        """SELECT adjustment_id FROM distribution_inventory_adjustment_line
            WHERE quant_ref = %s ORDER BY id DESC LIMIT 1""",
        goods["quant"],
    )
    name = desk.value("SELECT name FROM distribution_inventory_adjustment WHERE id = %s", adjustment)

    person("operations_manager").opens(INBOX).opens_row(name).presses("action_approve")
    assert desk.on_hand(goods) == goods["on_hand"], "Finance has not decided yet"
    desk.decide("finance_controller", "distribution.inventory.adjustment", adjustment, comment="Police report 4480.")
    desk.becomes(lambda: desk.on_hand(goods), float(counted))
    state = desk.value("SELECT state FROM distribution_inventory_adjustment WHERE id = %s", adjustment)
    assert state == "applied"


def test_a_small_count_is_applied_at_once(desk):
    goods = desk.goods(pieces=5)
    cause = desk.value("SELECT res_id FROM ir_model_data WHERE name = 'cause_miscount'")
    pieces = max(1, int(100 / goods["cost"]))
    chief = desk.rpc("warehouse_manager")
    mode = {"context": {"inventory_mode": True}}
    count = {"inventory_quantity": goods["on_hand"] + pieces, "approval_reason_id": cause}
    chief("stock.quant", "write", [goods["quant"]], count, **mode)
    chief("stock.quant", "action_apply_inventory", [goods["quant"]], **mode)
    assert desk.on_hand(goods) == goods["on_hand"] + pieces


def test_a_pallet_is_thrown_away(desk):
    """Goods worth 600: the category's board decides, then they are scrapped."""
    goods = desk.goods(pieces=5, worth=700)
    pieces = int(600 / goods["cost"]) + 1
    operator = desk.rpc("warehouse_operator")
    cause = desk.value("SELECT res_id FROM ir_model_data WHERE name = 'cause_damage'")
    values = {
        "product_id": goods["id"],
        "scrap_qty": pieces,
        "location_id": desk.site("CEN")["stock"],
        "approval_reason_id": cause,
    }
    scrap = operator("stock.scrap", "create", values)
    operator("stock.scrap", "action_validate", [scrap])
    assert desk.value("SELECT state FROM stock_scrap WHERE id = %s", scrap) == "draft"
    assert desk.on_hand(goods) == goods["on_hand"]
    desk.decide("category_manager", "stock.scrap", scrap)
    desk.becomes(lambda: desk.value("SELECT state FROM stock_scrap WHERE id = %s", scrap), "done")
    assert desk.on_hand(goods) == goods["on_hand"] - pieces


def test_a_branch_asks_for_goods(desk):
    """More than 2,500 to the South: held with its goods, approved, moved."""
    goods = desk.goods(pieces=20, worth=3500)
    pieces = int(3000 / goods["cost"]) + 1
    central, south = desk.site("CEN"), desk.site("SOU")
    at_south = desk.on_hand(goods, "SOU")
    picking = desk.transfer("warehouse_operator", goods, pieces, central["stock"], south["stock"], central["internal"])
    operator = desk.rpc("warehouse_operator")
    reserved = desk.reserved(goods)
    operator("stock.picking", "button_validate", [picking])
    assert desk.picking(picking) == "assigned"
    assert (desk.on_hand(goods), desk.on_hand(goods, "SOU")) == (goods["on_hand"], at_south)
    assert desk.reserved(goods) == reserved >= pieces, "what is asked for stays reserved"
    document = desk.document("distribution.site.transfer", picking)
    desk.decide("operations_manager", "distribution.site.transfer", document)
    desk.becomes(lambda: desk.picking(picking), "done")
    assert (desk.on_hand(goods), desk.on_hand(goods, "SOU")) == (goods["on_hand"] - pieces, at_south + pieces)


def test_a_branch_is_turned_down(desk):
    """The goods are given back to whoever needs them; the branch may ask for less."""
    goods = desk.goods(pieces=20, worth=3500)
    pieces = int(3000 / goods["cost"]) + 1
    central, south = desk.site("CEN"), desk.site("SOU")
    before = desk.reserved(goods)
    picking = desk.transfer("warehouse_operator", goods, pieces, central["stock"], south["stock"], central["internal"])
    operator = desk.rpc("warehouse_operator")
    operator("stock.picking", "button_validate", [picking])
    document = desk.document("distribution.site.transfer", picking)
    desk.decide(
        "operations_manager",
        "distribution.site.transfer",
        document,
        "reject",
        comment="Central needs them itself.",
        reason_code="transfer_runs_dry",
    )
    assert (desk.picking(picking), desk.reserved(goods)) == ("confirmed", before)
    # The same once more is not asked twice.
    operator("stock.picking", "action_assign", [picking])
    words = refusal(operator, "stock.picking", "button_validate", [picking])
    assert "Central needs them itself." in words, words
    assert "Change what was objected to" in words, words
    assert desk.on_hand(goods) == goods["on_hand"]

    # Less than 2,500 passes.
    operator("stock.picking", "do_unreserve", [picking])
    less = int(2000 / goods["cost"])
    move = desk.value("SELECT id FROM stock_move WHERE picking_id = %s", picking)
    operator("stock.move", "write", [move], {"product_uom_qty": less})
    operator("stock.picking", "action_assign", [picking])
    operator("stock.picking", "button_validate", [picking])
    assert desk.picking(picking) == "done"
    assert desk.on_hand(goods) == goods["on_hand"] - less


def old_delivery(desk):
    """(delivery, order) of long ago that nobody returned anything from: out of warranty, worth more than 250."""
    return desk.sql(
        """SELECT picking.id, picking.sale_id
             FROM stock_picking picking JOIN sale_order sale ON sale.id = picking.sale_id
            WHERE picking.state = 'done' AND picking.date_done < now() - interval '30 days'
              AND sale.amount_untaxed > 300
              AND NOT EXISTS (SELECT 1 FROM stock_move move JOIN stock_move origin
                                              ON origin.id = move.origin_returned_move_id
                               WHERE origin.picking_id = picking.id)
         ORDER BY picking.id DESC LIMIT 1"""
    )[0]


def test_goods_come_back(desk):
    """Out of warranty: the receipt of the return waits for Sales."""
    delivery, _order = old_delivery(desk)
    operator = desk.rpc("warehouse_operator")
    context = {"context": {"active_id": delivery, "active_ids": [delivery], "active_model": "stock.picking"}}
    reason = desk.value("SELECT res_id FROM ir_model_data WHERE name = 'return_reason_not_needed'")
    wizard = operator("stock.return.picking", "create", {"picking_id": delivery, "return_reason_id": reason}, **context)
    lines = operator("stock.return.picking.line", "search_read", [("wizard_id", "=", wizard)], fields=["move_id"])
    for line in lines:
        quantity = float(desk.value("SELECT product_uom_qty FROM stock_move WHERE id = %s", line["move_id"][0]))
        operator("stock.return.picking.line", "write", [line["id"]], {"quantity": quantity})
    button = "create_returns" if desk.series == "17.0" else "action_create_returns"
    receipt = operator("stock.return.picking", button, [wizard], **context)["res_id"]
    operator("stock.picking", "button_validate", [receipt])
    assert desk.picking(receipt) != "done"
    document = desk.document("distribution.customer.return", receipt)
    assert desk.approval("distribution.customer.return", document)[0] == "pending"
    desk.decide("sales_manager", "distribution.customer.return", document, comment="They have been with us for years.")
    desk.becomes(lambda: desk.picking(receipt), "done")


def test_a_customer_is_credited(desk):
    """The accountant credits an invoice; it is posted when everybody who is asked agrees."""
    desk.govern_credit_notes()
    accountant = desk.rpc("accountant")
    invoice, customer = desk.sql(
        """SELECT id, partner_id FROM account_move
            WHERE move_type = 'out_invoice' AND state = 'posted' AND amount_untaxed > 300 ORDER BY id DESC LIMIT 1"""
    )[0]
    journal = desk.value("SELECT journal_id FROM account_move WHERE id = %s", invoice)
    context = {"context": {"active_model": "account.move", "active_ids": [invoice], "active_id": invoice}}
    wizard = accountant("account.move.reversal", "create", {"journal_id": journal, "reason": "Returned"}, **context)
    note = accountant("account.move.reversal", "refund_moves", [wizard], **context)["res_id"]
    accountant("account.move", "action_post", [note])
    state = lambda: desk.value("SELECT state FROM account_move WHERE id = %s", note)  # noqa: E731
    assert state() == "draft"
    document = desk.value("SELECT id FROM distribution_customer_credit_note WHERE move_id = %s", note)
    words = refusal(accountant, "account.move", "write", [note], {"state": "posted"})
    assert words, "a written state does not post it"
    desk.everybody_approves("distribution.customer.credit.note", document)
    desk.becomes(state, "posted")
    assert desk.value("SELECT partner_id FROM account_move WHERE id = %s", note) == customer
    asked = [("res_model", "=", "distribution.customer.credit.note"), ("res_id", "=", document)]
    assert desk.rpc("auditor")(REQUEST, "search_count", asked) == 1
