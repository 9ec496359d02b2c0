"""Why a report is recalled, run again or let go."""

from odoo import fields, models


class ReportReason(models.TransientModel):
    _name = "distribution.report.reason"
    _description = "Reason for a Report"

    purpose = fields.Selection(
        [("again", "Run again"), ("overrule", "Let it go with a mark"), ("recall", "Recall")],
        required=True,
        readonly=True,
    )
    run_id = fields.Many2one("distribution.report.run", readonly=True, ondelete="cascade")
    edition_id = fields.Many2one("distribution.report.edition", readonly=True, ondelete="cascade")
    reason = fields.Text(required=True)

    def action_confirm(self):
        """Do it with the rights of who asks."""
        self.ensure_one()
        if self.purpose == "recall":
            return self.edition_id.action_recall(self.reason) and {"type": "ir.actions.act_window_close"}
        if self.purpose == "overrule":
            return self.run_id.action_overrule(self.reason) and {"type": "ir.actions.act_window_close"}
        return self.run_id.action_run_again(self.reason)
