from odoo import models

from odoo.addons.distribution_core.compat import LINE_UOM, SALE_LINE_TAXES

from ..engine import as_decimal


class SaleOrderLine(models.Model):
    _name = "sale.order.line"
    _inherit = ["sale.order.line", "distribution.approval.line.mixin"]

    _approval_document_field = "order_id"
    _approval_watched = frozenset(
        {
            "order_id",
            "product_id",
            "product_uom_qty",
            LINE_UOM,
            "price_unit",
            "discount",
            SALE_LINE_TAXES,
            "display_type",
            "is_downpayment",
            "is_delivery",
            "is_expense",
            # Core computes the quantity from these.
            "product_packaging_id",
            "product_packaging_qty",
        }
    )

    def _approval_is_carriage(self):
        """Whether this line charges for the delivery of the order, and nothing else."""
        self.ensure_one()
        return bool(
            self._is_delivery()
            and self.product_id.type == "service"
            and self.price_unit >= 0
            and self.product_uom_qty >= 0
        )

    def _approval_value(self):
        """Untaxed value of this line, worked out from quantity, price, discount and taxes."""
        self.ensure_one()
        price = self.price_unit * (1 - (self.discount or 0.0) / 100)
        if round(price * self.product_uom_qty, 2) == self.price_subtotal:
            return self.price_subtotal
        currency = self.order_id.currency_id
        # Only taxes that are part of the price make a difference; otherwise the subtotal is forged.
        if not any(self[SALE_LINE_TAXES].flatten_taxes_hierarchy().mapped("price_include")):
            return currency.round(price * self.product_uom_qty)
        return self._approval_with_taxes()["total_excluded"]

    def _approval_total(self):
        """Value of this line with taxes, worked out and not read."""
        self.ensure_one()
        if not self[SALE_LINE_TAXES]:
            return self._approval_value()
        return self._approval_with_taxes()["total_included"]

    def _approval_with_taxes(self):
        price = self.price_unit * (1 - (self.discount or 0.0) / 100)
        return self[SALE_LINE_TAXES].compute_all(
            price,
            self.order_id.currency_id,
            self.product_uom_qty,
            self.product_id,
            self.order_id.partner_shipping_id,
        )

    def _approval_net_price(self):
        """Price per unit of the line after its discount, in order currency."""
        self.ensure_one()
        return as_decimal(self.price_unit) * (1 - as_decimal(self.discount or 0) / 100)
