"""Stock does not vanish because its location becomes another one, nor does a gate because a place is called otherwise.

Which document governs a move is told from the usage of the places it connects. Where any document of stock
moves is governed, no place becomes a customer's or ceases to be one, and no place that holds anything becomes
a vendor's or production, or ceases to be. Nor does a place with goods, or one above it, go to another site: that is
a transfer of all that lies there.
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
        if "location_id" not in vals:
            return super().write(vals)
        sites = self._approval_sites_of_stock()
        result = super().write(vals)
        self._approval_refuse_other_site(sites)
        return result

    def _approval_sites_of_stock(self):
        """``{place: site}`` of those inside these that hold goods (sudo), where moves of stock are governed."""
        companies = self.env["distribution.approval.move.document"]._approval_move_companies()
        if not companies:
            return {}
        # Whether there is stock is no secret of a company here: what is there decides, whoever reads it.
        inside = self.sudo().with_context(active_test=False).search([("id", "child_of", self.ids)])
        held = self.env["stock.quant"].sudo().search([("location_id", "in", inside.ids), ("quantity", "!=", 0)])
        return held.location_id._approval_sites_by_path(companies)

    def _approval_sites_by_path(self, companies):
        """``{place: site}`` of our own of these in ``companies``, by where they are now.

        The site that core keeps with a place does not follow when a place above it goes elsewhere.
        """
        places = self.filtered(lambda place: place._approval_is_inside() and place.company_id.id in companies)
        every_site = self.env["stock.warehouse"].sudo().with_context(active_test=False)
        sites = {site.view_location_id.id: site for site in every_site.search([("company_id", "in", list(companies))])}
        found = {}
        for place in places:
            above = [int(part) for part in (place.parent_path or "").split("/") if part]
            found[place] = next((sites[part] for part in reversed(above) if part in sites), every_site.browse())
        return found

    def _approval_refuse_other_site(self, before):
        """Refuse that goods, which lie where ``before`` says, changed their site with the place that they lie in."""
        companies = self.env["distribution.approval.move.document"]._approval_move_companies()
        after = self.browse(place.id for place in before).sudo()._approval_sites_by_path(companies)
        governs = self.env["distribution.approval.move.document"]._approval_any_governs
        for place, site in before.items():
            if after.get(place) != site and governs(place.company_id, site | (after.get(place) or site)):
                raise UserError(
                    _(
                        "location_id: %(location)s holds goods, and would take them from %(before)s to %(after)s. "
                        "Transfer the goods; an empty place can be put anywhere.",
                        location=place.display_name,
                        before=site.name or _("no site"),
                        after=(after.get(place) or site.browse()).name or _("no site"),
                    )
                )

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


class StockWarehouse(models.Model):
    _inherit = "stock.warehouse"

    def write(self, vals):
        """What lies below the place that is the site belongs to the site: another place, and goods change theirs."""
        if "view_location_id" not in vals:
            return super().write(vals)
        places = self.sudo().view_location_id | self.env["stock.location"].sudo().browse(vals["view_location_id"] or ())
        sites = places._approval_sites_of_stock()
        result = super().write(vals)
        places._approval_refuse_other_site(sites)
        return result
