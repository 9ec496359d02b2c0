"""What the forms of Odoo 19.0 read beside a document: whoever is asked about it opens it without these rights."""

from odoo import api, fields, models

from odoo.addons.distribution_core.compat import IS_17


class StockScrap(models.Model):
    _inherit = "stock.scrap"

    @api.model
    def _get_view(self, view_id=None, view_type="form", **options):
        arch, view = super()._get_view(view_id, view_type, **options)
        for field in arch.xpath("//field[@name='scrap_reason_tag_ids']"):
            # Only the warehouse reads the tags.
            field.set("groups", "stock.group_stock_user")
        return arch, view


if not IS_17:

    class AccountMove(models.Model):
        _inherit = "account.move"

        # sudo: how many payments settled the bill; none of them is shown
        payment_count = fields.Integer(compute_sudo=True)
