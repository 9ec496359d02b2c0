from odoo import _, api, fields, models
from odoo.exceptions import UserError


class ApprovalBulk(models.TransientModel):
    """Approve several tasks together: shows each, decides each, and says what became of each."""

    _name = "distribution.approval.bulk"
    _description = "Approve Together"

    line_ids = fields.One2many("distribution.approval.bulk.line", "bulk_id")
    comment = fields.Text()
    done = fields.Boolean(readonly=True)
    summary = fields.Char(compute="_compute_summary")

    @api.depends("line_ids.result", "line_ids.hindrance", "done")
    def _compute_summary(self):
        for bulk in self:
            able = bulk.line_ids.filtered(lambda line: not line.hindrance)
            approved = bulk.line_ids.filtered(lambda line: line.result == "approved")
            if bulk.done:
                bulk.summary = _(
                    "%(approved)s approved, %(left)s not.",
                    approved=len(approved),
                    left=len(bulk.line_ids) - len(approved),
                )
            else:
                bulk.summary = _(
                    "%(able)s of %(all)s can be approved together.", able=len(able), all=len(bulk.line_ids)
                )

    def action_approve(self):
        """Approve what may be approved together. Each line is decided on the content that it showed."""
        self.ensure_one()
        if self.done:
            raise UserError(_("This was done already."))
        lines = self.line_ids.filtered(lambda line: not line.hindrance)
        if not lines:
            raise UserError(_("None of these can be approved together. Decide them one by one."))
        results = self.env["distribution.approval.task"]._approve_together(
            {line.task_id.id: line.seen_digest for line in lines}, comment=self.comment
        )
        for line in lines:
            problem = results[line.task_id.id]
            line.write({"result": "failed" if problem else "approved", "problem": problem})
        self.done = True
        return self._show()

    def _show(self):
        return {
            "type": "ir.actions.act_window",
            "name": _("Approve Together"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    def action_close(self):
        return self.env["distribution.approval.task"]._after_decision()


class ApprovalBulkLine(models.TransientModel):
    _name = "distribution.approval.bulk.line"
    _description = "Task to Approve Together"

    bulk_id = fields.Many2one("distribution.approval.bulk", required=True, ondelete="cascade")
    task_id = fields.Many2one("distribution.approval.task", required=True, readonly=True)
    seen_digest = fields.Char(required=True, readonly=True)
    hindrance = fields.Char(readonly=True, string="Decide by Itself")
    result = fields.Selection([("approved", "Approved"), ("failed", "Not approved")], readonly=True)
    problem = fields.Char(readonly=True)
    document_name = fields.Char(related="task_id.document_name", string="Document")
    partner_id = fields.Many2one(related="task_id.partner_id")
    amount = fields.Monetary(related="task_id.amount")
    currency_id = fields.Many2one(related="task_id.currency_id")
    why = fields.Char(related="task_id.why")
    requester_id = fields.Many2one(related="task_id.requester_id")
