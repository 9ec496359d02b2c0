"""Whether a vendor is asked to confirm, other than its company says."""

from odoo import api, fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    confirmation_wanted = fields.Selection(
        [("always", "Always"), ("never", "Never")],
        string="Asked to Confirm Orders",
        help="Empty: as the settings of the company say.",
    )

    @api.model
    def _commercial_fields(self):
        return super()._commercial_fields() + ["confirmation_wanted"]

    def _is_asked_to_confirm(self, company):
        """Whether ``company`` asks this vendor to confirm its orders."""
        self.ensure_one()
        wanted = self.commercial_partner_id.confirmation_wanted
        return wanted == "always" if wanted else company.confirmation_asked
