from odoo import _, api, fields, models
from odoo.exceptions import UserError


class ApprovalAnswer(models.TransientModel):
    """Whoever was asked answers; the request goes on."""

    _name = "distribution.approval.answer"
    _description = "Answer a Question on an Approval Request"

    request_id = fields.Many2one("distribution.approval.request", required=True)
    question_text = fields.Text(compute="_compute_question_text")
    answer = fields.Text(required=True)

    @api.depends("request_id")
    def _compute_question_text(self):
        for wizard in self:
            # sudo: only what this person is asked is shown, whatever else they may read of the request.
            mine = wizard.request_id.sudo()._open_questions().filtered(lambda q: self.env.user in q._answerers())
            wizard.question_text = "\n".join(f"{q.user_id.name}: {q.question}" for q in mine)

    def action_confirm(self):
        self.ensure_one()
        if not self.answer.strip():
            raise UserError(_("answer: write an answer."))
        self.request_id.action_submit_answer(self.answer)
        return {"type": "ir.actions.act_window_close"}
