from odoo import models

from odoo.addons.distribution_core.compat import LINE_UOM, PURCHASE_LINE_TAXES


class PurchaseOrderLine(models.Model):
    _name = "purchase.order.line"
    _inherit = ["purchase.order.line", "distribution.approval.line.mixin"]

    _approval_document_field = "order_id"
    _approval_watched = frozenset(
        {
            "order_id",
            "product_id",
            "product_qty",
            LINE_UOM,
            "price_unit",
            "discount",
            PURCHASE_LINE_TAXES,
            "display_type",
            # Core computes the quantity from these.
            "product_packaging_id",
            "product_packaging_qty",
        }
    )
