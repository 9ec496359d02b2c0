from odoo import fields, models


class ApprovalEmergencyReview(models.TransientModel):
    """Say whether an emergency release was justified."""

    _name = "distribution.approval.emergency.review"
    _description = "Review an Emergency Release"

    emergency_id = fields.Many2one("distribution.approval.emergency", required=True)
    justification = fields.Text(related="emergency_id.justification")
    outcome = fields.Selection(
        [("justified", "Justified"), ("not_justified", "Not justified"), ("needs_action", "Needs action")],
        required=True,
        default="justified",
    )
    comment = fields.Text(required=True)

    def action_review(self):
        self.ensure_one()
        self.emergency_id.action_review(self.outcome, self.comment)
        return {"type": "ir.actions.act_window_close"}
