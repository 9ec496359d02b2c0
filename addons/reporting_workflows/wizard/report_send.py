"""Hand an edition to who joined late."""

from odoo import _, fields, models
from odoo.exceptions import UserError


class ReportSend(models.TransientModel):
    _name = "distribution.report.send"
    _description = "Send a Report"

    edition_id = fields.Many2one("distribution.report.edition", required=True, readonly=True, ondelete="cascade")
    user_ids = fields.Many2many("res.users", domain="[('share', '=', False)]", string="People")
    partner_ids = fields.Many2many(
        "res.partner", string="Customers or Vendors", help="Only reports that are classified for them."
    )

    def action_send(self):
        self.ensure_one()
        if not self.user_ids and not self.partner_ids:
            raise UserError(_("Say who gets it."))
        self.edition_id.action_send_to(self.user_ids.ids, self.partner_ids.ids)
        return {"type": "ir.actions.act_window_close"}
