"""KPIs in a report: the figure that its reader gets, measured once for all of them."""

from datetime import timedelta

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests.common import tagged
from odoo.tools import mute_logger

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

    # ------------------------------------------------------------- what was kept

    def _read_daily_numbers(self):
        self.reader.write({USER_GROUPS: [Command.link(self.env.ref("reporting_workflows.group_kpi_reader").id)]})

    def _one(self, kind, by=None, **source):
        """A KPI that the reader measures, whose source is as wanted; ``by``: a dimension that it knows."""
        sources, kpis = self.env["distribution.kpi.source"], self._measurable()

        def fits(kpi):
            found = sources._source(kpi.source)
            is_kind = {
                "level": found.is_level and not found.denominator,
                "sum": found.is_sum,
                "share": bool(found.denominator) and not found.is_level,
            }[kind]
            if not is_kind or not found.days_add_up or (by and by not in found.dimensions):
                return False
            return all(getattr(found, name) == wanted for name, wanted in source.items())

        found = kpis.filtered(fits)[:1]
        self.assertTrue(found, kind)
        return found

    def _keep(self, kpi, day, numerator, denominator=None, **values):
        """What was taken of the company on a day."""
        return self.env["distribution.kpi.snapshot"]._append_rows(
            [
                {
                    "kpi_id": kpi.id,
                    "version_id": kpi.version_id.id,
                    "company_id": self.company.id,
                    "day": day,
                    "is_measured": True,
                    "numerator": numerator,
                    "denominator": denominator,
                    "value": numerator / denominator if denominator else numerator,
                    "rows": 2,
                    "taken_at": f"{day} 23:59:59",
                    **values,
                }
            ]
        )

    def _sign(self, kpi, first, last):
        kpi.owner_id = self.owner
        digest = self.env["distribution.kpi.snapshot"]._digest_of(kpi, self.company, first, last)
        kpi.with_user(self.owner).with_company(self.company).action_sign_off(first, last, digest)

    def _figures(self, kpis, first, last, **values):
        """``{code: Figure}`` of a report of these days."""
        code = f"figures_{self.env['distribution.report'].search_count([])}"
        report = self._report(code=code, section_ids=self._section(", ".join(kpis.mapped("code"))), **values)
        days = fields.Date.to_date(first), fields.Date.to_date(last)
        content, self.findings = self.env["distribution.report.builder"]._preview(report.version_id, *days, self.reader)
        return {figure.code: figure for figure in content.sections[0].figures}

    def test_a_signature_stands_beside_the_number_that_was_signed(self):
        self._read_daily_numbers()
        flow, day = self._one("sum"), fields.Date.to_date("2019-05-07")
        self._keep(flow, day, 3)
        self._sign(flow, day, day)
        figure = self._figures(flow, day, day)[flow.code]
        self.assertEqual((figure.value, figure.signed_by, figure.rows, figure.note), (3, self.owner.name, 2, ""))
        another = self._figures(flow, "2019-05-08", "2019-05-08")[flow.code]
        self.assertEqual(another.signed_by, "")
        # Corrected since: the number in force is another one, and nobody signed it yet.
        self._keep(flow, day, 4, revision=1, reason="One more")
        figure = self._figures(flow, day, day)[flow.code]
        self.assertEqual((figure.value, figure.signed_by), (4, ""))

    def test_who_may_not_read_the_signed_number_gets_no_signature(self):
        flow, day = self._one("sum"), fields.Date.to_date("2019-05-07")
        self._keep(flow, day, 3)
        self._sign(flow, day, day)
        figure = self._figures(flow, day, day)[flow.code]
        self.assertEqual((figure.value, figure.signed_by), (0, ""))
        self.assertIn("may not read the daily numbers", figure.note)

    def test_a_flow_is_that_of_its_days_where_all_were_taken(self):
        self._read_daily_numbers()
        added, share = self._one("sum"), self._one("share", scale=100)
        for number, day in enumerate(("2019-05-06", "2019-05-07", "2019-05-08"), start=1):
            self._keep(added, day, 10 * number)
            self._keep(share, day, number, 2 * number)
        first, last = fields.Date.to_date("2019-05-06"), fields.Date.to_date("2019-05-08")
        self._sign(added, first, last)
        figures = self._figures(added | share, first, last)
        self.assertEqual((figures[added.code].value, figures[added.code].signed_by), (60, self.owner.name))
        self.assertEqual(figures[share.code].value, 50, "a share of all days, not the mean of shares")
        # The dashboard of the same days says the same.
        days = self.env["distribution.dashboard"].with_user(self.reader).with_company(self.company)
        place = days._place(added, [], None)
        kept = days._days(added, first, last, place)[added.id]
        self.assertEqual(sum(day.numerator for day in kept.values()), figures[added.code].value)
        # A day is missing: what the days say is not the whole, and nobody signed what is measured instead.
        figure = self._figures(added, "2019-05-06", "2019-05-09")[added.code]
        self.assertEqual((figure.value, figure.signed_by), (0, ""))
        self.assertIn("3 of 4 days", figure.note)

    def test_a_level_of_a_period_that_is_over_is_that_of_its_last_day(self):
        self._read_daily_numbers()
        level = self._one("level")
        self._keep(level, "2019-05-05", 9)
        self._keep(level, "2019-05-06", 7)
        self._keep(level, "2019-05-08", 5)
        limit = {"code": "t", "label": "Limit", "kpi": level.code, "direction": "above", "breach": "4"}
        limits = {"threshold_ids": [Command.create(limit)]}
        figure = self._figures(level, "2019-05-06", "2019-05-06", **limits)[level.code]
        self.assertEqual((figure.value, figure.previous, figure.status), (7, 9, "breach"))
        self.assertEqual([one.amount for one in self.findings], [7])
        # Not taken on the last day: unknown, whatever it is now or was a day before.
        figure = self._figures(level, "2019-05-06", "2019-05-07", **limits)[level.code]
        self.assertEqual((figure.value, figure.status, figure.note), (None, "unknown", "Not measured then."))
        self.assertFalse(self.findings)
        today = self.company._day_of(fields.Datetime.now())
        self._keep(level, today - timedelta(days=1), 11)
        figure = self._figures(level, today, today)[level.code]
        measured = level.with_user(self.reader).with_company(self.company)
        self.assertEqual(figure.value, measured._measure(measured, today, today)[level.id][0].value, "today is live")
        self.assertEqual(figure.previous, 11)

    def test_a_sum_of_several_days_is_not_judged_by_the_limits_of_a_day(self):
        self._read_daily_numbers()
        kpi = self._one("sum")
        judged = {"direction": "down", "grain": "day", "is_judged": True, "warn": 5, "breach": 8}
        draft = self.env["distribution.kpi.version"].browse(kpi.with_user(self.author).action_new_version()["res_id"])
        draft.with_user(self.author).write({**judged, "change_summary": "Judged by the day"})
        draft.with_user(self.publisher).action_publish()
        for day in ("2019-05-06", "2019-05-07"):
            self._keep(kpi, day, 6)
        self.assertEqual(self._figures(kpi, "2019-05-07", "2019-05-07")[kpi.code].status, "warn")
        self.assertEqual(self._figures(kpi, "2019-05-06", "2019-05-07")[kpi.code].status, "none", "12 in two days")
        limit = {"code": "t", "label": "Limit", "kpi": kpi.code, "direction": "above", "breach": "10"}
        figures = self._figures(kpi, "2019-05-06", "2019-05-07", threshold_ids=[Command.create(limit)])
        self.assertEqual(figures[kpi.code].status, "breach", "the report's own limit is for its period")

    def test_figures_are_of_the_moment_of_the_tables(self):
        self._read_daily_numbers()
        kpi = self._one("sum")
        self._keep(kpi, "2019-05-07", 3)
        report = self._report(section_ids=[
            *self._section(kpi.code), Command.create({"code": "all", "title": "All", "dataset": "vendors"})
        ])  # fmt: skip
        run = self._run(report, day="2019-05-07")
        run._advance()
        # The reader is away, a step fails, and is tried again when everything is different.
        self.reader.active = False
        with mute_logger("odoo.addons.reporting_workflows.models.report_run"):
            self._work()
        self.assertEqual(run.state, "failed")
        self.reader.active = True
        self._keep(kpi, "2019-05-07", 4, revision=1, reason="One more")
        self.vendors.active = False
        run.with_user(self.owner).action_retry()
        self._work()
        self.assertEqual(run.state, "done", run.error)
        content = run.edition_id._content()
        self.assertEqual((content.sections[0].figures[0].value, len(content.sections[1].table.rows)), (3, 5))

    def test_a_site_has_its_own_numbers(self):
        self._read_daily_numbers()
        site = self.env["stock.warehouse"].search([("company_id", "=", self.company.id)], limit=1)
        level = self._one("level", by="site")
        self._keep(level, "2019-05-06", 7)
        self._keep(level, "2019-05-06", 2, site_id=site.id)
        self._keep(level, "2019-05-07", 7)
        figure = self._figures(level, "2019-05-06", "2019-05-06", site_id=site.id)[level.code]
        self.assertEqual(figure.value, 2)
        figure = self._figures(level, "2019-05-07", "2019-05-07", site_id=site.id)[level.code]
        self.assertEqual((figure.value, figure.previous), (0, 2), "the day was taken, and nothing was there")

    def test_an_unknown_kpi_is_named_before_it_is_published(self):
        version = self._report(publish=False, section_ids=self._section("no_such_kpi")).version_ids
        self.assertIn("no KPI “no_such_kpi”", version.problem_text)
