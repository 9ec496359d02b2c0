from odoo import api, fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    approval_purchase_governed = fields.Boolean(compute="_compute_approval_purchase_governed")

    @api.depends("company_id")
    def _compute_approval_purchase_governed(self):
        companies = self.env["distribution.approval.activation"]._governed_places("purchase_order")
        for settings in self:
            settings.approval_purchase_governed = settings.company_id.id in companies
