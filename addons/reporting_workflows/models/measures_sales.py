"""What was sold, at which margin, and what is still owed to customers. Amounts in company currency, without tax."""

from odoo import api, models

from .kpi_source import Dimension, Source

#: Amounts of a document in its own currency, per unit of the company's.
ORDER_RATE = "NULLIF(sale_order.currency_rate, 0)"
LINE_JOINS = """JOIN sale_order ordered ON ordered.id = sale_order_line.order_id
                LEFT JOIN product_product product ON product.id = sale_order_line.product_id
                LEFT JOIN product_template template ON template.id = product.product_tmpl_id"""
LINE_RATE = "NULLIF(ordered.currency_rate, 0)"
LINE_DIMENSIONS = {
    "site": Dimension("order_id.warehouse_id", "ordered.warehouse_id"),
    "customer": Dimension("order_id.partner_id", "ordered.partner_id"),
    "salesperson": Dimension("order_id.user_id", "ordered.user_id"),
    "category": Dimension("product_id.categ_id", "template.categ_id"),
    "product": Dimension("product_id"),
}
ORDER_DIMENSIONS = {
    "site": Dimension("warehouse_id"),
    "customer": Dimension("partner_id"),
    "salesperson": Dimension("user_id"),
}
SOLD = (("state", "=", "sale"), ("display_type", "=", False))

SOURCES = {
    "sales_ordered": Source(
        "Value of confirmed orders",
        "sale.order",
        "money",
        numerator=f"sum(sale_order.amount_untaxed / {ORDER_RATE})",
        domain=(("state", "=", "sale"),),
        moment="date_order",
        dimensions=ORDER_DIMENSIONS,
    ),
    "order_value": Source(
        "Value of a confirmed order",
        "sale.order",
        "money",
        numerator=f"sum(sale_order.amount_untaxed / {ORDER_RATE})",
        denominator="count(*)",
        domain=(("state", "=", "sale"),),
        moment="date_order",
        dimensions=ORDER_DIMENSIONS,
    ),
    "sales_margin": Source(
        "Margin of confirmed orders",
        "sale.order.line",
        "money",
        numerator=f"sum(sale_order_line.margin / {LINE_RATE})",
        domain=SOLD,
        moment="order_id.date_order",
        moment_sql="ordered.date_order",
        joins=LINE_JOINS,
        dimensions=LINE_DIMENSIONS,
        touched_by=("sale.order",),
    ),
    "sales_margin_rate": Source(
        "Margin of confirmed orders, of their value",
        "sale.order.line",
        "percent",
        numerator=f"sum(sale_order_line.margin / {LINE_RATE})",
        denominator=f"sum(sale_order_line.price_subtotal / {LINE_RATE})",
        scale=100,
        domain=SOLD,
        moment="order_id.date_order",
        moment_sql="ordered.date_order",
        joins=LINE_JOINS,
        dimensions=LINE_DIMENSIONS,
        touched_by=("sale.order",),
    ),
    "sales_invoiced": Source(
        "Value invoiced, less refunds",
        "account.move",
        "money",
        numerator="sum(account_move.amount_untaxed_signed)",
        domain=(("move_type", "in", ("out_invoice", "out_refund", "out_receipt")), ("state", "=", "posted")),
        moment="invoice_date",
        dimensions={"customer": Dimension("partner_id"), "salesperson": Dimension("invoice_user_id")},
    ),
    "open_order_value": Source(
        "Value ordered and not delivered yet",
        "sale.order.line",
        "money",
        numerator=f"""sum((sale_order_line.product_uom_qty - sale_order_line.qty_delivered)
                          * sale_order_line.price_subtotal / sale_order_line.product_uom_qty / {LINE_RATE})""",
        domain=(*SOLD, ("product_id.type", "!=", "service"), ("product_uom_qty", ">", 0)),
        joins=LINE_JOINS,
        condition="sale_order_line.qty_delivered < sale_order_line.product_uom_qty",
        dimensions=LINE_DIMENSIONS,
        touched_by=("sale.order", "stock.picking"),
    ),
}


class KpiSource(models.AbstractModel):
    _inherit = "distribution.kpi.source"

    @api.model
    def _sources(self):
        return {**super()._sources(), **SOURCES}
