"""KPIs in a report: the figure that its reader gets, measured once for all of them."""

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests.common import tagged

from odoo.addons.distribution_core.compat import USER_GROUPS

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

    def test_a_monday_is_compared_with_a_friday(self):
        report = self._report(period="since_last_workday")
        builder = self.env["distribution.report.builder"]
        days = [fields.Date.to_date(day) for day in ("2026-11-23", "2026-11-20", "2026-11-22")]
        scope = builder._scope(report.version_id, days[0], days[0], self.reader)
        self.assertEqual(scope.before, (days[1], days[2]))
        self.assertTrue(scope.values["before_since"].startswith("2026-11-20"))
        code = (
            self._measurable()
            .filtered(lambda kpi: not self.env["distribution.kpi.source"]._source(kpi.source).is_level)[:1]
            .code
        )
        asked = []
        kpis = type(self.env["distribution.kpi"])
        original = kpis._measure

        def measure(model, kpis_asked, first, last, **values):
            asked.append((first, last))
            return original(model, kpis_asked, first, last, **values)

        self.patch(kpis, "_measure", measure)
        report = self._report(code="daily", period="since_last_workday", section_ids=self._section(code))
        builder._preview(report.version_id, days[0], days[0], self.reader)
        self.assertEqual(asked[-2:], [(days[0], days[0]), (days[1], days[2])])

    def test_who_signed_and_what_a_level_was_before(self):
        self.reader.write({USER_GROUPS: [Command.link(self.env.ref("reporting_workflows.group_kpi_reader").id)]})
        sources, kpis = self.env["distribution.kpi.source"], self._measurable()
        level = kpis.filtered(lambda kpi: sources._source(kpi.source).is_level)[:1]
        flow = kpis.filtered(lambda kpi: not sources._source(kpi.source).is_level)[:1]
        flow.owner_id = self.owner
        taken = {"company_id": self.company.id, "is_measured": True, "rows": 1, "taken_at": "2019-05-08 01:00:00"}
        rows = [(level, "2019-05-06", 7), (level, "2019-05-05", 9), (flow, "2019-05-07", 3)]
        self.env["distribution.kpi.snapshot"]._append_rows(
            [
                {**taken, "kpi_id": kpi.id, "version_id": kpi.version_id.id, "day": day, "value": value}
                for kpi, day, value in rows
            ]
        )
        signing = flow.with_user(self.owner).with_company(self.company)
        day = fields.Date.to_date("2019-05-07")
        digest = self.env["distribution.kpi.snapshot"]._digest_of(flow, self.company, day, day)
        signing.action_sign_off(day, day, digest)
        report = self._report(section_ids=self._section(f"{level.code}, {flow.code}"))
        content = self.env["distribution.report.builder"]._preview(report.version_id, day, day, self.reader)[0]
        figures = {figure.code: figure for figure in content.sections[0].figures}
        self.assertEqual(figures[level.code].previous, 7)
        self.assertEqual([figures[kpi.code].signed_by for kpi in (level, flow)], ["", self.owner.name])
        another = fields.Date.to_date("2019-05-09")
        content = self.env["distribution.report.builder"]._preview(report.version_id, another, another, self.reader)[0]
        self.assertEqual([(one.previous, one.signed_by) for one in content.sections[0].figures][0], (None, ""))

    def test_an_unknown_kpi_is_named_before_it_is_published(self):
        version = self._report(publish=False, section_ids=self._section("no_such_kpi")).version_ids
        self.assertIn("no KPI “no_such_kpi”", version.problem_text)
