from odoo import api, fields, models


class ApprovalEmergencyRelease(models.TransientModel):
    """Release a held document at once: with a justification and evidence."""

    _name = "distribution.approval.emergency.release"
    _description = "Release in an Emergency"

    request_id = fields.Many2one("distribution.approval.request", required=True)
    seen_digest = fields.Char(required=True)
    content_text = fields.Html(related="request_id.content_text")
    waiting_for = fields.Char(related="request_id.waiting_for")
    reason = fields.Char(related="request_id.reason")
    justification = fields.Text(required=True)
    attachment_ids = fields.Many2many("ir.attachment", string="Evidence")
    shortest = fields.Integer(compute="_compute_terms")
    review_days = fields.Integer(compute="_compute_terms")

    @api.depends("request_id")
    def _compute_terms(self):
        for wizard in self:
            version = wizard.request_id.sudo().version_id
            wizard.shortest = version.emergency_min_length or 40
            wizard.review_days = version.emergency_review_days or 3

    def action_release(self):
        self.ensure_one()
        request = self.request_id
        request._check_emergency_releaser()
        self.attachment_ids._approval_check_uploaded(self._name)
        # sudo: nobody writes on a request; the role was checked just now.
        self.attachment_ids.sudo().write({"res_model": request._name, "res_id": request.id})
        emergency_id = request.action_emergency_release(self.justification, self.seen_digest)
        return {
            "type": "ir.actions.act_window",
            "res_model": "distribution.approval.emergency",
            "res_id": emergency_id,
            "view_mode": "form",
        }
