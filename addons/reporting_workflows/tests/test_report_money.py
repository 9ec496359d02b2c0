"""Amounts of documents in many currencies: converted at their day, or refused; never added up as if they were one."""

from decimal import Decimal

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests.common import tagged

from .report_case import ReportCase

AMOUNT = {"path": "amount_untaxed", "label": "Amount", "total": True}


@tagged("post_install", "-at_install")
class TestReportMoney(ReportCase):
    @classmethod
    def _make_goods(cls):
        super()._make_goods()
        cls.own = cls.company.currency_id
        cls.own.rate_ids.unlink()
        cls.goods = cls.env["product.product"].create({"name": "Goods"})
        cls.foreign = cls.env["res.currency"].create(
            {
                "name": "RPX",
                "symbol": "X",
                "rate_ids": [
                    Command.create({"name": day, "rate": rate, "company_id": cls.company.id})
                    for day, rate in (("2026-01-01", 2), ("2026-02-01", 4))
                ],
            }
        )
        cls.orders = cls.env["purchase.order"]
        for currency, day, price in (
            (cls.own, "2026-01-10", 100),
            (cls.foreign, "2026-01-10", 100),
            (cls.foreign, "2026-02-10", 100),
        ):
            cls.orders |= cls._order(currency, day, price)

    @classmethod
    def _order(cls, currency, day, price):
        return cls.env["purchase.order"].create(
            {
                "company_id": cls.company.id,
                "partner_id": cls.vendors[0].id,
                "currency_id": currency.id,
                "date_order": f"{day} 12:00:00",
                "order_line": [
                    Command.create(
                        {
                            "name": "Goods",
                            "product_id": cls.goods.id,
                            "product_qty": 1,
                            "price_unit": price,
                            "date_planned": f"{day} 12:00:00",
                        }
                    )
                ],
            }
        )

    def _money_report(self, column=None, publish=True, **values):
        dataset = {
            "code": "orders",
            "model": "purchase.order",
            "domain": f"[('id', 'in', {self.orders.ids})]",
            "order": "id",
            "column_ids": [Command.create({"path": "name"}), Command.create({**AMOUNT, **(column or {})})],
            **values.pop("dataset", {}),
        }
        sections = [Command.create({"code": "orders", "title": "Orders", "dataset": "orders"})]
        return self._report(publish=publish, datasets=[dataset], section_ids=sections, **values)

    def _preview(self, report, day="2026-03-01"):
        day = fields.Date.to_date(day)
        version = report.version_id or report.version_ids
        return self.env["distribution.report.builder"]._preview(version, day, day, self.reader)

    def test_amounts_are_converted_at_the_day_of_their_document(self):
        self.assertEqual(self.orders.mapped("amount_untaxed"), [100, 100, 100])
        limit = {
            "code": "t",
            "label": "Much",
            "measure": "sum",
            "dataset": "orders",
            "column": "amount_untaxed",
            "breach": "174",
        }
        content, findings = self._preview(self._money_report(threshold_ids=[Command.create(limit)]))
        table = content.sections[0].table
        self.assertEqual([row[1] for row in table.rows], [100, 50, 25])
        self.assertEqual((table.total[1], table.columns[1].kind, content.currency), (175, "money", self.own.name))
        self.assertEqual([one.amount for one in findings], [Decimal(175)])

    def test_lines_are_of_the_day_of_their_order(self):
        dataset = {
            "model": "purchase.order.line",
            "domain": f"[('order_id', 'in', {self.orders.ids})]",
            "column_ids": [
                Command.create({"path": "price_subtotal", "total": True}),
                Command.create({"path": "order_id.amount_untaxed", "label": "Order"}),
            ],
        }
        table = self._preview(self._money_report(dataset=dataset))[0].sections[0].table
        self.assertEqual(table.rows, ((100, 100), (50, 50), (25, 25)))

    def test_as_many_queries_for_many_documents_of_a_day(self):
        few = self._queries_of(self._money_report())
        for _number in range(8):
            self._order(self.foreign, "2026-02-10", 100)
        many = self.env["purchase.order"].search([("partner_id", "=", self.vendors[0].id)])
        self.assertEqual(len(many), 11)
        another = self._money_report(code="many", dataset={"domain": f"[('id', 'in', {many.ids})]"})
        self.assertEqual(self._queries_of(another), few)

    def _queries_of(self, report):
        """Of a preview, once the caches of the whole registry know what they will."""
        for _again in range(3):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self._preview(report)
        return self.env.cr.sql_log_count - before

    def test_without_a_rate_there_is_no_amount(self):
        self.orders = self._order(self.foreign, "2025-12-31", 100)
        with self.assertRaisesRegex(UserError, "no rate of RPX for 2025-12-31"):
            self._preview(self._money_report(publish=False))

    def test_several_currencies_are_not_added_up_by_the_database(self):
        grouped = {"group_by": "partner_id", "order": "", "column_ids": [
            Command.create({"path": "partner_id"}), Command.create({**AMOUNT, "aggregate": "sum"})
        ]}  # fmt: skip
        with self.assertRaisesRegex(UserError, "amounts in .*RPX.* are not added up"):
            self._preview(self._money_report(publish=False, dataset=grouped))
        self.orders = self.orders[0]
        content, _findings = self._preview(self._money_report(code="one", dataset=grouped))
        self.assertEqual(content.sections[0].table.rows[0][1], 100)

    def test_plain_numbers_are_shown_and_not_added_up(self):
        column = {"kind": "number", "total": False}
        content, _findings = self._preview(self._money_report(column))
        self.assertEqual([row[1] for row in content.sections[0].table.rows], [100, 100, 100])
        added = self._money_report({"kind": "number"}, publish=False, code="added").version_ids
        self.assertIn("Dataset orders: “amount_untaxed” is in the currency of each document", added.problem_text)
        limit = {"code": "t", "measure": "sum", "dataset": "orders", "column": "amount_untaxed", "breach": "1"}
        judged = self._money_report(column, publish=False, code="judged", threshold_ids=[Command.create(limit)])
        self.assertIn("Threshold t: “amount_untaxed” is in the currency", judged.version_ids.problem_text)
        check = {
            "code": "c",
            "kind": "reconcile",
            "dataset": "orders",
            "columns": "amount_untaxed",
            "other_column": "amount_untaxed",
        }
        checked = self._money_report(column, publish=False, code="checked", check_ids=[Command.create(check)])
        self.assertIn("Check c: “amount_untaxed” is in the currency", checked.version_ids.problem_text)

    def test_what_is_in_company_currency_by_definition_is_left(self):
        builder = self.env["distribution.report.builder"]
        for model, path, foreign in (
            ("purchase.order", "amount_total", True),
            ("account.move", "amount_total_signed", False),
            ("account.move", "amount_total", True),
            ("account.move.line", "balance", False),
            ("account.move.line", "move_id.amount_untaxed", True),
            ("res.partner", "name", False),
        ):
            with self.subTest(model=model, path=path):
                self.assertEqual(builder._is_foreign_path(model, path), foreign)
