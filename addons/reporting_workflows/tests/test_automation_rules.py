"""Automation Rules that an administrator makes: documents take their real course and set them off."""

from odoo import Command, fields
from odoo.exceptions import AccessError
from odoo.tests.common import TransactionCase, new_test_user, tagged

from odoo.addons.distribution_core.compat import SALE_LINE_TAXES, storable_product_values

GROUPS = (
    "base.group_user",
    "sales_team.group_sale_salesman",
    "purchase.group_purchase_user",
    "stock.group_stock_user",
    "account.group_account_invoice",
)


class Undone(Exception):
    """What happens after the rule did its work, and takes everything back."""


@tagged("post_install", "-at_install")
class TestAutomationRules(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context=dict(cls.env.context, tracking_disable=True, mail_create_nolog=True))
        cls.company = cls.env.company

        def user(login, *groups):
            return new_test_user(cls.env, login=f"t_rule_{login}", groups=",".join(groups))

        cls.administrator = user("admin", "base.group_system", "distribution_core.group_administrator")
        cls.author = user("author", "base.group_user", "distribution_core.group_policy_author")
        cls.publisher = user("publisher", "base.group_user", "distribution_core.group_policy_publisher")
        cls.clerk = user("clerk", *GROUPS)
        cls.product = cls.env["product.product"].create(
            {"name": "Screw", "standard_price": 4, "taxes_id": False, **storable_product_values()}
        )
        warehouse = cls.env["stock.warehouse"].search([("company_id", "=", cls.company.id)], limit=1)
        cls.env["stock.quant"]._update_available_quantity(cls.product, warehouse.lot_stock_id, 50)
        cls.customer = cls.env["res.partner"].create({"name": "Builders"})
        cls.vendor = cls.env["res.partner"].create({"name": "Forge", "vendor_status": "approved"})
        cls.report = cls._make_report()
        cls._measure("cases_open", "case_resolution")

    @classmethod
    def _measure(cls, code, other):
        """Documents of the test have nothing to do with these: they are measured because a rule says so, or not."""
        kpis = cls.env["distribution.kpi"].search([("code", "in", (code, other))])
        cls.kpi, cls.other_kpi = (
            kpis.filtered(lambda kpi: kpi.code == code),
            kpis.filtered(lambda kpi: kpi.code == other),
        )

    @classmethod
    def _make_report(cls):
        report = cls.env["distribution.report"].with_user(cls.author).create({"name": "By Rule", "code": "by_rule"})
        version = report.version_ids.create(
            {
                "report_id": report.id,
                "reader_id": cls.clerk.id,
                "as_pdf": False,
                "section_ids": [Command.create({"code": "words", "title": "Words", "text": "Something happened."})],
                "recipient_ids": [Command.create({"kind": "user", "user_id": cls.clerk.id, "channel": "inbox"})],
            }
        )
        version.with_user(cls.publisher).action_publish()
        return report.with_env(cls.env)

    def _rule(self, model, trigger="on_state_set", state=None, fields_=("state",), domain=None, again=False):
        """A rule with both of our actions, made as the administrator makes one on the form."""
        of_fields = self.env["ir.model.fields"].search([("model", "=", model), ("name", "in", fields_)])
        model_id = self.env["ir.model"]._get_id(model)
        rules = self.env["base.automation"].with_user(self.administrator)
        values = {
            "name": f"Rule on {model}",
            "model_id": model_id,
            "trigger": trigger,
            "trigger_field_ids": [Command.set(of_fields.ids)],
            "action_server_ids": [
                Command.create(
                    {
                        "name": "Run it",
                        "model_id": model_id,
                        "state": "distribution_run_report",
                        "report_to_run_id": self.report.id,
                        "report_again": again,
                    }
                ),
                Command.create(
                    {
                        "name": "Measure it",
                        "model_id": model_id,
                        "state": "distribution_capture_kpi",
                        "capture_kpi_ids": [Command.set(self.kpi.ids)],
                    }
                ),
            ],
        }
        if state:
            chosen = of_fields.selection_ids.filtered(lambda option: option.value == state)
            self.assertEqual(len(chosen), 1)
            values["trg_selection_field_id"] = chosen.id
        if domain:
            values["filter_domain"] = domain
        return rules.create(values)

    def _nothing_due(self):
        """Both KPIs are measured, and no mark is left."""
        current = self.env["distribution.kpi.current"]
        current._refresh(self.company, self.kpi | self.other_kpi)
        self._measured()
        self.env.cr.execute("UPDATE distribution_kpi_current SET taken_at = '2020-01-01'")

    def _measured(self):
        """Which of the two the job measures anew now."""
        self.env.flush_all()
        self.env.cr.precommit.run()
        current = self.env["distribution.kpi.current"]
        current._refresh(self.company, current._due(self.company) & (self.kpi | self.other_kpi))
        fresh = current.search(
            [("company_id", "=", self.company.id), ("site_id", "=", False), ("taken_at", ">", "2021-01-01")]
        )
        return fresh.kpi_id & (self.kpi | self.other_kpi)

    def _sale(self, confirm=False):
        line = {"product_id": self.product.id, "product_uom_qty": 2, "price_unit": 9, SALE_LINE_TAXES: False}
        order = (
            self.env["sale.order"]
            .with_user(self.clerk)
            .create({"partner_id": self.customer.id, "order_line": [Command.create(line)]})
        )
        if confirm:
            order.action_confirm()
        return order

    def assertRuleFires(self, happen):
        """``happen()`` makes one run of the report and has our KPI measured; the report reaches its recipient."""
        self._nothing_due()
        self.assertFalse(self.report.run_ids)
        happen()
        self.env.flush_all()
        run = self.report.run_ids
        self.assertEqual((len(run), run.origin, run.state), (1, "action", "queued"))
        self.assertEqual(self._measured(), self.kpi)
        with self.assertRaises(AccessError):
            run.with_user(self.clerk).read(["state"])
        self.env["distribution.report.run"]._cron_run(commit=False)
        self.env["distribution.report.delivery"]._cron_send()
        self.env.invalidate_all()
        self.assertEqual((run.state, run.edition_id.delivered_count), ("done", 1), run.error)
        self.assertTrue(run.edition_id.with_user(self.clerk).content_html)

    # ------------------------------------------------------------ what fires

    def test_orders_that_are_confirmed(self):
        self._rule("sale.order", state="sale")
        orders = self._sale() | self._sale() | self._sale()
        self.assertFalse(self.report.run_ids, "drafts set nothing off")
        self.assertRuleFires(orders.action_confirm)
        self._sale(confirm=True)
        self.assertEqual(len(self.report.run_ids), 1, "the period was run already")

    def test_goods_that_leave(self):
        self._rule("stock.move", state="done")
        picking = self._sale(confirm=True).picking_ids

        def leave():
            picking.move_ids.write({"quantity": 2, "picked": True})
            picking.with_user(self.clerk).with_context(skip_sms=True).button_validate()
            self.assertEqual(picking.state, "done")

        self.assertRuleFires(leave)

    def test_a_purchase_that_changes(self):
        line = {"product_id": self.product.id, "product_qty": 2, "price_unit": 3}
        orders = self.env["purchase.order"].with_user(self.clerk)
        order = orders.create({"partner_id": self.vendor.id, "order_line": [Command.create(line)]})
        order.button_confirm()
        self._rule("purchase.order.line", "on_create_or_write", fields_=("date_planned", "price_unit"))
        self.assertRuleFires(lambda: order.order_line.write({"price_unit": 4}))

    def test_a_bill_that_is_posted(self):
        self._rule("account.move", state="posted")
        line = {"name": "Goods", "quantity": 1, "price_unit": 70, "tax_ids": False}
        bill = (
            self.env["account.move"]
            .with_user(self.clerk)
            .create(
                {
                    "move_type": "in_invoice",
                    "partner_id": self.vendor.id,
                    "invoice_date": fields.Date.today(),
                    "ref": "B1",
                    "invoice_line_ids": [Command.create(line)],
                }
            )
        )
        self.assertFalse(self.report.run_ids)
        self.assertRuleFires(bill.action_post)

    def test_an_exception_of_a_delivery(self):
        self._measure("purchases_ordered", "purchase_cycle")
        self._rule(
            "distribution.case",
            "on_create_or_write",
            fields_=("res_model",),
            domain="[('res_model', '=', 'stock.picking')]",
        )
        picking = self._sale(confirm=True).picking_ids
        cases = self.env["distribution.case"]
        cases._open("policy_missing", self.customer, "Not about a delivery")
        self.assertFalse(self.report.run_ids)
        self.assertRuleFires(lambda: cases._open("policy_missing", picking, "Refused at the door"))

    # --------------------------------------------------------- what does not

    def test_what_is_rolled_back_leaves_nothing(self):
        self._rule("sale.order", state="sale")
        order = self._sale()
        self._nothing_due()
        with self.assertRaises(Undone), self.env.cr.savepoint():
            order.action_confirm()
            self.assertEqual(len(self.report.run_ids), 1)
            raise Undone
        self.env.invalidate_all()
        self.assertEqual((order.state, len(self.report.run_ids)), ("draft", 0))
        self.assertFalse(self._measured())

    def test_a_report_out_of_force_stops_no_order(self):
        self._rule("sale.order", state="sale")
        self.report.version_id.with_user(self.publisher).action_retire()
        self.assertEqual(self._sale(confirm=True).state, "sale")
        self.assertFalse(self.report.run_ids)

    def test_a_rule_that_runs_it_again_says_so(self):
        self._rule("sale.order", state="sale", again=True)
        self.assertRuleFires(lambda: self._sale(confirm=True))
        self._sale(confirm=True)
        again = self.report.run_ids.sorted("attempt")[-1]
        self.assertEqual((again.attempt, again.reason), (2, "Automation rule “Rule on sale.order”"))

    def test_a_rule_that_is_off_does_nothing(self):
        self._rule("sale.order", state="sale").active = False
        self._nothing_due()
        self._sale(confirm=True)
        self.assertFalse(self.report.run_ids)
        self.assertFalse(self._measured())

    def test_the_administrator_chooses_among_reports_and_kpis(self):
        """The form's own fields: both are found by whoever makes the rule."""
        env = self.env(user=self.administrator)
        self.assertTrue(env["distribution.report"].name_search("By Rule"))
        self.assertTrue(env["distribution.kpi"].name_search(self.kpi.name))
        options = dict(env["ir.actions.server"]._fields["state"]._description_selection(env))
        self.assertEqual(options["distribution_run_report"], "Run Report")
        self.assertEqual(options["distribution_capture_kpi"], "Capture KPI")
        views = env["ir.ui.view"].sudo().search([("model", "=", "ir.actions.server"), ("type", "=", "form")])
        of_rules = views.filtered(lambda view: (view.xml_id or "").startswith("base_automation."))
        self.assertTrue(of_rules)
        for view in of_rules.filtered(lambda view: view.mode == "primary"):
            arch = env["ir.actions.server"].get_view(view.id, "form")["arch"]
            self.assertIn('name="report_to_run_id"', arch, view.xml_id)
            self.assertIn('name="capture_kpi_ids"', arch, view.xml_id)
