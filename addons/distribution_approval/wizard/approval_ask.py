from odoo import fields, models


class ApprovalAsk(models.TransientModel):
    """Ask the requester something before deciding."""

    _name = "distribution.approval.ask"
    _description = "Ask about an Approval Request"

    task_id = fields.Many2one("distribution.approval.task", required=True)
    question = fields.Text(required=True)

    def action_confirm(self):
        self.ensure_one()
        self.task_id.action_ask(self.question)
        return {"type": "ir.actions.act_window_close"}
