"""Stock does not vanish because its location becomes another one."""

from odoo import _, models
from odoo.exceptions import UserError

#: Fields of a location that decide whether what lies there is our stock, and at which site.
PLACE = frozenset({"usage", "scrap_location", "location_id", "company_id"})


class StockLocation(models.Model):
    _inherit = "stock.location"

    def write(self, vals):
        if not PLACE.isdisjoint(vals) and self.env["distribution.inventory.adjustment"]._approval_places():
            self._approval_refuse_with_stock(vals)
        return super().write(vals)

    def _approval_refuse_with_stock(self, vals):
        governs = self.env["distribution.inventory.adjustment"]._approval_governs
        changed = self.sudo().filtered(
            lambda location: any(
                location._convert_to_write({name: location[name]})[name] != vals[name]
                for name in PLACE & vals.keys() & location._fields.keys()
            )
        )
        inside = changed.search([("id", "child_of", changed.ids)]) if changed else changed
        governed = inside.filtered(governs)
        stock = (
            self.env["stock.quant"].sudo().search([("location_id", "in", governed.ids), ("quantity", "!=", 0)], limit=1)
        )
        if stock:
            raise UserError(
                _(
                    "usage: %(location)s holds %(product)s. Move or count what lies there first; "
                    "an empty location can be changed.",
                    location=stock.location_id.display_name,
                    product=stock.product_id.display_name,
                )
            )
