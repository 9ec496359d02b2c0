from odoo import api, fields, models


class ApprovalHandOn(models.TransientModel):
    """Forward one's own task, or (operations) give a task to other people: with a reason."""

    _name = "distribution.approval.hand.on"
    _description = "Hand On an Approval Task"

    task_id = fields.Many2one("distribution.approval.task", required=True)
    kind = fields.Selection([("forward", "Forward"), ("reassign", "Reassign")], required=True, default="forward")
    possible_ids = fields.Many2many("res.users", compute="_compute_possible_ids")
    user_id = fields.Many2one("res.users", string="To")
    user_ids = fields.Many2many("res.users", string="To People")
    comment = fields.Text(required=True)
    grants_authority = fields.Boolean(
        help="Choose anybody with the role Approver, even where no policy asks them about documents of this type and "
        "amount. Only an administrator grants this; it stays on record."
    )

    @api.depends("task_id", "kind", "grants_authority")
    def _compute_possible_ids(self):
        for wizard in self:
            # Superuser: who could decide is worked out from roles; only names are shown here.
            task = wizard.task_id.sudo()
            able = (
                task._able(wizard.kind == "reassign" and wizard.grants_authority) - wizard.env.user
                if task
                else task.user_ids
            )
            wizard.possible_ids = able - task.user_ids if wizard.kind == "forward" else able

    def action_confirm(self):
        self.ensure_one()
        if self.kind == "forward":
            self.task_id.action_forward(self.user_id.id, self.comment)
            return self.task_id._after_decision()
        self.task_id.action_reassign(self.user_ids.ids, self.comment, self.grants_authority)
        return {"type": "ir.actions.act_window_close"}
