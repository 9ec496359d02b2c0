"""A question to the requester: it decides nothing, and stays on record."""

from odoo import fields, models

from odoo.addons.distribution_core.append_only import protect_columns


class ApprovalQuestion(models.Model):
    """A question to the requester, and its answer. Kept as evidence."""

    _name = "distribution.approval.question"
    _description = "Question on an Approval Request"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _order = "id"
    _rec_name = "question"

    task_id = fields.Many2one("distribution.approval.task", required=True, ondelete="restrict", index=True)
    user_id = fields.Many2one("res.users", string="Asked by", required=True, ondelete="restrict")
    question = fields.Text(required=True)
    asked_at = fields.Datetime(required=True)
    answer = fields.Text()
    answered_by_id = fields.Many2one("res.users", ondelete="restrict")
    answered_at = fields.Datetime()

    def init(self):
        protect_columns(self.env.cr, self._table, ("task_id", "user_id", "question", "asked_at"))
        protect_columns(
            self.env.cr,
            self._table,
            ("answer", "answered_by_id", "answered_at"),
            "OLD.answered_at IS NOT NULL",
            "answer",
        )
