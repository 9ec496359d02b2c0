"""A question to the requester or to a colleague: it decides nothing, and stays on record."""

from odoo import _, fields, models
from odoo.exceptions import ValidationError

from odoo.addons.distribution_core.append_only import protect_columns


class ApprovalQuestion(models.Model):
    """A question to the requester – or to a colleague who knows more –, and its answer. Kept as evidence."""

    _name = "distribution.approval.question"
    _description = "Question on an Approval Request"
    _inherit = ["distribution.approval.evidence"]
    _log_access = False
    _order = "id"
    _rec_name = "question"

    task_id = fields.Many2one("distribution.approval.task", required=True, ondelete="restrict", index=True)
    user_id = fields.Many2one("res.users", string="Asked by", required=True, ondelete="restrict")
    asked_id = fields.Many2one(
        "res.users", string="To Colleague", ondelete="restrict", help="Empty: the requester is asked."
    )
    question = fields.Text(required=True)
    asked_at = fields.Datetime(required=True)
    answer = fields.Text()
    answered_by_id = fields.Many2one("res.users", ondelete="restrict")
    answered_at = fields.Datetime()

    def init(self):
        protect_columns(self.env.cr, self._table, ("task_id", "user_id", "asked_id", "question", "asked_at"))
        protect_columns(
            self.env.cr,
            self._table,
            ("answer", "answered_by_id", "answered_at"),
            "OLD.answered_at IS NOT NULL",
            "answer",
        )

    def _answerers(self):
        """Who can answer these questions: the colleague who is asked, or who speaks for the request."""
        return self.env["res.users"].union(
            *(question.asked_id or question.task_id.request_id._askers() for question in self)
        )


class ApprovalTask(models.Model):
    _inherit = "distribution.approval.task"

    def _colleague(self, colleague_id, user):
        """The colleague with this id, who can be asked about this task by ``user``; nobody for none."""
        self.ensure_one()
        if colleague_id is None or colleague_id is False:
            return self.env["res.users"]
        if isinstance(colleague_id, bool) or not isinstance(colleague_id, int):
            raise ValidationError(_("colleague_id: the id of a user is expected."))
        colleague = self.env["res.users"].sudo().browse(colleague_id).exists()
        if (
            not colleague.active
            or colleague.share
            or colleague._is_superuser()
            or self.company_id not in colleague.company_ids
        ):
            raise ValidationError(
                _("colleague_id: choose an active person who works in %s.", self.company_id.display_name)
            )
        if colleague == user:
            raise ValidationError(_("colleague_id: choose somebody else than yourself."))
        # Who speaks for the request is asked as that.
        return colleague - self.request_id._askers()


class ApprovalRequest(models.Model):
    _inherit = "distribution.approval.request"

    def _open_questions(self):
        return self._current_tasks().question_ids.filtered(lambda question: not question.answered_at)
