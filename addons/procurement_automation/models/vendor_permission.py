"""Whether something may be bought from a vendor: one place that requisitions, replenishment and orders ask."""

from odoo import _, api, models


class VendorPermission(models.AbstractModel):
    _name = "distribution.vendor.permission"
    _description = "Permission to Buy from a Vendor"

    @api.model
    def _problems(self, wanted, company, site, day=None):
        """``{(product id, vendor id): code}`` of those of ``wanted`` that are not allowed; in sets.

        :param wanted: pairs of a product and a vendor
        :param site: where it is received
        :param day: on which it is ordered, default today
        """
        problems = {}
        for product, vendor in wanted:
            status = vendor.commercial_partner_id.vendor_status
            if status != "approved":
                problems[product.id, vendor.id] = status if status in ("blocked", "restricted") else "new"
        return problems

    @api.model
    def _words(self, code):
        """Why not, in words."""
        return {
            "blocked": _("the vendor is blocked"),
            "restricted": _("the vendor is restricted: order it with an exception, by hand"),
            "new": _("the vendor is not approved yet"),
            "no_vendor": _("no vendor has a price for this product, quantity and date"),
        }.get(code, code)
