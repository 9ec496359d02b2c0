"""A whole daily report the way that one writes it with the ORM: nothing is kept, figures and tables are loops."""

import datetime

from . import reports_loops as loops

#: What happens on a day is shown beside the day before; how it stands is not known of that one any more.
FLOWS = (loops.service_level, loops.delivery_on_time, loops.orders_confirmed, loops.delivery_delay, loops.order_cycle)
LEVELS = (loops.deliveries_late, loops.shortage_lines, loops.carrier_delays)
TREND_DAYS, LISTED = 28, 100


def daily_service_level(env, company, day):
    """``{name: number or rows}`` of what the report of the library says about one day."""
    before, own = day - datetime.timedelta(days=1), ("company_id", "=", company.id)
    told = {loop.__name__: loop(env, company, day) for loop in (*FLOWS, *LEVELS)}
    told |= {f"{loop.__name__} before": loop(env, company, before) for loop in FLOWS}
    days = [day - datetime.timedelta(days=number) for number in reversed(range(TREND_DAYS))]
    units = [loops.units_due(env, company, one) for one in days]
    told["trend"] = [round(100 * left / due, 4) for left, due in units if due]
    sold = loops.sold(env, company, day)
    sites = [(site, sold.filtered(lambda order, site=site: order.warehouse_id == site)) for site in sold.warehouse_id]
    told["orders"] = sorted([site.name, len(orders), len(orders.partner_id)] for site, orders in sites)
    late, today = [], company._day_of(datetime.datetime.now())
    for picking in env["stock.picking"].search(
        [own, *loops.TO_CUSTOMERS, loops.OPEN_PICKING, ("date_deadline", "!=", False)], order="date_deadline, id"
    ):
        if company._day_of(loops.promised(picking)) < today:
            late.append([picking.name, picking.partner_id.display_name, picking.picking_type_id.warehouse_id.name])
    told["late"] = late[:LISTED]
    lacking = env["stock.move"].search(
        [own, *loops.TO_CUSTOMERS, ("state", "in", ("confirmed", "partially_available"))], order="date_deadline, id"
    )
    told["shortages"] = [
        [move.picking_id.name, move.product_id.display_name, move.product_uom_qty, move.quantity]
        for move in lacking[:LISTED]
    ]
    return told


def as_told(content):
    """The same of what the report says (:class:`Content`)."""
    sections = {section.code: section for section in content.sections}
    told = {figure.code: float(figure.value or 0) for figure in sections["figures"].figures}
    for figure in sections["figures"].figures:
        if figure.code in [loop.__name__ for loop in FLOWS]:
            told[f"{figure.code} before"] = float(figure.previous or 0)
    told["trend"] = [float(value) for value in sections["trend"].chart.series[0].values]
    told["orders"] = sorted(list(row[:3]) for row in sections["orders"].table.rows)
    told["late"] = [[row[0], row[1], row[3]] for row in sections["late"].table.rows]
    told["shortages"] = [
        [name, product, float(asked), float(reserved)]
        for name, product, asked, reserved, *_due in sections["shortages"].table.rows
    ]
    return told
