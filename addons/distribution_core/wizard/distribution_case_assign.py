"""Give cases to somebody."""

from odoo import fields, models


class DistributionCaseAssign(models.TransientModel):
    _name = 'distribution.case.assign'
    _description = "Assign Cases"

    case_ids = fields.Many2many('distribution.case', string="Cases", required=True)
    user_id = fields.Many2one('res.users', string="Owner", required=True, domain="[('share', '=', False)]")

    def action_confirm(self):
        """Make that person the owner of all of them."""
        self.case_ids._assign(self.user_id)
        return {'type': 'ir.actions.act_window_close'}
