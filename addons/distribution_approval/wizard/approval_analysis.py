from odoo import api, fields, models


class ApprovalAnalysis(models.TransientModel):
    """Which facts no rule covers, which rules never decide, where rules contradict each other."""

    _name = "distribution.approval.analysis"
    _description = "Analysis of an Approval Policy"

    version_id = fields.Many2one("distribution.approval.policy.version", required=True)
    variant_id = fields.Many2one("distribution.approval.variant", string="Local Variant")
    result = fields.Html(compute="_compute_result", sanitize=False)

    @api.depends("version_id", "variant_id")
    def _compute_result(self):
        for wizard in self:
            adjust = wizard.variant_id._adjust if wizard.variant_id else None
            wizard.result = wizard.version_id and wizard.version_id._analysis_html(adjust)
