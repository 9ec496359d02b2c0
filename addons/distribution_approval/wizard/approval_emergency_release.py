from odoo import api, fields, models


class ApprovalEmergencyRelease(models.TransientModel):
    """Release a held document at once: with a justification and evidence."""

    _name = "distribution.approval.emergency.release"
    _description = "Release in an Emergency"

    request_id = fields.Many2one("distribution.approval.request", required=True)
    seen_digest = fields.Char(required=True)
    document_type = fields.Selection(related="request_id.document_type")
    content_text = fields.Html(related="request_id.content_text")
    waiting_for = fields.Char(related="request_id.waiting_for")
    reason = fields.Char(related="request_id.reason")
    justification = fields.Text(required=True)
    attachment_ids = fields.Many2many(
        "ir.attachment",
        string="Evidence of the Emergency",
        help="What shows that it cannot wait, such as the customer's message. What is on the document already does "
        "not count.",
    )
    reference_name = fields.Char(string="Kept Elsewhere")
    reference_url = fields.Char(string="Address")
    reference_sha256 = fields.Char(string="SHA-256")
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
        emergency_id = request.action_emergency_release(
            self.justification, self.seen_digest, self.attachment_ids.ids, self._reference()
        )
        return {
            "type": "ir.actions.act_window",
            "res_model": "distribution.approval.emergency",
            "res_id": emergency_id,
            "view_mode": "form",
        }

    def _reference(self):
        if not self.reference_url and not self.reference_name:
            return None
        return {
            "name": self.reference_name or "",
            "url": self.reference_url or "",
            "sha256": self.reference_sha256 or "",
            "kind": "other",
        }
