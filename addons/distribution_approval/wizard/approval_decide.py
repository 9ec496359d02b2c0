from odoo import _, api, fields, models


class ApprovalDecide(models.TransientModel):
    """Approve on conditions, reject, ask for a revision or hand over: on the content that was seen."""

    _name = "distribution.approval.decide"
    _description = "Decide on an Approval Task"

    task_id = fields.Many2one("distribution.approval.task", required=True)
    document_type = fields.Selection(related="task_id.document_type")
    company_id = fields.Many2one(related="task_id.company_id")
    seen_digest = fields.Char(required=True)
    outcome = fields.Selection(
        [
            ("approve", "Approve"),
            ("approve_with_conditions", "Approve with conditions"),
            ("reject", "Reject"),
            ("request_revision", "Request revision"),
            ("escalate", "Hand over to my manager"),
        ],
        required=True,
        default="reject",
    )
    reason_id = fields.Many2one(
        "distribution.approval.reason",
        domain="['|', ('outcome', '=', False), ('outcome', '=', outcome), "
        "'|', ('document_type', '=', False), ('document_type', '=', document_type)]",
    )
    condition_ids = fields.One2many("distribution.approval.decide.condition", "decide_id", string="Conditions")
    comment = fields.Text()
    consequence = fields.Char(compute="_compute_consequence")

    @api.depends("outcome")
    def _compute_consequence(self):
        words = {
            "approve": _("The next stage is asked, or the document is released."),
            "approve_with_conditions": _(
                "The next stage is asked, or the document is released. It shows each condition until somebody "
                "other than its owner confirms that it is met."
            ),
            "reject": _("The request ends here. The requester gets the document back with your reason."),
            "request_revision": _("The requester gets the document back, changes it and asks again."),
            "escalate": _("Your manager (or the policy's fallback) decides instead of you."),
        }
        for wizard in self:
            wizard.consequence = words.get(wizard.outcome)

    def action_confirm(self):
        self.ensure_one()
        conditions = [
            {"text": line.text, "owner_id": line.owner_id.id, "due_date": line.due_date} for line in self.condition_ids
        ]
        self.task_id.action_decide(
            self.outcome,
            self.seen_digest,
            comment=self.comment,
            reason_code=self.reason_id.id or None,
            conditions=conditions if self.outcome == "approve_with_conditions" else None,
        )
        return self.task_id._after_decision()


class ApprovalDecideCondition(models.TransientModel):
    _name = "distribution.approval.decide.condition"
    _description = "Condition of a Decision to be"

    decide_id = fields.Many2one("distribution.approval.decide", required=True, ondelete="cascade")
    company_id = fields.Many2one(related="decide_id.company_id")
    text = fields.Text(string="Condition", required=True)
    owner_id = fields.Many2one(
        "res.users",
        string="Owed by",
        required=True,
        default=lambda self: self._default_owner(),
        domain="[('share', '=', False), ('company_ids', 'in', company_id)]",
    )
    due_date = fields.Date(required=True)

    @api.model
    def _default_owner(self):
        """The requester: most conditions are theirs."""
        task = self.env["distribution.approval.task"].browse(self.env.context.get("default_task_id") or ())
        return task.requester_id
