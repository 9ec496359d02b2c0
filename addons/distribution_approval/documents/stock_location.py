"""Stock does not vanish because its location becomes another one, nor does a gate because a place is called otherwise.

Which document governs a move is told from the usage of the places it connects. Where any document of stock
moves is governed, no place becomes a customer's or ceases to be one, and no place that holds anything becomes
a vendor's or production, or ceases to be.
"""

from odoo import _, models
from odoo.exceptions import UserError

#: Fields of a location that decide whether what lies there is our stock, and at which site.
PLACE = frozenset({"usage", "scrap_location", "location_id", "company_id"})
#: Usages that decide which document governs a move, whatever lies there.
OUTSIDE = "customer"
#: Usages that do so for a place that holds anything.
OUTSIDE_WITH_STOCK = ("production", "supplier")


class StockLocation(models.Model):
    _inherit = "stock.location"

    def write(self, vals):
        if "usage" in vals:
            self._approval_refuse_other_usage(vals["usage"])
        if not PLACE.isdisjoint(vals) and self.env["distribution.inventory.adjustment"]._approval_places():
            self._approval_refuse_with_stock(vals)
        return super().write(vals)

    def _approval_refuse_other_usage(self, usage):
        """Refuse a usage by which moves would escape the document that governs them."""
        companies = self.env["distribution.approval.move.document"]._approval_move_companies()
        if not companies:
            return
        # Whether there is stock is no secret of a company here: what is there decides, whoever reads it.
        changed = self.sudo().filtered(
            lambda place: place.usage != usage and (not place.company_id or place.company_id.id in companies)
        )
        refused = changed.filtered(lambda place: OUTSIDE in (place.usage, usage))
        delicate = changed.filtered(lambda place: not {place.usage, usage}.isdisjoint(OUTSIDE_WITH_STOCK))
        if delicate:
            quants = self.env["stock.quant"].sudo()
            refused |= quants.search([("location_id", "in", delicate.ids), ("quantity", "!=", 0)]).location_id
        if refused:
            usages = dict(self._fields["usage"]._description_selection(self.env))
            raise UserError(
                _(
                    "usage: %(location)s stays “%(now)s” and does not become “%(then)s”: the approval of stock moves "
                    "goes by it. Make a location of the usage you need, and move there what belongs there.",
                    location=refused[0].display_name,
                    now=usages.get(refused[0].usage),
                    then=usages.get(usage, usage),
                )
            )

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
