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

    def _approval_value(self):
        """Untaxed value of this line, worked out from quantity, price, discount and taxes."""
        self.ensure_one()
        price = self.price_unit * (1 - (self.discount or 0.0) / 100)
        if round(price * self.product_qty, 2) == self.price_subtotal:
            return self.price_subtotal
        currency = self.order_id.currency_id
        net = currency.round(price * self.product_qty)
        # Only taxes that are part of the price make a difference; otherwise the subtotal is forged.
        taxes = self[PURCHASE_LINE_TAXES].flatten_taxes_hierarchy()
        if not any(taxes.mapped("price_include")):
            return net
        return taxes.compute_all(price, currency, self.product_qty, self.product_id, self.order_id.partner_id)[
            "total_excluded"
        ]
