from odoo import _, api, fields, models


class ApprovalDecide(models.TransientModel):
    """Reject, ask for a revision or hand over: with a reason, on the content that was seen."""

    _name = "distribution.approval.decide"
    _description = "Decide on an Approval Task"

    task_id = fields.Many2one("distribution.approval.task", required=True)
    document_type = fields.Selection(related="task_id.document_type")
    seen_digest = fields.Char(required=True)
    outcome = fields.Selection(
        [
            ("approve", "Approve"),
            ("reject", "Reject"),
            ("request_revision", "Request revision"),
            ("escalate", "Hand over to my manager"),
        ],
        required=True,
        default="reject",
    )
    reason_id = fields.Many2one(
        "distribution.approval.reason", domain="['|', ('outcome', '=', False), ('outcome', '=', outcome)]"
    )
    comment = fields.Text()
    consequence = fields.Char(compute="_compute_consequence")

    @api.depends("outcome")
    def _compute_consequence(self):
        words = {
            "approve": _("The next stage is asked, or the document is released."),
            "reject": _("The request ends here. The requester gets the document back with your reason."),
            "request_revision": _("The requester gets the document back, changes it and asks again."),
            "escalate": _("Your manager (or the policy's fallback) decides instead of you."),
        }
        for wizard in self:
            wizard.consequence = words.get(wizard.outcome)

    def action_confirm(self):
        self.ensure_one()
        self.task_id.action_decide(
            self.outcome, self.seen_digest, comment=self.comment, reason_code=self.reason_id.id or None
        )
        return self.task_id._after_decision()
