from odoo import fields, models


class ApprovalAsk(models.TransientModel):
    """Ask the requester, or a colleague who knows more, something before deciding."""

    _name = "distribution.approval.ask"
    _description = "Ask about an Approval Request"

    task_id = fields.Many2one("distribution.approval.task", required=True)
    company_id = fields.Many2one(related="task_id.company_id")
    requester_id = fields.Many2one(related="task_id.requester_id")
    colleague_id = fields.Many2one(
        "res.users",
        string="Ask",
        domain="[('share', '=', False), ('company_ids', 'in', company_id), ('id', 'not in', (uid, requester_id))]",
        help="Empty: the requester. Somebody else reads the request, to be able to answer.",
    )
    question = fields.Text(required=True)

    def action_confirm(self):
        self.ensure_one()
        self.task_id.action_ask(self.question, self.colleague_id.id or None)
        return {"type": "ir.actions.act_window_close"}
