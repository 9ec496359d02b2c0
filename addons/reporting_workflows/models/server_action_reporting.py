"""Server actions and automation rules can run a report, and have KPIs measured."""

import psycopg2
from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

RUN_REPORT, CAPTURE_KPI = "distribution_run_report", "distribution_capture_kpi"


class IrActionsServer(models.Model):
    _inherit = "ir.actions.server"

    state = fields.Selection(
        selection_add=[(RUN_REPORT, "Run Report"), (CAPTURE_KPI, "Capture KPI")],
        ondelete={RUN_REPORT: "cascade", CAPTURE_KPI: "cascade"},
    )
    report_to_run_id = fields.Many2one(
        "distribution.report", "Report", ondelete="restrict", help="It is run for the period that is over by then."
    )
    report_again = fields.Boolean(
        "Also Once It Was Run",
        help="Off: a period that was run already stays as it is. On: it is run again, with this action as the reason.",
    )
    capture_kpi_ids = fields.Many2many(
        "distribution.kpi",
        "distribution_server_action_kpi_rel",
        "action_id",
        "kpi_id",
        "KPIs",
        help="Measured soon afterwards, in the companies of the records.",
    )

    @api.constrains("state", "report_to_run_id", "capture_kpi_ids")
    def _check_reporting(self):
        for action in self:
            if action.state == RUN_REPORT and not action.report_to_run_id:
                raise ValidationError(_("Report: choose what “%s” runs.", action.name))
            if action.state == CAPTURE_KPI and not action.capture_kpi_ids:
                raise ValidationError(_("KPIs: choose what “%s” has measured.", action.name))

    def _run_action_distribution_run_report_multi(self, eval_context=None):
        """Start the report once, on however many records; it works in jobs of its own."""
        # sudo: who made the action decided that it runs; what is in it is read with the rights that it is defined with
        report = self.report_to_run_id.sudo()
        if not report.active or not report.version_id:
            return
        runs = self.env["distribution.report.run"].sudo()
        period = report._period_over()
        known = runs._known(report.version_id, *period)
        if known and (known._is_ahead() or not self.report_again):
            return
        reason = self._asked_by() if known else None
        try:
            with self.env.cr.savepoint():
                runs._start(report.version_id, *period, origin="action", reason=reason)
        except psycopg2.errors.UniqueViolation:
            return  # somebody else started it at this moment; whatever led to the action goes on
        runs._wake()

    def _asked_by(self):
        """What started it, by the name that its administrator gave: actions of automation rules are named by Odoo."""
        rule = self.base_automation_id if "base_automation_id" in self._fields else None
        return _("Automation rule “%s”", rule.name) if rule else _("Server action “%s”", self.name)

    def _run_action_distribution_capture_kpi_multi(self, eval_context=None):
        """Mark the KPIs as due, in the transaction of what happened."""
        records = self._suite_records(eval_context)
        companies = self.env.company
        if records and "company_id" in records._fields:
            # sudo: who acts on a document need not be allowed to read its company
            companies = records.sudo().company_id or companies
        # sudo: which KPIs are measured was decided by who made the action
        self.sudo().capture_kpi_ids.filtered("version_id")._mark_due(companies)
