"""How much a vendor's promise may differ before somebody has to decide: by vendor and by product category."""

from collections import defaultdict

from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

from ..engine import Limits, Setting, choose


class SupplierTolerance(models.Model):
    """One line counts as a whole: the narrowest one (:mod:`..engine.tolerance`). Without any, nothing is tolerated."""

    _name = "distribution.supplier.tolerance"
    _description = "Vendor Tolerance"
    _order = "company_id, vendor_id, category_id, id"
    _check_company_auto = True
    _rec_names_search = ["vendor_id", "category_id"]

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, ondelete="cascade"
    )
    vendor_id = fields.Many2one(
        "res.partner",
        domain="[('parent_id', '=', False)]",
        index="btree_not_null",
        ondelete="cascade",
        help="Empty: every vendor.",
    )
    category_id = fields.Many2one(
        "product.category", "Product Category", index="btree_not_null", ondelete="cascade", help="Empty: every product."
    )
    days_later = fields.Integer("Later (days)", help="Than asked for.")
    days_earlier = fields.Integer("Earlier (days)", help="Than asked for.")
    quantity_percent = fields.Float("Quantity (%)", help="Promised more or less than ordered.")
    price_percent = fields.Float("Price (%)", help="Promised above or below the ordered price.")
    short_percent = fields.Float("Short (%)", help="Received less than was expected.")
    over_percent = fields.Float("Over (%)", help="Announced or received more than was ordered.")
    damaged_percent = fields.Float("Damaged (%)", help="Of what was received.")

    _sql_constraints = [
        (
            "values_positive",
            "CHECK (days_later >= 0 AND days_earlier >= 0 AND quantity_percent >= 0 AND price_percent >= 0 "
            "AND short_percent >= 0 AND over_percent >= 0 AND damaged_percent >= 0)",
            "Tolerances: 0 or more.",
        ),
    ]

    @api.constrains("company_id", "vendor_id", "category_id")
    def _check_only_one(self):
        for tolerance in self:
            same = [
                ("id", "!=", tolerance.id),
                ("company_id", "=", tolerance.company_id.id),
                ("vendor_id", "=", tolerance.vendor_id.id),
                ("category_id", "=", tolerance.category_id.id),
            ]
            if self.sudo().search_count(same, limit=1):  # sudo: whether there is one, whoever asks
                raise ValidationError(
                    _("There is a tolerance for this vendor and this category already: change that one.")
                )

    @api.depends("vendor_id", "category_id")
    def _compute_display_name(self):
        for tolerance in self:
            names = [tolerance.vendor_id.name, tolerance.category_id.display_name]
            tolerance.display_name = " / ".join(filter(None, names)) or _("Every vendor and product")

    @api.model
    def _for(self, company, vendor, products):
        """``{product: tolerance, maybe empty}``; one query, however many products."""
        place = company, vendor.commercial_partner_id
        return self._for_all({place: products})[place]

    @api.model
    def _for_all(self, wanted):
        """As :meth:`_for`, for many vendors in one query.

        :param wanted: ``{(company, commercial vendor): products}``
        :return: ``{(company, commercial vendor): {product: tolerance, maybe empty}}``
        """
        # sudo: limits count for whoever meets them; the vendor on its link is nobody
        known = self.sudo().search(
            [
                ("company_id", "in", [company.id for company, _vendor in wanted]),
                ("vendor_id", "in", [False, *(vendor.id for _company, vendor in wanted)]),
            ]
        )
        settings = defaultdict(list)
        for row in known:
            setting = Setting(row.id, row.vendor_id.id or None, row.category_id.id or None)
            settings[row.company_id, setting.vendor].append(setting)
        found = {}
        for (company, vendor), products in wanted.items():
            own = [*settings[company, None], *settings[company, vendor.id]]
            chosen = {}  # by category: products share them
            found[company, vendor] = rows = {}
            for product in products:
                category = product.sudo().categ_id
                if category not in chosen:
                    above = [int(part) for part in (category.parent_path or "").split("/") if part]
                    chosen[category] = self.sudo().browse(choose(own, vendor.id, tuple(reversed(above))) or ())
                rows[product] = chosen[category]
        return found

    def _limits(self, company):
        """As the engine takes them; ``self`` may be empty."""
        return Limits(
            days_later=self.days_later,
            days_earlier=self.days_earlier,
            quantity_percent=self.quantity_percent,
            price_percent=self.price_percent,
            moves_late_dates=company.confirmation_late_dates == "move",
        )
