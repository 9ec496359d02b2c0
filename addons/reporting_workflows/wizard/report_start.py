"""Run a report by hand."""

from odoo import _, api, fields, models
from odoo.exceptions import UserError


class ReportStart(models.TransientModel):
    _name = "distribution.report.start"
    _description = "Run a Report"

    report_id = fields.Many2one("distribution.report", required=True, readonly=True, ondelete="cascade")
    company_id = fields.Many2one(related="report_id.company_id")
    period_first = fields.Date(
        "From", required=True, compute="_compute_period", store=True, precompute=True, readonly=False
    )
    period_last = fields.Date(
        "To", required=True, compute="_compute_period", store=True, precompute=True, readonly=False
    )
    site_id = fields.Many2one("stock.warehouse", help="Empty: as the report says.")
    category_id = fields.Many2one("product.category", help="Empty: as the report says.")
    reason = fields.Char(help="When this period was run before: why it is run again.")

    @api.depends("report_id")
    def _compute_period(self):
        for wizard in self:
            report = wizard.report_id
            today = fields.Date.context_today(wizard)
            wizard.period_first, wizard.period_last = report._period_over() if report.version_id else (today, today)

    def action_start(self):
        self.ensure_one()
        report = self.report_id
        report._check_runner()
        if not report.version_id:
            raise UserError(_("%s has no version in force. Publish one.", report.name))
        if self.period_last < self.period_first:
            raise UserError(_("To: lies before From."))
        runs = self.env["distribution.report.run"]
        run = runs._start(
            report.version_id,
            self.period_first,
            self.period_last,
            site=self.site_id,
            category=self.category_id,
            reason=self.reason,
        )
        runs._wake()
        return run._show()
