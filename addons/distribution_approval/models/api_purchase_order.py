"""Purchase orders for other systems: what a vendor has to know of an order that is in force."""

from odoo import models

from odoo.addons.distribution_core.compat import LINE_UOM
from odoo.addons.distribution_core.engine.problem import Problem

IN_FORCE = ("purchase", "done")


class DistributionApiOperation(models.Model):
    _inherit = "distribution.api.operation"

    def _read_purchase_orders(self, _key, arguments):
        """An order in force as the account of the key may read it; a held one is no order yet."""
        order = self.env["purchase.order"].search(
            [
                ("id", "=", arguments["id"]),
                ("state", "in", IN_FORCE),
                ("company_id", "in", self.env.companies.ids),
            ]
        )
        if not order:
            raise Problem("not-found", "There is no such order in force, or it is not the account's to read.")
        return {
            "id": order.id,
            "name": order.name,
            "state": order.state,
            "company_id": order.company_id.id,
            "vendor": {"id": order.partner_id.id, "ref": order.partner_id.ref or None},
            "vendor_reference": order.partner_ref or None,
            "currency": order.currency_id.name,
            "ordered_at": _moment(order.date_approve),
            "amount_untaxed": order.amount_untaxed,
            "lines": [_line(line) for line in order.order_line if not line.display_type],
        }


def _line(line):
    product, vendor = line.product_id, line.order_id.partner_id
    sellers = product.seller_ids.filtered(lambda seller: seller.partner_id == vendor and seller.product_code)
    named = {"id": product.id, "code": product.default_code or None, "barcode": product.barcode or None}
    return {
        "line_id": line.id,
        "product": named if product else None,
        "vendor_code": sellers[:1].product_code or None,
        "description": line.name,
        "quantity": line.product_qty,
        "unit": line[LINE_UOM].name or None,
        "price_unit": line.price_unit,
        "discount": line.discount,
        "planned_at": _moment(line.date_planned),
    }


def _moment(value):
    return value.isoformat() + "Z" if value else None
