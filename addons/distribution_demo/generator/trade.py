"""Half a year of trade before governance: stock, purchases, receipts, bills, sales, deliveries, invoices."""

from odoo import Command

from odoo.addons.distribution_core.compat import IS_17, LINE_UOM, PURCHASE_LINE_TAXES

from .clock import ahead, at, day, moment
from .goods import vendor_governance

OPENING_DAY = 181
#: Days ago on which everything that was due was paid.
PAYMENT_RUNS = (125, 95, 65, 35, 5)


def stock(env, plan, directory):
    """Opening stock at every site."""
    quants = env["stock.quant"].with_context(inventory_mode=True)
    with at(moment(OPENING_DAY, 7)):
        counted = quants.create(
            [
                {
                    "product_id": directory.products[code].id,
                    "location_id": directory.sites[site].lot_stock_id.id,
                    "inventory_quantity": quantity,
                }
                for site, quantities in plan.stock.items()
                for code, quantity in quantities.items()
            ]
        )
        counted.action_apply_inventory()
    env.flush_all()
    _backdate_moves(env, env["stock.move"].search([("is_inventory", "=", True)]), moment(OPENING_DAY, 7))


# ------------------------------------------------------------------ purchases


def order_values(env, directory, vendor, site, buyer, lines, ordered, promised):
    """Values of a purchase order. ``ordered`` and ``promised`` are moments."""
    partner = directory.vendors[vendor]
    return {
        "partner_id": partner.id,
        "currency_id": partner.property_purchase_currency_id.id,
        "picking_type_id": directory.sites[site].in_type_id.id,
        "user_id": directory.users[buyer].id,
        "date_order": ordered,
        "payment_term_id": partner.property_supplier_payment_term_id.id,
        "order_line": [
            Command.create(
                {
                    "product_id": product.id,
                    # Complete values spare Odoo from working them out line by line.
                    "name": product.display_name,
                    "product_qty": line.quantity,
                    "price_unit": line.price,
                    "date_planned": promised,
                    LINE_UOM: product.uom_id.id,
                    PURCHASE_LINE_TAXES: [Command.set(product.supplier_taxes_id.ids)],
                }
            )
            for line in lines
            for product in [directory.products[line.product]]
        ],
    }


def purchases(env, plan, directory):
    """Orders, what was received of them, and their bills."""
    orders = env["purchase.order"].create(
        [
            order_values(
                env,
                directory,
                purchase.vendor,
                purchase.site,
                purchase.buyer,
                purchase.lines,
                moment(purchase.ordered, 10),
                moment(purchase.promised, 12) if purchase.promised > 0 else ahead(1 - purchase.promised),
            )
            for purchase in plan.purchases
        ]
    )
    orders.button_confirm()
    for purchase, order in zip(plan.purchases, orders):
        order.date_approve = moment(purchase.ordered, 11)
    _created(env, orders, [moment(purchase.ordered, 10) for purchase in plan.purchases])
    _receive(env, plan, orders)
    _bill(env, plan, orders)
    blocked = [directory.vendors[vendor.key].id for vendor in plan.vendors if vendor.status == "blocked"]
    # sudo: see goods.py
    vendor_governance(env, directory, "res.partner").browse(blocked).write({"vendor_status": "blocked"})


def _receive(env, plan, orders):
    pickings, moments = env["stock.picking"], {}
    for purchase, order in zip(plan.purchases, orders):
        if purchase.arrived is None:
            continue
        for line, quantity in zip(order.order_line, purchase.received):
            move = line.move_ids
            if move.quantity != quantity:
                move.quantity = quantity
            move.picked = True
        pickings |= order.picking_ids
        moments[order.picking_ids] = moment(purchase.arrived, 13)
    pickings._action_done()
    _done_at(env, moments)
    for purchase, order in zip(plan.purchases, orders):
        if purchase.fault == "short_closed":
            order.picking_ids.filtered(lambda picking: picking.state != "done").action_cancel()


def _bill(env, plan, orders):
    values = []
    for purchase, order in zip(plan.purchases, orders):
        if purchase.billed is None:
            continue
        lines = []
        for line, price in zip(order.order_line, purchase.billed_prices):
            lines.append(Command.create({**line._prepare_account_move_line(), "price_unit": price}))
        date = day(purchase.billed)
        values.append(
            {
                **order._prepare_invoice(),
                "invoice_line_ids": lines,
                "invoice_date": date,
                "date": date,
                "ref": f"{order.partner_id.ref[:3].upper()}-{20000 + order.id}",
            }
        )
    bills = env["account.move"].create(values)
    bills.action_post()
    _pay(env, bills)


# ---------------------------------------------------------------------- sales


def sales(env, plan, directory):
    """Orders of customers, their deliveries and invoices."""
    orders = env["sale.order"].create(
        [
            {
                "partner_id": directory.customers[sale.customer].id,
                "user_id": directory.users[sale.seller].id,
                "warehouse_id": directory.sites[sale.site].id,
                "date_order": moment(sale.ordered, 9),
                "order_line": [
                    Command.create(
                        {
                            "product_id": directory.products[line.product].id,
                            "product_uom_qty": line.quantity,
                            "price_unit": line.price,
                        }
                    )
                    for line in sale.lines
                ],
            }
            for sale in plan.sales
        ]
    )
    of = dict(zip(plan.sales, orders))
    wanted = [sale for sale in plan.sales if sale.state not in ("quotation", "cancelled")]
    _union(env, of, wanted).action_confirm()
    for sale in wanted:
        of[sale].date_order = moment(sale.ordered, 9)
    _union(env, of, [sale for sale in plan.sales if sale.state == "cancelled"])._action_cancel()
    _created(env, orders, [moment(sale.ordered, 9) for sale in plan.sales])
    _deliver(env, [(sale, of[sale]) for sale in wanted if sale.delivered is not None])
    _invoice(env, [(sale, of[sale]) for sale in wanted if sale.state == "invoiced"])


def _union(env, of, chosen):
    return env["sale.order"].browse([of[sale].id for sale in chosen])


def _deliver(env, delivered):
    pickings, moments = env["stock.picking"], {}
    for sale, order in delivered:
        for move in order.picking_ids.move_ids:
            if not move.quantity:
                move.quantity = move.product_uom_qty
            move.picked = True
        pickings |= order.picking_ids
        moments[order.picking_ids] = moment(sale.delivered, 15)
    pickings._action_done()
    _done_at(env, moments)


def _invoice(env, invoiced):
    orders = env["sale.order"].browse([order.id for _sale, order in invoiced])
    invoices = orders._create_invoices(grouped=True)
    dates = {order: day(sale.delivered) for sale, order in invoiced}
    for invoice in invoices:
        date = dates[invoice.invoice_line_ids.sale_line_ids.order_id]
        invoice.write({"invoice_date": date, "date": date})
    invoices.action_post()
    _pay(env, invoices)


def _pay(env, invoices):
    """Monthly payment runs: what was due is paid, one payment for each partner."""
    for date in map(day, PAYMENT_RUNS):
        open_ones = invoices.filtered(lambda invoice: invoice.payment_state == "not_paid")
        due = open_ones.filtered_domain([("invoice_date_due", "<=", date)])
        if due:
            env["account.payment.register"].with_context(active_model="account.move", active_ids=due.ids).create(
                {"group_payment": True, "payment_date": date}
            )._create_payments()


# --------------------------------------------------------------------- dates


def _done_at(env, moments):
    """Let transfers have been done when the plan says."""
    for picking, when in moments.items():
        picking.date_done = when
    env.flush_all()
    for picking, when in moments.items():
        _backdate_moves(env, picking.move_ids, when)


def _backdate_moves(env, moves, when):
    """Plain SQL: Odoo dates a move when it is done, and no method changes that afterwards."""
    if not moves:
        return
    env.cr.execute("UPDATE stock_move SET date = %s WHERE id = ANY(%s)", (when, moves.ids))
    env.cr.execute("UPDATE stock_move_line SET date = %s WHERE move_id = ANY(%s)", (when, moves.ids))
    if IS_17:
        env.cr.execute(
            "UPDATE stock_valuation_layer SET create_date = %s WHERE stock_move_id = ANY(%s)", (when, moves.ids)
        )
    moves.invalidate_recordset(["date"])


def _created(env, orders, moments):
    """Plain SQL: the ORM sets the creation date of a record itself."""
    env.flush_all()
    env.cr.execute(
        f"""UPDATE {orders._table} document
               SET create_date = dated.created
              FROM unnest(%s, %s) AS dated (id, created)
             WHERE document.id = dated.id""",
        (orders.ids, moments),
    )
    orders.invalidate_recordset(["create_date"])
