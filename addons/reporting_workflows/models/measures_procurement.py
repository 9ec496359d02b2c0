"""What is bought, what vendors promised, what came, and what of it endangers customers."""

from datetime import timedelta

from odoo import api, models

from odoo.addons.distribution_core.compat import PURCHASE_CONFIRMED_STATES
from odoo.addons.distribution_core.models.distribution_case import OPEN_STATES

from .kpi_source import Dimension, Source, average, day_of, end_of, hours, share
from .measures_service import PICKING_TYPE, TODAY

ORDERED = ("state", "in", PURCHASE_CONFIRMED_STATES)
ORDER_TYPE = "LEFT JOIN stock_picking_type kind ON kind.id = purchase_order.picking_type_id"
ORDER_RATE = "NULLIF(purchase_order.currency_rate, 0)"
ORDER_DIMENSIONS = {
    "site": Dimension("picking_type_id.warehouse_id", "kind.warehouse_id"),
    "vendor": Dimension("partner_id"),
    "buyer": Dimension("user_id"),
}

LINE_JOINS = """JOIN purchase_order ordered ON ordered.id = purchase_order_line.order_id
                LEFT JOIN stock_picking_type kind ON kind.id = ordered.picking_type_id
                JOIN product_product product ON product.id = purchase_order_line.product_id
                JOIN product_template template ON template.id = product.product_tmpl_id"""
LINE_DIMENSIONS = {
    "site": Dimension("order_id.picking_type_id.warehouse_id", "kind.warehouse_id"),
    "vendor": Dimension("order_id.partner_id", "ordered.partner_id"),
    "buyer": Dimension("order_id.user_id", "ordered.user_id"),
    "category": Dimension("product_id.categ_id", "template.categ_id"),
    "product": Dimension("product_id"),
}
LINE_OPEN = (
    ("order_id.state", "in", PURCHASE_CONFIRMED_STATES),
    ("product_id.type", "!=", "service"),
    ("product_qty", ">", 0),
)
IS_OPEN = "purchase_order_line.qty_received < purchase_order_line.product_qty"
#: What is expected comes in time until its day is over where the company works, whatever the minute says.
EXPECTED_DAY = day_of("purchase_order_line.date_planned")
IS_LATE = f"{IS_OPEN} AND {EXPECTED_DAY} < {TODAY}"
OPEN_VALUE = """sum((purchase_order_line.product_qty - purchase_order_line.qty_received)
                    * purchase_order_line.price_subtotal / purchase_order_line.product_qty
                    / NULLIF(ordered.currency_rate, 0))"""
INBOUND_TOUCHED = ("purchase.order", "stock.picking", "distribution.supplier.confirmation", "distribution.ship.notice")

#: What was due of an order line – the day first promised, or else asked for – and what had come. In the product's unit.
#: A kit has come as often as the component of which the least came: moves of other products than the line's are parts.
PROMISE = "distribution_supplier_confirmation_line"
DUE_DAY = f"COALESCE({PROMISE}.first_promised_day, {PROMISE}.asked_day)"
DUE_END = end_of(DUE_DAY)
PROMISE_JOINS = f"""
    JOIN purchase_order_line line ON line.id = {PROMISE}.order_line_id
    JOIN purchase_order ordered ON ordered.id = line.order_id
    LEFT JOIN stock_picking_type kind ON kind.id = ordered.picking_type_id
    JOIN product_product product ON product.id = {PROMISE}.product_id
    JOIN product_template template ON template.id = product.product_tmpl_id
    CROSS JOIN LATERAL (
        SELECT ({PROMISE}.asked_quantity * COALESCE(line.product_uom_qty / NULLIF(line.product_qty, 0), 1))::numeric
               AS units,
               ({PROMISE}.asked_quantity * {PROMISE}.asked_price / NULLIF(ordered.currency_rate, 0))::numeric AS worth
    ) due
    CROSS JOIN LATERAL (
        SELECT COALESCE(min(part.in_time * part.per_unit), 0) AS in_time,
               COALESCE(min(part.by_end * part.per_unit), 0) AS by_end
          FROM (SELECT COALESCE(sum(moved.quantity) FILTER (WHERE move.date < {DUE_END}), 0) AS in_time,
                       COALESCE(sum(moved.quantity) FILTER (WHERE move.date < %(until)s), 0) AS by_end,
                       CASE WHEN move.product_id = {PROMISE}.product_id THEN 1
                            ELSE line.product_uom_qty
                                 / NULLIF(sum(move.product_qty) FILTER (WHERE target.usage <> 'supplier'), 0)
                       END::numeric AS per_unit
                  FROM stock_move move
                  JOIN stock_location target ON target.id = move.location_dest_id
                 CROSS JOIN LATERAL (
                      SELECT (CASE WHEN target.usage = 'supplier' THEN -1 ELSE 1 END
                              * COALESCE(sum(detail.quantity_product_uom), 0))::numeric AS quantity
                        FROM stock_move_line detail WHERE detail.move_id = move.id AND move.state = 'done') moved
                 WHERE move.purchase_line_id = line.id
                 GROUP BY move.product_id) part) came"""
IN_FULL = "came.in_time >= due.units - 0.000001"
PROMISE_DIMENSIONS = {
    "site": Dimension("order_line_id.order_id.picking_type_id.warehouse_id", "kind.warehouse_id"),
    "vendor": Dimension("partner_id"),
    "category": Dimension("product_id.categ_id", "template.categ_id"),
    "product": Dimension("product_id"),
}
CONFIRMATION_JOINS = """JOIN purchase_order ordered ON ordered.id = distribution_supplier_confirmation.order_id
                        LEFT JOIN stock_picking_type kind ON kind.id = ordered.picking_type_id"""
CONFIRMATION_DIMENSIONS = {
    "site": Dimension("order_id.picking_type_id.warehouse_id", "kind.warehouse_id"),
    "vendor": Dimension("partner_id"),
    "buyer": Dimension("user_id"),
}
#: Days in which a vendor answers; asked is with the order, not once more later.
ANSWER_DAYS = 3
ANSWER_DUE = f"distribution_supplier_confirmation.create_date + interval '{ANSWER_DAYS} days'"
ASKED = (("is_asked", "=", True), ("state", "!=", "cancelled"))
#: Cases of these types are the exceptions of procurement.
CASE_TYPES = (
    "arrival_late",
    "bill_mismatch",
    "confirmation_differs",
    "confirmation_failed",
    "confirmation_not_sent",
    "confirmation_overdue",
    "confirmation_rejected",
    "lead_time_drift",
    "lead_time_failed",
    "receipt_discrepancy",
    "receipt_not_compared",
    "replenishment_failed",
    "replenishment_rule_failed",
    "ship_notice_conflict",
    "vendor_declines",
)


def _promised(label, kind, **values):
    return Source(
        label,
        "distribution.supplier.confirmation.line",
        kind,
        **{
            "domain": (("confirmation_id.state", "!=", "cancelled"), ("order_line_id", "!=", False)),
            "moment": ("first_promised_day", "asked_day"),
            "joins": PROMISE_JOINS,
            "condition": f"{DUE_END} <= %(now)s",
            "dimensions": PROMISE_DIMENSIONS,
            "touched_by": ("distribution.supplier.confirmation", "stock.picking", "purchase.order"),
            **values,
        },
    )


SOURCES = {
    "purchases_ordered": Source(
        "Value of confirmed purchase orders",
        "purchase.order",
        "money",
        numerator=f"sum(purchase_order.amount_untaxed / {ORDER_RATE})",
        domain=(ORDERED,),
        moment="date_approve",
        joins=ORDER_TYPE,
        dimensions=ORDER_DIMENSIONS,
    ),
    "purchase_cycle": Source(
        "Hours from draft to confirmed purchase order",
        "purchase.order",
        "hours",
        **average(hours("purchase_order.create_date", "purchase_order.date_approve")),
        domain=(ORDERED,),
        moment="date_approve",
        joins=ORDER_TYPE,
        dimensions=ORDER_DIMENSIONS,
    ),
    "purchase_lines_past_day": Source(
        "Purchase lines beyond their day",
        "purchase.order.line",
        "integer",
        numerator="count(*)",
        domain=LINE_OPEN,
        joins=LINE_JOINS,
        condition=IS_LATE,
        dimensions=LINE_DIMENSIONS,
        touched_by=INBOUND_TOUCHED,
    ),
    "purchase_value_past_day": Source(
        "Value of purchase lines beyond their day",
        "purchase.order.line",
        "money",
        numerator=OPEN_VALUE,
        domain=LINE_OPEN,
        joins=LINE_JOINS,
        condition=IS_LATE,
        dimensions=LINE_DIMENSIONS,
        touched_by=INBOUND_TOUCHED,
    ),
    "inbound_after_need_day": Source(
        "Value on order that comes after the day on which customers need it",
        "purchase.order.line",
        "money",
        numerator=OPEN_VALUE,
        domain=LINE_OPEN,
        joins=LINE_JOINS,
        condition=f"""{IS_OPEN} AND EXISTS (
            SELECT 1 FROM stock_move wanted
              JOIN stock_picking_type way ON way.id = wanted.picking_type_id
              JOIN stock_location place ON place.id = wanted.location_dest_id AND place.usage = 'customer'
             WHERE wanted.product_id = purchase_order_line.product_id AND way.code = 'outgoing'
               AND way.warehouse_id = kind.warehouse_id
               AND wanted.state IN ('waiting', 'confirmed', 'partially_available')
               AND {day_of("COALESCE(wanted.date_deadline, wanted.date)")} < GREATEST({EXPECTED_DAY}, {TODAY}))""",
        dimensions=LINE_DIMENSIONS,
        touched_by=(*INBOUND_TOUCHED, "sale.order"),
    ),
    "supplier_otif": _promised("Purchase lines on time and in full", "percent", **share(IN_FULL)),
    "supplier_fill_rate": _promised(
        "Value that was due and had come by the end of the period",
        "percent",
        numerator="sum(due.worth * LEAST(GREATEST(came.by_end, 0) / NULLIF(due.units, 0), 1))",
        denominator="sum(due.worth)",
        scale=100,
        days_add_up=False,
    ),
    "supplier_breaches": _promised(
        "Promises that were broken",
        "integer",
        numerator="count(*)",
        condition=f"{DUE_END} <= %(now)s AND NOT {IN_FULL} AND {PROMISE}.first_promised_day IS NOT NULL",
    ),
    "acknowledged_in_time": Source(
        f"Orders that their vendor answered within {ANSWER_DAYS} days",
        "distribution.supplier.confirmation",
        "percent",
        **share(f"distribution_supplier_confirmation.first_answer_at <= {ANSWER_DUE}"),
        # Also of orders that were cancelled: a day that is over does not change any more.
        domain=(("is_asked", "=", True),),
        moment="create_date",
        delay=timedelta(days=ANSWER_DAYS),
        joins=CONFIRMATION_JOINS,
        condition=f"{ANSWER_DUE} <= %(now)s",
        dimensions=CONFIRMATION_DIMENSIONS,
    ),
    "acknowledgement_time": Source(
        "Working hours until the vendor's first answer",
        "distribution.supplier.confirmation",
        "hours",
        **average("distribution_supplier_confirmation.answer_hours"),
        domain=(*ASKED, ("first_answer_at", "!=", False)),
        moment="first_answer_at",
        joins=CONFIRMATION_JOINS,
        dimensions=CONFIRMATION_DIMENSIONS,
    ),
    "supplier_lead_time": Source(
        "Days from purchase order to arrival",
        "stock.move",
        "days",
        **average(hours("ordered.date_approve", "stock_move.date") + " / 24.0"),
        domain=(
            ("state", "=", "done"),
            ("purchase_line_id", "!=", False),
            ("location_dest_id.usage", "!=", "supplier"),
        ),
        moment="date",
        joins="""JOIN purchase_order_line line ON line.id = stock_move.purchase_line_id
                 JOIN purchase_order ordered ON ordered.id = line.order_id
                 LEFT JOIN stock_picking_type kind ON kind.id = stock_move.picking_type_id
                 JOIN product_product product ON product.id = stock_move.product_id
                 JOIN product_template template ON template.id = product.product_tmpl_id""",
        dimensions={
            "site": Dimension("picking_type_id.warehouse_id", "kind.warehouse_id"),
            "vendor": Dimension("purchase_line_id.order_id.partner_id", "ordered.partner_id"),
            "category": Dimension("product_id.categ_id", "template.categ_id"),
            "product": Dimension("product_id"),
        },
        touched_by=("stock.picking", "stock.move"),
    ),
    "receipt_discrepancy_rate": Source(
        "Receipts with a discrepancy",
        "stock.picking",
        "percent",
        **share("""EXISTS (SELECT 1 FROM distribution_receipt_discrepancy found
                            WHERE found.picking_ref = stock_picking.id)"""),
        domain=(
            ("picking_type_id.code", "=", "incoming"),
            ("state", "=", "done"),
            ("location_id.usage", "=", "supplier"),
        ),
        moment="date_done",
        joins=PICKING_TYPE,
        dimensions={
            "site": Dimension("picking_type_id.warehouse_id", "kind.warehouse_id"),
            "vendor": Dimension("partner_id"),
        },
    ),
    "procurement_exceptions": Source(
        "Open cases of procurement",
        "distribution.case",
        "integer",
        numerator="count(*)",
        domain=(("state", "in", OPEN_STATES), ("type_id.code", "in", CASE_TYPES)),
        dimensions={"site": Dimension("site_id"), "type": Dimension("type_id")},
    ),
}


class KpiSource(models.AbstractModel):
    _inherit = "distribution.kpi.source"

    @api.model
    def _sources(self):
        return {**super()._sources(), **SOURCES}
