from odoo import _, api, fields, models


class ApprovalObligationAct(models.TransientModel):
    """Report a condition as met, confirm it, send it back or waive it: with a comment and evidence."""

    _name = "distribution.approval.obligation.act"
    _description = "Act on a Condition of an Approval"

    obligation_id = fields.Many2one("distribution.approval.obligation", required=True)
    text = fields.Text(related="obligation_id.text", string="Condition")
    act = fields.Selection(
        [("report", "Report as met"), ("confirm", "Confirm"), ("return", "Send back"), ("waive", "Waive")],
        required=True,
        default="report",
    )
    comment = fields.Text()
    attachment_ids = fields.Many2many("ir.attachment", string="Evidence")
    consequence = fields.Char(compute="_compute_consequence")

    @api.depends("act")
    def _compute_consequence(self):
        words = {
            "report": _("Whoever set the condition is asked to confirm it. It stays on the document until then."),
            "confirm": _("The condition is met and no longer shows on the document."),
            "return": _("The owner still owes it and is told why."),
            "waive": _("The condition is not needed any more. Your reason is kept."),
        }
        for wizard in self:
            wizard.consequence = words.get(wizard.act)

    def action_submit(self):
        self.ensure_one()
        act = {
            "report": self.obligation_id.action_report,
            "confirm": self.obligation_id.action_confirm,
            "return": self.obligation_id.action_return,
            "waive": self.obligation_id.action_waive,
        }[self.act]
        act(self.comment)
        if self.attachment_ids:
            self._keep_files()
        return {"type": "ir.actions.act_window_close"}

    def _keep_files(self):
        """Seal what was uploaded here as evidence of the condition."""
        self.attachment_ids._approval_check_uploaded(self._name)
        # sudo: the method above has checked that this person may act on the condition.
        files, obligation = self.attachment_ids.sudo(), self.obligation_id.sudo()
        files.write({"res_model": obligation._name, "res_id": obligation.id})
        self.env["distribution.approval.exhibit"]._seal(obligation.request_id, files, obligation)
