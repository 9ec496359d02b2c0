"""KPIs in a report: the figure that its reader gets, measured once for all of them."""

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests.common import tagged

from .report_case import ReportCase


@tagged("post_install", "-at_install")
class TestReportKpis(ReportCase):
    def setUp(self):
        super().setUp()
        if "distribution.kpi" not in self.env:
            self.skipTest("no KPI is defined here")
        self.kpis = self.env["distribution.kpi"].search([("version_id", "!=", False)], order="code")

    def _section(self, codes):
        return [Command.create({"code": "figures", "title": "Figures", "kpis": codes})]

    def _measurable(self):
        """KPIs that the reader of this report may measure."""
        found = self.env["distribution.kpi"]
        for kpi in self.kpis.with_user(self.reader).with_company(self.company):
            try:
                with self.env.cr.savepoint():
                    kpi._measure(kpi, self.env.cr.now().date(), self.env.cr.now().date())
                found |= kpi.sudo()
            except UserError:
                continue
        return found

    def test_figures_are_what_the_reader_measures(self):
        kpis = self._measurable()[:3]
        self.assertTrue(kpis)
        limit = {"code": "t", "label": "Limit", "kpi": kpis[0].code, "direction": "above", "breach": "-1"}
        report = self._report(
            section_ids=self._section(", ".join(kpis.mapped("code"))), threshold_ids=[Command.create(limit)]
        )
        run = self._run(report)
        self._work()
        self.assertEqual(run.state, "done", run.error)
        figures = run.edition_id._content().sections[0].figures
        self.assertEqual([figure.code for figure in figures], kpis.mapped("code"))
        day = run.period_first
        reading = kpis.with_user(self.reader).with_company(self.company)
        measured = reading._measure(reading, day, day)
        for figure, kpi in zip(figures, kpis):
            self.assertEqual(figure.value, measured[kpi.id][0].value)
            self.assertEqual((figure.label, figure.kind), (kpi.name, kpi.kind))
        crossed = figures[0].value is not None and figures[0].value > -1
        self.assertEqual((figures[0].status == "breach", run.is_crossed), (crossed, crossed))

    def test_an_unknown_kpi_is_named_before_it_is_published(self):
        version = self._report(publish=False, section_ids=self._section("no_such_kpi")).version_ids
        self.assertIn("no KPI “no_such_kpi”", version.problem_text)
