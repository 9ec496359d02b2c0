"""As whom a report was read: said where the reader sees less than all, and only there."""

from odoo import Command, fields
from odoo.tests.common import tagged

from odoo.addons.distribution_core.compat import USER_GROUPS

from .report_case import ReportCase


@tagged("post_install", "-at_install")
class TestReportReader(ReportCase):
    @classmethod
    def _make_goods(cls):
        super()._make_goods()
        elsewhere = cls.env["res.company"].create({"name": "Elsewhere"})
        cls.today = cls.company._day_of(fields.Datetime.now())
        cls.orders = cls.env["sale.order"]
        for company, user in ((cls.company, cls.reader), (cls.company, cls.owner), (elsewhere, cls.env.user)):
            order = {"company_id": company.id, "user_id": user.id, "partner_id": cls.vendors[0].id}
            cls.orders |= cls.env["sale.order"].with_company(company).create(order)

    def _sells(self, group):
        self.reader.write({USER_GROUPS: [Command.link(self.env.ref(f"sales_team.{group}").id)]})

    def _read(self, run=False, **values):
        """``parameters`` of a report of orders."""
        dataset = {
            "code": "orders",
            "model": "sale.order",
            "domain": f"[('id', 'in', {self.orders.ids})]",
            "column_ids": [Command.create({"path": "name"})],
        }
        sections = [Command.create({"code": "orders", "title": "Orders", "dataset": "orders"})]
        code = f"orders_{self.env['distribution.report'].search_count([])}"
        report = self._report(**{"code": code, "datasets": [dataset], "section_ids": sections, **values})
        if not run:
            builder = self.env["distribution.report.builder"]
            return builder._preview(report.version_id, self.today, self.today, self.reader)[0].parameters
        run = self._run(report, day=str(self.today))
        self._work()
        self.assertEqual(run.state, "done", run.error)
        return run.edition_id._content().parameters

    def test_who_sees_only_own_documents_is_named(self):
        self._sells("group_sale_salesman")
        named = (("Read as", f"{self.reader.name}, who does not see all of it"),)
        self.assertEqual(self._read(), named)
        self.assertEqual(self._read(run=True), named)

    def test_who_sees_all_of_the_company_is_not(self):
        self._sells("group_sale_salesman_all_leads")
        self.assertEqual(self._read(run=True), ())

    def test_nothing_is_said_where_nothing_is_missing(self):
        self._sells("group_sale_salesman")
        self.orders[1].user_id = self.reader
        self.assertEqual(self._read(), ())

    def test_measured_figures_are_looked_at_as_well(self):
        figures = {
            "datasets": [],
            "section_ids": [Command.create({"code": "f", "title": "Figures", "kpis": "orders_confirmed"})],
        }
        self.orders[1].action_confirm()
        self._sells("group_sale_salesman")
        ((label, _who),) = self._read(**figures)
        self.assertEqual(label, "Read as")
        self._sells("group_sale_salesman_all_leads")
        self.assertEqual(self._read(**figures), ())
