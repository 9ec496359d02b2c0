"""What customers notice: orders, deliveries in time and in full, shortages."""

from odoo import api, models

from odoo.addons.distribution_core.compat import IS_17
from odoo.addons.distribution_core.engine.carrier import TROUBLE, UNDER_WAY

from .kpi_source import Dimension, Source, average, day_of, hours, share

PICKING_TYPE = "JOIN stock_picking_type kind ON kind.id = stock_picking.picking_type_id"
MOVE_TYPE = "LEFT JOIN stock_picking_type kind ON kind.id = stock_move.picking_type_id"
MOVE_PRODUCT = """JOIN product_product product ON product.id = stock_move.product_id
                  JOIN product_template template ON template.id = product.product_tmpl_id"""
PICKING_DIMENSIONS = {
    "site": Dimension("picking_type_id.warehouse_id", "kind.warehouse_id"),
    "customer": Dimension("partner_id"),
}
MOVE_DIMENSIONS = {
    "site": Dimension("picking_type_id.warehouse_id", "kind.warehouse_id"),
    "category": Dimension("product_id.categ_id", "template.categ_id"),
    "product": Dimension("product_id"),
}
#: To customers: other sites and vendors get goods by the same type of transfer.
OUTGOING = (("picking_type_id.code", "=", "outgoing"), ("location_dest_id.usage", "=", "customer"))
OPEN = ("state", "not in", ("draft", "done", "cancel"))
#: What a customer was promised first, of a line and of a delivery: moving the deadline later makes nothing punctual.
#: A promise is a day: what leaves before it is over where the company works is in time, whatever the minute says.
PROMISED_LINE = "COALESCE(stock_move.first_deadline, stock_move.date_deadline)"
LINE_DAY = day_of(PROMISED_LINE)
PROMISED = f"""{PICKING_TYPE} CROSS JOIN LATERAL (
    SELECT COALESCE(CASE WHEN stock_picking.move_type = 'direct' THEN min(line.deadline) ELSE max(line.deadline) END,
                    stock_picking.date_deadline) AS deadline
      FROM (SELECT COALESCE(move.first_deadline, move.date_deadline) AS deadline
              FROM stock_move move WHERE move.picking_id = stock_picking.id) line) promised"""
PROMISED_DAY, DONE_DAY, TODAY = day_of("promised.deadline"), day_of("stock_picking.date_done"), day_of("%(now)s")
#: Something that an earlier step of the delivery takes from the shelf lacks goods.
EARLIER_STEP_SHORT = """EXISTS (
    WITH RECURSIVE earlier(id) AS (
        SELECT link.move_orig_id FROM stock_move_move_rel link WHERE link.move_dest_id = stock_move.id
        UNION
        SELECT link.move_orig_id FROM earlier JOIN stock_move_move_rel link ON link.move_dest_id = earlier.id)
    SELECT 1 FROM earlier
      JOIN stock_move step ON step.id = earlier.id AND step.state IN ('confirmed', 'partially_available')
      JOIN stock_location shelf ON shelf.id = step.location_id AND shelf.usage = 'internal')"""
#: Odoo 19 makes the step that leaves the house only once the one before is done: until then that one stands for it.
TO_CUSTOMERS = (
    OUTGOING
    if IS_17
    else (
        "|",
        "&",
        *OUTGOING,
        "&",
        "&",
        ("location_final_id.usage", "=", "customer"),
        ("location_dest_id.usage", "=", "internal"),
        ("move_dest_ids", "=", False),
    )
)

SOURCES = {
    "orders_confirmed": Source(
        "Sale orders confirmed",
        "sale.order",
        "integer",
        numerator="count(*)",
        domain=(("state", "=", "sale"),),
        moment="date_order",
        dimensions={
            "site": Dimension("warehouse_id"),
            "customer": Dimension("partner_id"),
            "salesperson": Dimension("user_id"),
        },
    ),
    "delivery_day_kept": Source(
        "Deliveries done by the day promised first",
        "stock.picking",
        "percent",
        **share(f"{DONE_DAY} <= {PROMISED_DAY}"),
        domain=(*OUTGOING, ("state", "=", "done"), ("date_deadline", "!=", False)),
        moment="date_done",
        joins=PROMISED,
        dimensions=PICKING_DIMENSIONS,
    ),
    "due_units_by_day": Source(
        "Units that were due and left by the day promised first",
        "stock.move",
        "percent",
        numerator=f"""sum(stock_move.product_qty) FILTER (WHERE stock_move.state = 'done'
                                                            AND {day_of("stock_move.date")} <= {LINE_DAY})""",
        denominator="sum(stock_move.product_qty + COALESCE(stock_move.taken_off_qty, 0))",
        scale=100,
        domain=(*OUTGOING, ("state", "!=", "draft"), ("date_deadline", "!=", False)),
        moment=("first_deadline", "date_deadline"),
        joins=f"{MOVE_TYPE} {MOVE_PRODUCT}",
        # What was cancelled or taken off when it was overdue stays undelivered: nobody improves a day that is over.
        condition=f"""{LINE_DAY} < {TODAY}
                  AND (stock_move.state <> 'cancel' OR {day_of("stock_move.cancelled_at")} > {LINE_DAY})""",
        dimensions=MOVE_DIMENSIONS,
        touched_by=("stock.move", "stock.picking"),
    ),
    "deliveries_past_day": Source(
        "Open deliveries beyond the day promised first",
        "stock.picking",
        "integer",
        numerator="count(*)",
        domain=(*OUTGOING, OPEN, ("date_deadline", "!=", False)),
        joins=PROMISED,
        condition=f"{PROMISED_DAY} < {TODAY}",
        dimensions=PICKING_DIMENSIONS,
    ),
    "late_at_the_carrier": Source(
        "Deliveries late at their carrier",
        "stock.picking",
        "integer",
        numerator="count(*)",
        domain=(*OUTGOING, ("carrier_handed_at", "!=", False), ("carrier_status", "in", UNDER_WAY)),
        joins=PICKING_TYPE,
        condition=f"""stock_picking.carrier_status IN {TROUBLE} OR stock_picking.carrier_promised_at < %(now)s
                      OR stock_picking.carrier_expected_at > stock_picking.carrier_promised_at""",
        dimensions=PICKING_DIMENSIONS,
    ),
    "shortages": Source(
        "Lines to deliver that lack goods",
        "stock.move",
        "integer",
        numerator="count(*)",
        domain=(*TO_CUSTOMERS, ("state", "in", ("waiting", "confirmed", "partially_available"))),
        joins=f"{MOVE_TYPE} {MOVE_PRODUCT}",
        condition=f"stock_move.state <> 'waiting' OR {EARLIER_STEP_SHORT}",
        dimensions=MOVE_DIMENSIONS,
        touched_by=("stock.move", "stock.picking", "sale.order"),
    ),
    "delay_beyond_day": Source(
        "Days late of deliveries done after the day promised first",
        "stock.picking",
        "days",
        **average(f"{DONE_DAY} - {PROMISED_DAY}"),
        domain=(*OUTGOING, ("state", "=", "done"), ("date_deadline", "!=", False)),
        moment="date_done",
        joins=PROMISED,
        condition=f"{DONE_DAY} > {PROMISED_DAY}",
        dimensions=PICKING_DIMENSIONS,
    ),
    "order_cycle": Source(
        "Days from order to delivery",
        "stock.picking",
        "days",
        **average(hours("ordered.date_order", "stock_picking.date_done") + " / 24.0"),
        domain=(*OUTGOING, ("state", "=", "done"), ("sale_id", "!=", False)),
        moment="date_done",
        joins=f"{PICKING_TYPE} JOIN sale_order ordered ON ordered.id = stock_picking.sale_id",
        dimensions=PICKING_DIMENSIONS,
    ),
    "backorders": Source(
        "Back-orders waiting",
        "stock.picking",
        "integer",
        numerator="count(*)",
        domain=(*OUTGOING, OPEN, ("backorder_id", "!=", False)),
        joins=PICKING_TYPE,
        dimensions=PICKING_DIMENSIONS,
    ),
    "backorder_age": Source(
        "Age of back-orders waiting",
        "stock.picking",
        "days",
        **average(hours("stock_picking.create_date", "%(now)s") + " / 24.0"),
        domain=(*OUTGOING, OPEN, ("backorder_id", "!=", False)),
        joins=PICKING_TYPE,
        dimensions=PICKING_DIMENSIONS,
    ),
    "customer_returns": Source(
        "Returns received from customers",
        "stock.picking",
        "integer",
        numerator="count(*)",
        domain=(
            ("picking_type_id.code", "=", "incoming"),
            ("state", "=", "done"),
            ("location_id.usage", "=", "customer"),
        ),
        moment="date_done",
        joins=PICKING_TYPE,
        dimensions=PICKING_DIMENSIONS,
    ),
}


class KpiSource(models.AbstractModel):
    _inherit = "distribution.kpi.source"

    @api.model
    def _sources(self):
        return {**super()._sources(), **SOURCES}
