"""Server actions and automation rules can run a report, have KPIs measured, and mark those that count a document."""

import psycopg2
from odoo import _, api, fields, models
from odoo.exceptions import ValidationError

from .kpi_rule import MARK_KPIS, marked_with

RUN_REPORT, CAPTURE_KPI = "distribution_run_report", "distribution_capture_kpi"


class IrActionsServer(models.Model):
    _inherit = "ir.actions.server"

    state = fields.Selection(
        selection_add=[
            (RUN_REPORT, "Run Report"),
            (CAPTURE_KPI, "Capture KPI"),
            (MARK_KPIS, "Mark KPIs as Due"),
        ],
        ondelete={RUN_REPORT: "cascade", CAPTURE_KPI: "cascade", MARK_KPIS: "cascade"},
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

    @api.constrains("state", "report_to_run_id", "capture_kpi_ids", "model_id")
    def _check_reporting(self):
        counted = self.env["distribution.kpi.source"]._counted_models()
        for action in self:
            if action.state == RUN_REPORT and not action.report_to_run_id:
                raise ValidationError(_("Report: choose what “%s” runs.", action.name))
            if action.state == CAPTURE_KPI and not action.capture_kpi_ids:
                raise ValidationError(_("KPIs: choose what “%s” has measured.", action.name))
            if action.state == MARK_KPIS and action.model_id.model not in counted:
                raise ValidationError(_("Model: no KPI counts “%s”: there is nothing to mark.", action.model_id.name))

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
        # sudo: which KPIs are measured was decided by who made the action
        self.sudo().capture_kpi_ids.filtered("version_id")._mark_due(self._companies_of(eval_context))

    def _run_action_distribution_mark_kpis_multi(self, eval_context=None):
        """Mark the KPIs that count such documents, in the transaction of what happened."""
        companies = self._companies_of(eval_context)
        for model in marked_with(self.sudo().model_id.model):
            self.env["distribution.kpi.touch"]._mark(model, companies)

    def _companies_of(self, eval_context):
        """Companies of the records that the action was started on."""
        records = self._suite_records(eval_context)
        if records and "company_id" in records._fields:
            # sudo: who acts on a document need not be allowed to read its company
            return records.sudo().company_id or self.env.company
        return self.env.company
