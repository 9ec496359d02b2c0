"""What customers notice: orders, deliveries in time and in full, shortages."""

from odoo import api, models

from .kpi_source import Dimension, Source, average, hours, share

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
DAYS_LATE = hours("stock_picking.date_deadline", "stock_picking.date_done") + " / 24.0"

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
    "delivery_on_time": Source(
        "Deliveries done by their deadline",
        "stock.picking",
        "percent",
        **share("stock_picking.date_done <= stock_picking.date_deadline"),
        domain=(*OUTGOING, ("state", "=", "done"), ("date_deadline", "!=", False)),
        moment="date_done",
        joins=PICKING_TYPE,
        dimensions=PICKING_DIMENSIONS,
    ),
    "service_level": Source(
        "Units that were due and left in time",
        "stock.move",
        "percent",
        numerator="""sum(stock_move.product_qty) FILTER (WHERE stock_move.state = 'done'
                                                           AND stock_move.date <= stock_move.date_deadline)""",
        denominator="sum(stock_move.product_qty)",
        scale=100,
        domain=(*OUTGOING, ("state", "not in", ("draft", "cancel")), ("date_deadline", "!=", False)),
        moment="date_deadline",
        joins=f"{MOVE_TYPE} {MOVE_PRODUCT}",
        condition="stock_move.date_deadline <= %(now)s",
        dimensions=MOVE_DIMENSIONS,
        touched_by=("stock.move", "stock.picking"),
    ),
    "deliveries_late": Source(
        "Open deliveries beyond their deadline",
        "stock.picking",
        "integer",
        numerator="count(*)",
        domain=(*OUTGOING, OPEN, ("date_deadline", "!=", False)),
        joins=PICKING_TYPE,
        condition="stock_picking.date_deadline < %(now)s",
        dimensions=PICKING_DIMENSIONS,
    ),
    "shortage_lines": Source(
        "Lines to deliver that lack goods",
        "stock.move",
        "integer",
        numerator="count(*)",
        domain=(*OUTGOING, ("state", "in", ("confirmed", "partially_available"))),
        joins=f"{MOVE_TYPE} {MOVE_PRODUCT}",
        dimensions=MOVE_DIMENSIONS,
        touched_by=("stock.move", "stock.picking", "sale.order"),
    ),
    "delivery_delay": Source(
        "Days late of deliveries done late",
        "stock.picking",
        "days",
        **average(DAYS_LATE),
        domain=(*OUTGOING, ("state", "=", "done"), ("date_deadline", "!=", False)),
        moment="date_done",
        joins=PICKING_TYPE,
        condition="stock_picking.date_done > stock_picking.date_deadline",
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
