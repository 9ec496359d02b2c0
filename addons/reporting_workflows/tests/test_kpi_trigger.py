"""Each kind of document marks exactly the KPIs that count it, and an administrator switches each one."""

from odoo import Command, fields
from odoo.exceptions import AccessError
from odoo.tests.common import TransactionCase, new_test_user, tagged

from odoo.addons.distribution_core.compat import SALE_LINE_TAXES, storable_product_values

from ..models.kpi_current import _leave_marks

TRIGGERS = ("sale", "stock", "purchase", "bill", "case")


@tagged("post_install", "-at_install")
class TestKpiTrigger(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context=dict(cls.env.context, tracking_disable=True, mail_create_nolog=True))
        cls.company = cls.env.company
        cls.product = cls.env["product.product"].create(
            {"name": "Screw", "standard_price": 4, "taxes_id": False, **storable_product_values()}
        )
        warehouse = cls.env["stock.warehouse"].search([("company_id", "=", cls.company.id)], limit=1)
        cls.env["stock.quant"]._update_available_quantity(cls.product, warehouse.lot_stock_id, 50)
        cls.customer = cls.env["res.partner"].create({"name": "Builders"})
        cls.vendor = cls.env["res.partner"].create({"name": "Forge", "vendor_status": "approved"})
        cls.administrator = new_test_user(
            cls.env, login="t_trigger_admin", groups="base.group_user,distribution_core.group_administrator"
        )
        cls.clerk = new_test_user(cls.env, login="t_trigger_clerk", groups="base.group_user")

    def _trigger(self, name):
        return self.env.ref(f"reporting_workflows.kpi_trigger_{name}")

    def test_what_it_marks_is_told_in_words(self):
        self.assertEqual(self._trigger("sale").with_user(self.administrator).document_names, "Sales Order")
        for name in TRIGGERS:
            trigger = self._trigger(name).with_user(self.administrator)
            self.assertEqual(len(trigger.document_names.split(", ")), len(trigger.res_models.split(", ")))
            self.assertNotIn(".", trigger.document_names)

    def _nothing_due(self):
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.env.cr.execute("DELETE FROM distribution_kpi_touch")
        kpis = self.env["distribution.kpi"].search([("version_id", "!=", False)])
        today, current = self.company._day_of(fields.Datetime.now()), self.env["distribution.kpi.current"]
        current.search([("company_id", "=", self.company.id)]).unlink()
        current.create(
            [
                {
                    "kpi_id": kpi.id,
                    "company_id": self.company.id,
                    "day": today,
                    "is_measured": True,
                    "taken_at": fields.Datetime.now(),
                }
                for kpi in kpis
            ]
        )

    def _due(self):
        """KPIs that the job would measure now, without those that time alone moves."""
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.env.invalidate_all()
        sources = self.env["distribution.kpi.source"]._sources()
        due = self.env["distribution.kpi.current"]._due(self.company)
        return due.filtered(lambda kpi: not sources[kpi.source].moves_on)

    def _sale(self):
        line = {"product_id": self.product.id, "product_uom_qty": 2, "price_unit": 9, SALE_LINE_TAXES: False}
        return self.env["sale.order"].create({"partner_id": self.customer.id, "order_line": [Command.create(line)]})

    def _happenings(self):
        """``{trigger: what sets it off}``; everything before it is prepared."""
        order, delivered = self._sale(), self._sale()
        delivered.action_confirm()
        picking = delivered.picking_ids
        line = {"product_id": self.product.id, "product_qty": 2, "price_unit": 3}
        purchase = self.env["purchase.order"].create(
            {"partner_id": self.vendor.id, "order_line": [Command.create(line)]}
        )
        bill = self.env["account.move"].create(
            {
                "move_type": "in_invoice",
                "partner_id": self.vendor.id,
                "invoice_date": fields.Date.today(),
                "ref": "B1",
                "invoice_line_ids": [
                    Command.create({"name": "Goods", "quantity": 1, "price_unit": 70, "tax_ids": False})
                ],
            }
        )

        def leave():
            picking.move_ids.write({"quantity": 2, "picked": True})
            picking.with_context(skip_sms=True).button_validate()

        return {
            "sale": order.action_confirm,
            "stock": leave,
            "purchase": lambda: purchase.order_line.write({"price_unit": 4}),
            "bill": bill.action_post,
            "case": lambda: self.env["distribution.case"]._open("policy_missing", picking, "Refused at the door"),
        }

    def _marked_models(self):
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.env.cr.execute("SELECT DISTINCT res_model FROM distribution_kpi_touch")
        return {row[0] for row in self.env.cr.fetchall()}

    def test_each_marks_exactly_the_kpis_that_count_it(self):
        sources = self.env["distribution.kpi.source"]._sources()
        for name, happen in self._happenings().items():
            with self.subTest(name):
                self._nothing_due()
                happen()
                marked = self._marked_models()
                trigger = self._trigger(name)
                self.assertTrue(trigger.kpi_ids)
                self.assertTrue(trigger._marked() & marked)
                due = self._due()
                self.assertLessEqual(trigger.kpi_ids.filtered(lambda kpi: not sources[kpi.source].moves_on), due)
                others = due.filtered(
                    lambda kpi, marked=marked: (
                        not marked & {*sources[kpi.source].touched} and "*" not in sources[kpi.source].touched
                    )
                )
                self.assertFalse(others.mapped("code"), "nothing else is measured")

    def test_a_purchase_marks_no_sales_and_a_case_no_purchases(self):
        happenings = self._happenings()
        for name, strange in (("purchase", "sale.order"), ("bill", "stock.move"), ("case", "purchase.order")):
            self._nothing_due()
            happenings[name]()
            self.assertNotIn(strange, self._marked_models(), name)

    def test_what_is_switched_off_marks_nothing(self):
        happenings = self._happenings()
        for name in TRIGGERS:
            with self.subTest(name):
                trigger = self._trigger(name)
                trigger.with_user(self.administrator).active = False
                self._nothing_due()
                happenings[name]()
                self.assertFalse(trigger._marked() & self._marked_models())
                trigger.with_user(self.administrator).active = True
        self._nothing_due()
        self._sale().action_confirm()
        self.assertIn("sale.order", self._marked_models(), "switched on again")

    def test_who_switches(self):
        trigger = self._trigger("sale")
        with self.assertRaises(AccessError):
            trigger.with_user(self.clerk).active = False
        with self.assertRaises(AccessError):
            trigger.with_user(self.administrator).res_models = "res.partner"
        trigger.with_user(self.administrator).active = False
        event = self.env["distribution.event"]._last_for(trigger)
        self.assertEqual((event.type, event.user_ref), ("distribution.automation.changed.v1", self.administrator.id))

    def test_in_the_register(self):
        register = self.env["distribution.automation"]
        register._sync()
        trigger = self._trigger("bill")
        row = register.search([("res_model", "=", trigger._name), ("res_id", "=", trigger.id)])
        self.assertEqual((row.kind, row.is_running), ("kpi_trigger", True))
        row.with_user(self.administrator)._override(False, "The books are migrated")
        self.assertFalse(trigger.active)
        self.assertEqual(row.health, "paused")

    def test_it_costs_one_insert(self):
        orders = self._sale() | self._sale() | self._sale()
        self._nothing_due()
        self.env["distribution.kpi.trigger"]._switched_off()
        orders.action_confirm()
        self.env.flush_all()
        before = self.env.cr.sql_log_count
        _leave_marks(self.env)
        self.assertEqual(self.env.cr.sql_log_count - before, 1)
        self.env.cr.execute("SELECT count(*), count(DISTINCT res_model) FROM distribution_kpi_touch")
        number, models = self.env.cr.fetchone()
        self.assertEqual(number, models, "one mark for each kind of document")
