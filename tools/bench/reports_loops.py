"""KPIs the way that one writes them with the ORM: search, then a loop over the records.

Each function takes an environment, the company and a day of its calendar, and returns the value. One KPI has none:
what is open of all orders is found by reading every line ever sold (``open_order_value``).
"""

import datetime

#: What is done with goods: where they go, and where they are.
TO_CUSTOMERS = [("picking_type_id.code", "=", "outgoing"), ("location_dest_id.usage", "=", "customer")]
OPEN_PICKING = ("state", "not in", ("draft", "done", "cancel"))
OWN_PLACE = ("internal", "transit")
OPEN_CASE = ("open", "in_progress", "waiting")
ASKED = ("pending", "question", "revision", "on_hold")
ALONE = ("policy", "fast_path")


def _mean(values):
    values = list(values)
    return sum(values) / len(values) if values else 0.0


def _share(found):
    return 100 * _mean(map(bool, found))


def _hours(start, end):
    return (end - start).total_seconds() / 3600


def _now():
    return datetime.datetime.now()


def _of(company, whose="company_id"):
    return (whose, "=", company.id)


def _of_day(company, day, name, whose="company_id"):
    """Domain: records of the company of which the moment ``name`` lies on the day."""
    begin, end = company._moments_of(day, day)
    return [_of(company, whose), (name, ">=", begin), (name, "<", end)]


def promised(picking):
    """When a delivery was promised first."""
    moments = [move.first_deadline or move.date_deadline for move in picking.move_ids]
    moments = [moment for moment in moments if moment]
    if not moments:
        return picking.date_deadline
    return min(moments) if picking.move_type == "direct" else max(moments)


# ------------------------------------------------------------------- service


def orders_confirmed(env, company, day):
    return env["sale.order"].search_count([("state", "=", "sale"), *_of_day(company, day, "date_order")])


def _delivered(env, company, day):
    return env["stock.picking"].search([("state", "=", "done"), *TO_CUSTOMERS, *_of_day(company, day, "date_done")])


def _waiting(env, company):
    return env["stock.picking"].search([_of(company), *TO_CUSTOMERS, OPEN_PICKING])


def _days_late(env, company, day):
    done = _delivered(env, company, day).filtered("date_deadline")
    return [(company._day_of(one.date_done) - company._day_of(promised(one))).days for one in done]


def delivery_on_time(env, company, day):
    return _share(days <= 0 for days in _days_late(env, company, day))


def delivery_delay(env, company, day):
    return _mean(days for days in _days_late(env, company, day) if days > 0)


def units_due(env, company, day):
    """``(units that left in time, units that were due)``."""
    begin, end = company._moments_of(day, day)
    moves = env["stock.move"].search(
        [_of(company), *TO_CUSTOMERS, ("state", "!=", "draft"), ("date_deadline", "!=", False),
         "|", "&", ("first_deadline", ">=", begin), ("first_deadline", "<", end),
         "&", ("first_deadline", "=", False), "&", ("date_deadline", ">=", begin), ("date_deadline", "<", end)]
    )  # fmt: skip
    left = due = 0
    for move in moves:
        if move.state == "cancel" and company._day_of(move.cancelled_at) <= day:
            continue
        due += move.product_qty + move.taken_off_qty
        if move.state == "done" and company._day_of(move.date) <= day:
            left += move.product_qty
    return left, due


def service_level(env, company, day):
    left, due = units_due(env, company, day)
    return 100 * left / due if due else 0


def deliveries_late(env, company, _day):
    today = company._day_of(_now())
    waiting = _waiting(env, company).filtered("date_deadline")
    return sum(company._day_of(promised(one)) < today for one in waiting)


def shortage_lines(env, company, _day):
    states = ("waiting", "confirmed", "partially_available")
    moves = env["stock.move"].search([_of(company), *TO_CUSTOMERS, ("state", "in", states)])

    def lacks(move):
        here = move.state in states[1:] and move.location_id.usage == "internal"
        return here or any(lacks(earlier) for earlier in move.move_orig_ids)

    return sum(move.state != "waiting" or lacks(move) for move in moves)


def carrier_delays(env, company, _day):
    from odoo.addons.distribution_core.engine.carrier import TROUBLE, UNDER_WAY

    handed = env["stock.picking"].search(
        [_of(company), *TO_CUSTOMERS, ("carrier_handed_at", "!=", False), ("carrier_status", "in", UNDER_WAY)]
    )
    late = 0
    for one in handed:
        promised, expected = one.carrier_promised_at, one.carrier_expected_at
        is_beyond = promised and (promised < _now() or (expected and expected > promised))
        late += one.carrier_status in TROUBLE or bool(is_beyond)
    return late


def order_cycle(env, company, day):
    done = _delivered(env, company, day).filtered("sale_id")
    return _mean(_hours(one.sale_id.date_order, one.date_done) / 24 for one in done)


def backorders(env, company, _day):
    return len(_waiting(env, company).filtered("backorder_id"))


def backorder_age(env, company, _day):
    waiting = _waiting(env, company).filtered("backorder_id")
    return _mean(_hours(one.create_date, _now()) / 24 for one in waiting)


def customer_returns(env, company, day):
    return env["stock.picking"].search_count(
        [("picking_type_id.code", "=", "incoming"), ("state", "=", "done"), ("location_id.usage", "=", "customer"),
         *_of_day(company, day, "date_done")]
    )  # fmt: skip


# --------------------------------------------------------------------- sales


def sold(env, company, day):
    return env["sale.order"].search([("state", "=", "sale"), *_of_day(company, day, "date_order")])


def sales_ordered(env, company, day):
    return sum(order.amount_untaxed / order.currency_rate for order in sold(env, company, day))


def order_value(env, company, day):
    return _mean(order.amount_untaxed / order.currency_rate for order in sold(env, company, day))


def _sold_lines(env, company, day):
    return sold(env, company, day).order_line.filtered(lambda line: not line.display_type)


def sales_margin(env, company, day):
    return sum(line.margin / line.order_id.currency_rate for line in _sold_lines(env, company, day))


def sales_margin_rate(env, company, day):
    lines = _sold_lines(env, company, day)
    value = sum(line.price_subtotal / line.order_id.currency_rate for line in lines)
    return 100 * sum(line.margin / line.order_id.currency_rate for line in lines) / value if value else 0


def sales_invoiced(env, company, day):
    invoices = env["account.move"].search(
        [_of(company), ("move_type", "in", ("out_invoice", "out_refund", "out_receipt")), ("state", "=", "posted"),
         ("invoice_date", "=", day)]
    )  # fmt: skip
    return sum(invoice.amount_untaxed_signed for invoice in invoices)


# --------------------------------------------------------------------- stock


def _on_hand(env, company, *domain):
    return env["stock.quant"].search(
        [_of(company), ("location_id.usage", "in", OWN_PLACE), ("quantity", "!=", 0), ("owner_id", "=", False), *domain]
    )


def _value(quant):
    return quant.quantity * quant.product_id.standard_price


def _age(quant):
    return _hours(quant.in_date, _now()) / 24


def stock_value(env, company, _day):
    return sum(_value(quant) for quant in _on_hand(env, company))


def stock_age(env, company, _day):
    quants = _on_hand(env, company, ("quantity", ">", 0))
    return sum(_value(one) * _age(one) for one in quants) / sum(_value(one) for one in quants)


def stock_old_share(env, company, _day):
    quants = _on_hand(env, company, ("quantity", ">", 0))
    return 100 * sum(_value(one) for one in quants if _age(one) > 180) / sum(_value(one) for one in quants)


def _idle_value(env, company, days):
    before, value = _now() - datetime.timedelta(days=days), 0
    for quant in _on_hand(env, company, ("quantity", ">", 0), ("in_date", "<", before)):
        issued = env["stock.move"].search(
            [("product_id", "=", quant.product_id.id), ("state", "=", "done"), ("date", ">=", before),
             _of(company), ("location_id.usage", "in", OWN_PLACE),
             ("location_id.warehouse_id", "=", quant.location_id.warehouse_id.id),
             ("location_dest_id.usage", "in", ("customer", "production"))],
            limit=1,
        )  # fmt: skip
        if not issued:
            value += _value(quant)
    return value


def stock_slow_value(env, company, _day):
    return _idle_value(env, company, 90)


def stock_dead_value(env, company, _day):
    return _idle_value(env, company, 180)


def stock_negative(env, company, _day):
    return len(_on_hand(env, company, ("quantity", "<", 0)))


def stock_without_cost(env, company, _day):
    products = _on_hand(env, company, ("quantity", ">", 0)).product_id
    return len(products.filtered(lambda product: not product.standard_price))


def _counted(env, company, day):
    return env["stock.move"].search(
        [("is_inventory", "=", True), ("state", "=", "done"), *_of_day(company, day, "date")]
    )


def inventory_discrepancy(env, company, day):
    return sum(
        sum(line.quantity_product_uom for line in move.move_line_ids) * move.product_id.standard_price
        for move in _counted(env, company, day)
    )


def inventory_accuracy(env, company, day):
    return _share(move.quantity == 0 for move in _counted(env, company, day))


def transfer_lead_time(env, company, day):
    moves = env["stock.move"].search(
        [("state", "=", "done"), ("location_dest_id.warehouse_id", "!=", False), *_of_day(company, day, "date")]
    )
    took = []
    for move in moves:
        here = move.location_dest_id.warehouse_id
        sent = move.move_orig_ids.filtered(lambda one: one.state == "done" and one.location_id.warehouse_id)
        left = [one.date for one in sent if one.location_id.warehouse_id != here]
        if left:
            took.append(_hours(min(left), move.date))
    return _mean(took)


def _handled(env, company, day):
    return env["stock.move.line"].search(
        [("state", "=", "done"), ("picking_id", "!=", False), *_of_day(company, day, "date")]
    )


def lines_handled(env, company, day):
    return len(_handled(env, company, day))


def units_handled(env, company, day):
    return sum(line.quantity_product_uom for line in _handled(env, company, day))


def lines_per_person_day(env, company, day):
    lines = _handled(env, company, day).filtered(lambda line: line.picking_id.user_id)
    people = {(line.picking_id.user_id, company._day_of(line.date)) for line in lines}
    return len(lines) / len(people) if people else 0


def pick_to_ship(env, company, day):
    return _mean(_hours(one.create_date, one.date_done) for one in _delivered(env, company, day))


# --------------------------------------------------------------- procurement


def _purchased(env, company, day):
    from odoo.addons.distribution_core.compat import PURCHASE_CONFIRMED_STATES

    confirmed = ("state", "in", PURCHASE_CONFIRMED_STATES)
    return env["purchase.order"].search([confirmed, *_of_day(company, day, "date_approve")])


def purchases_ordered(env, company, day):
    return sum(order.amount_untaxed / order.currency_rate for order in _purchased(env, company, day))


def purchase_cycle(env, company, day):
    return _mean(_hours(order.create_date, order.date_approve) for order in _purchased(env, company, day))


def _open_purchases(env, company):
    from odoo.addons.distribution_core.compat import PURCHASE_CONFIRMED_STATES

    lines = env["purchase.order.line"].search(
        [_of(company), ("order_id.state", "in", PURCHASE_CONFIRMED_STATES), ("product_id.type", "!=", "service"),
         ("product_qty", ">", 0)]
    )  # fmt: skip
    return lines.filtered(lambda line: line.qty_received < line.product_qty)


def _overdue(env, company):
    today = company._day_of(_now())
    return _open_purchases(env, company).filtered(lambda line: company._day_of(line.date_planned) < today)


def _worth(lines):
    return sum(
        (line.product_qty - line.qty_received) * line.price_subtotal / line.product_qty / line.order_id.currency_rate
        for line in lines
    )


def overdue_purchase_lines(env, company, _day):
    return len(_overdue(env, company))


def overdue_purchase_value(env, company, _day):
    return _worth(_overdue(env, company))


def inbound_at_risk(env, company, _day):
    today, risky = company._day_of(_now()), []
    for line in _open_purchases(env, company):
        comes = max(company._day_of(line.date_planned), today)
        wanted = env["stock.move"].search(
            [("product_id", "=", line.product_id.id), *TO_CUSTOMERS,
             ("picking_type_id.warehouse_id", "=", line.order_id.picking_type_id.warehouse_id.id),
             ("state", "in", ("waiting", "confirmed", "partially_available"))]
        )  # fmt: skip
        if any(company._day_of(move.date_deadline or move.date) < comes for move in wanted):
            risky.append(line)
    return _worth(risky)


def _promises(env, company, day):
    """``[(promise, what came until the day was over)]`` of what was due on it."""
    promises = env["distribution.supplier.confirmation.line"].search(
        [_of(company), ("confirmation_id.state", "!=", "cancelled"), ("order_line_id", "!=", False),
         "|", ("first_promised_day", "=", day), "&", ("first_promised_day", "=", False), ("asked_day", "=", day)]
    )  # fmt: skip
    _begin, end = company._moments_of(day, day)
    for promise in promises:
        moves = promise.order_line_id.move_ids.filtered(lambda move: move.state == "done" and move.date < end)
        yield promise, sum(line.quantity_product_uom for line in moves.move_line_ids)


def supplier_otif(env, company, day):
    return _share(came >= promise.asked_quantity for promise, came in _promises(env, company, day))


def supplier_fill_rate(env, company, day):
    due = filled = 0
    for promise, came in _promises(env, company, day):
        worth = promise.asked_quantity * promise.asked_price / promise.order_line_id.order_id.currency_rate
        due, filled = due + worth, filled + worth * min(came / promise.asked_quantity, 1)
    return 100 * filled / due if due else 0


def supplier_breaches(env, company, day):
    return sum(
        bool(promise.first_promised_day) and came < promise.asked_quantity
        for promise, came in _promises(env, company, day)
    )


def acknowledgement_rate(env, company, day):
    wait = datetime.timedelta(days=3)
    begin, end = (moment - wait for moment in company._moments_of(day, day))
    asked = env["distribution.supplier.confirmation"].search(
        [_of(company), ("is_asked", "=", True), ("create_date", ">=", begin), ("create_date", "<", end)]
    )
    return _share(one.first_answer_at and one.first_answer_at <= one.create_date + wait for one in asked)


def acknowledgement_time(env, company, day):
    answered = env["distribution.supplier.confirmation"].search(
        [("is_asked", "=", True), ("state", "!=", "cancelled"), *_of_day(company, day, "first_answer_at")]
    )
    return _mean(one.answer_hours for one in answered)


def supplier_lead_time(env, company, day):
    moves = env["stock.move"].search(
        [("state", "=", "done"), ("purchase_line_id", "!=", False), ("location_dest_id.usage", "!=", "supplier"),
         *_of_day(company, day, "date")]
    )  # fmt: skip
    return _mean(_hours(move.purchase_line_id.order_id.date_approve, move.date) / 24 for move in moves)


def receipt_discrepancy_rate(env, company, day):
    receipts = env["stock.picking"].search(
        [("picking_type_id.code", "=", "incoming"), ("state", "=", "done"), ("location_id.usage", "=", "supplier"),
         *_of_day(company, day, "date_done")]
    )  # fmt: skip
    found = env["distribution.receipt.discrepancy"]
    return _share(found.search_count([("picking_ref", "=", receipt.id)]) for receipt in receipts)


def procurement_exceptions(env, company, _day):
    from odoo.addons.reporting_workflows.models.measures_procurement import CASE_TYPES

    return env["distribution.case"].search_count(
        [_of(company), ("state", "in", OPEN_CASE), ("type_id.code", "in", CASE_TYPES)]
    )


# ----------------------------------------------------------------- approvals


def straight_through(env, company, day):
    releases = env["distribution.approval.release"].search(
        [("kind", "in", (*ALONE, "approval", "emergency")), *_of_day(company, day, "released_at")]
    )
    return _share(release.kind in ALONE for release in releases)


def approval_cycle(env, company, day):
    requests = env["distribution.approval.request"].search(
        [("state", "in", ("approved", "rejected")), *_of_day(company, day, "closed_at")]
    )
    return _mean(_hours(request.requested_at, request.closed_at) for request in requests)


def approvals_waiting(env, company, _day):
    return env["distribution.approval.request"].search_count([_of(company), ("state", "in", ASKED)])


def approval_oldest(env, company, _day):
    waiting = env["distribution.approval.request"].search([_of(company), ("state", "in", ASKED)])
    return max((_hours(request.requested_at, _now()) for request in waiting), default=0)


def approvals_overdue(env, company, _day):
    return env["distribution.approval.task"].search_count(
        [_of(company), ("state", "=", "open"), ("due_at", "<", _now())]
    )


def approval_breach_rate(env, company, day):
    tasks = env["distribution.approval.task"].search(
        [("opened_at", "!=", False), ("clock", "!=", False), *_of_day(company, day, "closed_at")]
    )
    steps = env["distribution.approval.clock.step"]
    return _share(
        steps.search_count([("task_id", "=", task.id), ("kind", "in", ("escalation", "final"))]) for task in tasks
    )


def emergency_releases(env, company, day):
    return env["distribution.approval.release"].search_count(
        [("kind", "=", "emergency"), *_of_day(company, day, "released_at")]
    )


def delegated_decisions(env, company, day):
    decisions = env["distribution.approval.decision"].search(
        _of_day(company, day, "decided_at", "request_id.company_id")
    )
    return _share(decision.on_behalf_id for decision in decisions)


# ------------------------------------------------------------------- finance


def match_first_pass(env, company, day):
    lines = env["distribution.match.line"].search([("verdict", "!=", "unknown"), *_of_day(company, day, "matched_at")])
    beyond = {}
    for line in lines:
        beyond[line.bill_ref] = beyond.get(line.bill_ref, False) or line.verdict == "beyond"
    return _share(not one for one in beyond.values())


def match_time(env, company, day):
    lines = env["distribution.match.line"]
    took = []
    for line in lines.search(_of_day(company, day, "matched_at")):
        if line == lines.search([("bill_ref", "=", line.bill_ref)], order="id", limit=1):
            took.append(_hours(env["account.move"].browse(line.bill_ref).create_date, line.matched_at))
    return _mean(took)


def payment_holds(env, company, _day):
    held = env["distribution.approval.request"].search(
        [_of(company), ("state", "in", ASKED), ("document_type", "=", "vendor_bill")]
    )
    return sum(request.amount for request in held)


# ------------------------------------------------------ cases and integration


def cases_open(env, company, _day):
    return env["distribution.case"].search_count([_of(company), ("state", "in", OPEN_CASE)])


def case_age(env, company, _day):
    cases = env["distribution.case"].search([_of(company), ("state", "in", OPEN_CASE)])
    return _mean(_hours(case.create_date, _now()) / 24 for case in cases)


def cases_overdue(env, company, _day):
    return env["distribution.case"].search_count(
        [_of(company), ("state", "in", ("open", "in_progress")), ("due_at", "<", _now())]
    )


def case_resolution(env, company, day):
    cases = env["distribution.case"].search([("state", "=", "resolved"), *_of_day(company, day, "closed_at")])
    return _mean(_hours(case.create_date, case.closed_at) for case in cases)


def customer_exceptions(env, company, _day):
    about = ("sale.order", "distribution.customer.return", "distribution.delivery.hold")
    return env["distribution.case"].search_count([_of(company), ("state", "in", OPEN_CASE), ("res_model", "in", about)])


def webhook_delivered(env, company, day):
    ended = env["distribution.webhook.attempt"].search(
        [("next_at", "=", False), *_of_day(company, day, "at", "delivery_id.company_id")]
    )
    return _share(200 <= attempt.status <= 299 for attempt in ended)


def webhook_dead(env, company, _day):
    return env["distribution.webhook.delivery"].search_count([_of(company), ("state", "=", "dead")])


def webhook_latency(env, company, day):
    arrived = env["distribution.webhook.delivery"].search(
        [("state", "=", "delivered"), *_of_day(company, day, "done_at")]
    )
    return _mean((one.done_at - one.began_at).total_seconds() for one in arrived)


def api_refused(env, company, day):
    calls = env["distribution.api.call"].search(_of_day(company, day, "received_at"))
    return _share(call.state in ("refused", "failed") for call in calls)


#: What counts for others here and is no KPI.
HELPERS = (promised, sold, units_due)
LOOPS = {
    name: loop
    for name, loop in sorted(globals().items())
    if callable(loop) and not name.startswith("_") and loop not in HELPERS
}
