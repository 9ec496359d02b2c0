"""What an administrator adds to rules of their own: run a report, have KPIs measured."""

from odoo import Command
from odoo.exceptions import ValidationError
from odoo.tests.common import tagged

from .report_case import ReportCase


@tagged("post_install", "-at_install")
class TestReportAutomation(ReportCase):
    def _action(self, **values):
        model = self.env["ir.model"]._get_id("res.partner")
        return self.env["ir.actions.server"].create({"name": "At night", "model_id": model, **values})

    def _set_off(self, action, user=None):
        context = {"active_model": "res.partner", "active_id": self.vendors[0].id, "active_ids": self.vendors.ids}
        action.with_user(user or self.stranger).with_company(self.company).with_context(**context).sudo().run()

    def test_run_a_report(self):
        report = self._report()
        action = self._action(state="distribution_run_report", report_to_run_id=report.id)
        self._set_off(action)
        (run,) = report.run_ids
        self.assertEqual((run.origin, run.user_id.id, run.state), ("action", False, "queued"))
        self._work()
        self.assertEqual(run.state, "done", run.error)
        self._set_off(action)
        self.assertEqual(report.run_ids, run, "the period was run already")
        action.report_again = True
        self._set_off(action)
        self._set_off(action)  # the second one is still going on
        again = report.run_ids - run
        self.assertEqual((len(again), again.attempt, again.reason), (1, 2, "Server action “At night”"))
        with self.assertRaisesRegex(ValidationError, "Report: choose"):
            self._action(state="distribution_run_report")

    def test_a_report_without_a_version_in_force_is_not_run(self):
        report = self._report(publish=False)
        self._set_off(self._action(state="distribution_run_report", report_to_run_id=report.id))
        self.assertFalse(report.run_ids)

    def test_capture_a_kpi(self):
        kpis = self.env["distribution.kpi"].search([("version_id", "!=", False)])
        level = kpis.filtered(lambda kpi: kpi.code == "stock_negative")
        current = self.env["distribution.kpi.current"]
        current._refresh(self.company, kpis)
        self.env.cr.precommit.run()
        current._due(self.company)
        self.assertNotIn(level, current._due(self.company))
        action = self._action(state="distribution_capture_kpi", capture_kpi_ids=[Command.set(level.ids)])
        self._set_off(action)
        self.env.cr.precommit.run()
        self.assertIn(level, current._due(self.company))
        with self.assertRaisesRegex(ValidationError, "KPIs: choose"):
            self._action(state="distribution_capture_kpi")
