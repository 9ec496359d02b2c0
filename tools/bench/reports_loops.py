"""KPIs the way that one writes them with the ORM: search, then a loop over the records.

Each function takes an environment, the company and a day of its calendar, and returns the value.
"""

import datetime


def _mean(values):
    values = list(values)
    return sum(values) / len(values) if values else 0.0


def _hours(start, end):
    return (end - start).total_seconds() / 3600


def _of_day(company, day, name):
    """Domain: records of the company of which the moment ``name`` lies on the day."""
    begin, end = company._moments_of(day, day)
    return [("company_id", "=", company.id), (name, ">=", begin), (name, "<", end)]


def orders_confirmed(env, company, day):
    return len(env["sale.order"].search([("state", "=", "sale"), *_of_day(company, day, "date_order")]))


def sales_margin(env, company, day):
    orders = env["sale.order"].search([("state", "=", "sale"), *_of_day(company, day, "date_order")])
    return sum(line.margin for order in orders for line in order.order_line if not line.display_type)


def delivery_on_time(env, company, day):
    done = env["stock.picking"].search(
        [("picking_type_id.code", "=", "outgoing"), ("state", "=", "done"), ("date_deadline", "!=", False),
         *_of_day(company, day, "date_done")]
    )  # fmt: skip
    promised = [min(move.first_deadline or move.date_deadline for move in one.move_ids) for one in done]
    return 100 * _mean(company._day_of(one.date_done) <= company._day_of(at) for one, at in zip(done, promised))


def deliveries_late(env, company, _day):
    waiting = env["stock.picking"].search(
        [("company_id", "=", company.id), ("picking_type_id.code", "=", "outgoing"), ("date_deadline", "!=", False),
         ("location_dest_id.usage", "=", "customer"), ("state", "not in", ("draft", "done", "cancel"))]
    )  # fmt: skip
    today = company._day_of(datetime.datetime.now())
    promised = [min(move.first_deadline or move.date_deadline for move in one.move_ids) for one in waiting]
    return sum(company._day_of(at) < today for at in promised)


def units_handled(env, company, day):
    lines = env["stock.move.line"].search(
        [("state", "=", "done"), ("picking_id", "!=", False), *_of_day(company, day, "date")]
    )
    return sum(line.quantity_product_uom for line in lines)


def stock_slow_value(env, company, _day):
    before = datetime.datetime.now() - datetime.timedelta(days=90)
    quants = env["stock.quant"].search(
        [("company_id", "=", company.id), ("location_id.usage", "in", ("internal", "transit")), ("quantity", ">", 0),
         ("owner_id", "=", False), ("in_date", "<", before)]
    )  # fmt: skip
    value = 0
    for quant in quants:
        issued = env["stock.move"].search(
            [("product_id", "=", quant.product_id.id), ("state", "=", "done"), ("date", ">=", before),
             ("company_id", "=", company.id), ("location_id.usage", "in", ("internal", "transit")),
             ("location_id.warehouse_id", "=", quant.location_id.warehouse_id.id),
             ("location_dest_id.usage", "in", ("customer", "production"))],
            limit=1,
        )  # fmt: skip
        if not issued:
            value += quant.quantity * quant.product_id.standard_price
    return value


def _open_purchases(env, company):
    from odoo.addons.distribution_core.compat import PURCHASE_CONFIRMED_STATES

    lines = env["purchase.order.line"].search(
        [("company_id", "=", company.id), ("order_id.state", "in", PURCHASE_CONFIRMED_STATES),
         ("product_id.type", "!=", "service"), ("product_qty", ">", 0)]
    )  # fmt: skip
    return lines.filtered(lambda line: line.qty_received < line.product_qty)


def _worth(lines):
    return sum(
        (line.product_qty - line.qty_received) * line.price_subtotal / line.product_qty / line.order_id.currency_rate
        for line in lines
    )


def overdue_purchase_value(env, company, _day):
    today = company._day_of(datetime.datetime.now())
    return _worth(line for line in _open_purchases(env, company) if company._day_of(line.date_planned) < today)


def inbound_at_risk(env, company, _day):
    today, risky = company._day_of(datetime.datetime.now()), []
    for line in _open_purchases(env, company):
        comes = max(company._day_of(line.date_planned), today)
        wanted = env["stock.move"].search(
            [("product_id", "=", line.product_id.id), ("picking_type_id.code", "=", "outgoing"),
             ("picking_type_id.warehouse_id", "=", line.order_id.picking_type_id.warehouse_id.id),
             ("location_dest_id.usage", "=", "customer"),
             ("state", "in", ("waiting", "confirmed", "partially_available"))]
        )  # fmt: skip
        if any(company._day_of(move.date_deadline or move.date) < comes for move in wanted):
            risky.append(line)
    return _worth(risky)


def supplier_otif(env, company, day):
    promises = env["distribution.supplier.confirmation.line"].search(
        [("company_id", "=", company.id), ("confirmation_id.state", "!=", "cancelled"), ("order_line_id", "!=", False),
         "|", ("first_promised_day", "=", day), "&", ("first_promised_day", "=", False), ("asked_day", "=", day)]
    )  # fmt: skip
    _begin, end = company._moments_of(day, day)
    kept = []
    for promise in promises:
        moves = promise.order_line_id.move_ids
        came = sum(move.quantity for move in moves if move.state == "done" and move.date < end)
        kept.append(came >= promise.asked_quantity)
    return 100 * _mean(kept)


def match_first_pass(env, company, day):
    lines = env["distribution.match.line"].search([("verdict", "!=", "unknown"), *_of_day(company, day, "matched_at")])
    beyond = {}
    for line in lines:
        beyond[line.bill_ref] = beyond.get(line.bill_ref, False) or line.verdict == "beyond"
    return 100 * _mean(not one for one in beyond.values())


def approval_cycle(env, company, day):
    requests = env["distribution.approval.request"].search(
        [("state", "in", ("approved", "rejected")), *_of_day(company, day, "closed_at")]
    )
    return _mean(_hours(request.requested_at, request.closed_at) for request in requests)


def case_age(env, company, _day):
    now = datetime.datetime.now()
    cases = env["distribution.case"].search(
        [("company_id", "=", company.id), ("state", "in", ("open", "in_progress", "waiting"))]
    )
    return _mean(_hours(case.create_date, now) / 24 for case in cases)


LOOPS = {
    loop.__name__: loop
    for loop in (
        approval_cycle,
        case_age,
        deliveries_late,
        delivery_on_time,
        inbound_at_risk,
        match_first_pass,
        orders_confirmed,
        overdue_purchase_value,
        sales_margin,
        stock_slow_value,
        supplier_otif,
        units_handled,
    )
}
