"""Automation rules mark exactly the KPIs that count a document; an administrator switches and extends each one."""

from contextlib import suppress
from unittest.mock import patch

from odoo import SUPERUSER_ID, Command, api, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form
from odoo.tests.common import TransactionCase, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.compat import SALE_LINE_TAXES, storable_product_values

from ..models import kpi_current
from ..models.kpi_rule import MARK_KPIS, ON_KPIS, marked_with

RULES = ("sale", "stock", "purchase", "bill", "case")
OUTCOMES = "distribution.automation.rule_outcomes"


class Undone(Exception):
    """What happens after the rules did their work, and takes everything back."""


class KpiRuleCase(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context=dict(cls.env.context, tracking_disable=True, mail_create_nolog=True))
        cls.company = cls.env.company
        cls.product = cls.env["product.product"].create(
            {"name": "Screw", "standard_price": 4, "taxes_id": False, **storable_product_values()}
        )
        warehouse = cls.env["stock.warehouse"].search([("company_id", "=", cls.company.id)], limit=1)
        cls.env["stock.quant"]._update_available_quantity(cls.product, warehouse.lot_stock_id, 5000)
        cls.customer = cls.env["res.partner"].create({"name": "Builders"})
        cls.vendor = cls.env["res.partner"].create({"name": "Forge", "vendor_status": "approved"})
        cls.administrator = new_test_user(
            cls.env, login="t_rule_admin", groups="base.group_user,distribution_core.group_administrator"
        )
        cls.system = new_test_user(
            cls.env, login="t_rule_system", groups="base.group_system,distribution_core.group_administrator"
        )
        cls.clerk = new_test_user(
            cls.env, login="t_rule_clerk", groups="base.group_user,sales_team.group_sale_salesman_all_leads"
        )

    def _rule(self, name):
        return self.env.ref(f"reporting_workflows.kpi_rule_{name}")

    def _ends(self):
        """What happens at the end of the transaction."""
        self.env.flush_all()
        self.env.cr.precommit.run()

    def _nothing_due(self):
        self._ends()
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
        self._ends()
        self.env.invalidate_all()
        sources = self.env["distribution.kpi.source"]._sources()
        due = self.env["distribution.kpi.current"]._due(self.company)
        return due.filtered(lambda kpi: not sources[kpi.source].moves_on)

    def _marked(self):
        """``[(company id, kind of document)]`` as the job will find them."""
        self._ends()
        self.env.cr.execute("SELECT company_ref, res_model FROM distribution_kpi_touch ORDER BY 1, 2")
        return self.env.cr.fetchall()

    def _marked_models(self):
        return {model for _company, model in self._marked()}

    def _sale(self, price=9, user=None):
        line = {"product_id": self.product.id, "product_uom_qty": 2, "price_unit": price, SALE_LINE_TAXES: False}
        orders = self.env["sale.order"].with_user(user or self.env.user)
        return orders.create({"partner_id": self.customer.id, "order_line": [Command.create(line)]})


@tagged("post_install", "-at_install")
class TestKpiRule(KpiRuleCase):
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

    def test_each_marks_exactly_the_kpis_that_count_it(self):
        sources = self.env["distribution.kpi.source"]._sources()
        for name, happen in self._happenings().items():
            with self.subTest(name):
                self._nothing_due()
                happen()
                marked = self._marked_models()
                rule = self._rule(name)
                kpis = rule._marked_kpis()
                self.assertTrue(kpis)
                self.assertEqual(rule.marked_kpi_count, len(kpis))
                self.assertLessEqual({*marked_with(rule.model_name)}, marked)
                due = self._due()
                self.assertLessEqual(kpis.filtered(lambda kpi: not sources[kpi.source].moves_on), due)
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
        for name in RULES:
            with self.subTest(name):
                rule = self._rule(name)
                rule.with_user(self.system).active = False
                self._nothing_due()
                happenings[name]()
                self.assertFalse({*marked_with(rule.model_name)} & self._marked_models())
                rule.with_user(self.system).active = True
        self._nothing_due()
        self._sale().action_confirm()
        self.assertIn("sale.order", self._marked_models(), "switched on again")

    def test_what_is_deleted_or_does_not_mark_any_more_marks_nothing(self):
        self._rule("sale").unlink()
        self._rule("bill").action_server_ids.unlink()
        happenings = self._happenings()
        self._nothing_due()
        happenings["sale"]()
        happenings["bill"]()
        self.assertFalse({"sale.order", "account.move"} & self._marked_models())

    def test_what_no_rule_stands_for_always_marks(self):
        for name in RULES:
            self._rule(name).active = False
        self._nothing_due()
        self.vendor.vendor_risk_tier = "high"
        self.assertEqual(self._marked(), [(self.company.id, "res.partner")])

    def test_who_switches(self):
        rule = self._rule("sale")
        for user in (self.clerk, self.administrator):
            with self.assertRaises(AccessError):
                rule.with_user(user).active = False
        rule.with_user(self.system).active = False
        event = self.env["distribution.event"]._last_for(rule)
        self.assertEqual((event.type, event.user_ref), ("distribution.automation.changed.v1", self.system.id))

    def test_what_the_menu_opens(self):
        register = self.env["distribution.automation"]
        opened = register.with_user(self.system).action_open_kpi_rules()
        self.assertEqual(opened["res_model"], "base.automation")
        rules = self.env["base.automation"].search([("trigger", "=", ON_KPIS)])
        self.assertEqual({rule.id for rule in rules}, {self._rule(name).id for name in RULES})
        opened = register.with_user(self.administrator).action_open_kpi_rules()
        self.assertEqual(opened["res_model"], register._name)
        rows = register.with_user(self.administrator).search(opened["domain"])
        self.assertEqual(set(rows.mapped("name")), set(rules.mapped("name")))
        self.assertEqual(set(rows.mapped("kind")), {"rule"})
        with self.assertRaises(AccessError):
            register.with_user(self.clerk).action_open_kpi_rules()

    def test_in_the_register(self):
        register = self.env["distribution.automation"]
        register._sync()
        rule = self._rule("bill")
        row = register.search([("res_model", "=", rule._name), ("res_id", "=", rule.id)])
        self.assertEqual((row.kind, row.is_running), ("rule", True))
        self.assertIn("posted or reset", row.note)
        self.assertNotIn(row, register._unowned(), "it came along: nobody has to answer for it")
        row.with_user(self.administrator)._override(False, "The books are migrated")
        self.assertFalse(rule.active)
        self.assertEqual(row.health, "paused")
        happenings = self._happenings()
        self._nothing_due()
        happenings["bill"]()
        self.assertNotIn("account.move", self._marked_models())

    # ------------------------------------------------------------------ cost

    def test_it_costs_one_insert_whatever_the_number_of_documents(self):
        for number in (1, 100):
            with self.subTest(number):
                orders = self.env["sale.order"].concat(*(self._sale() for _number in range(number)))
                self._nothing_due()
                self.env["base.automation"]._rules_on_kpis()
                orders.action_confirm()
                self.env.flush_all()
                before = self.env.cr.sql_log_count
                kpi_current._leave_marks(self.env)
                self.assertEqual(self.env.cr.sql_log_count - before, 1)
                marked = self._marked()
                self.assertEqual(len(marked), len(set(marked)), "one mark for each kind of document")
                ran = self.env.cr.postcommit.data[OUTCOMES]
                self.assertEqual(ran[self._rule("sale").id], ("ran", None))
                self.assertNotIn(self._rule("bill").id, ran)

    def test_it_patches_nothing(self):
        rules = self.env["base.automation"]
        rules._unregister_hook()
        rules._register_hook()
        self.assertEqual(set(rules.search([]).mapped("trigger")), {ON_KPIS}, "else this proves nothing")
        for name in RULES:
            model = type(self.env[self._rule(name).model_name])
            for method in ("create", "write", "_compute_field_value", "unlink"):
                self.assertFalse(hasattr(getattr(model, method), "origin"), f"{model._name}.{method}")

    def test_a_rule_that_time_works_off_empties_no_cache(self):
        rules = self.env["base.automation"]
        created = self.env["ir.model.fields"]._get("res.partner", "create_date")
        timed = rules.create(
            {
                "name": "Timed",
                "model_id": self.env["ir.model"]._get_id("res.partner"),
                "trigger": "on_time",
                "trg_date_id": created.id,
            }
        )
        rules._rules_on_kpis()
        self.env.flush_all()
        before = self.env.cr.sql_log_count
        timed.last_run = fields.Datetime.now()
        self.env.flush_all()
        written = self.env.cr.sql_log_count
        self.assertGreater(written, before)
        rules._rules_on_kpis()
        self.assertEqual(self.env.cr.sql_log_count, written)

    # ------------------------------------------------------------- own rules

    def test_where_it_can_be_used(self):
        def make(**vals):
            model_id = self.env["ir.model"]._get_id(vals.pop("model", "sale.order"))
            return self.env["base.automation"].create({"name": "Own", "model_id": model_id, "trigger": ON_KPIS, **vals})

        with self.assertRaises(ValidationError) as raised:
            make(model="res.users")
        self.assertRegex(str(raised.exception), "KPIs count: .*Sales Order")
        with self.assertRaises(ValidationError) as raised:
            make(filter_pre_domain="[('state', '=', 'draft')]")
        self.assertIn("Use Apply on", str(raised.exception))
        with self.assertRaises(ValidationError) as raised:
            self.env["ir.actions.server"].create(
                {"name": "Mark", "model_id": self.env["ir.model"]._get_id("res.users"), "state": MARK_KPIS}
            )
        self.assertIn("nothing to mark", str(raised.exception))
        self.assertFalse(make().trigger_field_ids)

    def test_on_the_form(self):
        with Form(self.env["base.automation"].with_user(self.system)) as form:
            form.name = "Big orders"
            form.model_id = self.env["ir.model"]._get("sale.order")
            form.trigger = ON_KPIS
            form.filter_domain = "[('amount_total', '>', 1000)]"
        rule = form.save()
        self.assertEqual((rule.trigger, rule.filter_domain), (ON_KPIS, "[('amount_total', '>', 1000)]"))
        arch = rule.get_view(view_type="form")["arch"]
        self.assertIn("marked_kpi_count", arch)

    def test_the_action_by_itself(self):
        """From a menu of a document, a scheduled action, or a rule with another trigger: whatever our rules say."""
        self._rule("stock").active = False
        action = self.env["ir.actions.server"].create(
            {"name": "Mark", "model_id": self.env["ir.model"]._get_id("stock.move"), "state": MARK_KPIS}
        )
        picking = self._delivery()
        self._nothing_due()
        action.with_context(active_model="stock.move", active_ids=picking.move_ids.ids).run()
        self.assertEqual(self._marked(), [(self.company.id, "stock.move"), (self.company.id, "stock.picking")])

    def _delivery(self):
        order = self._sale()
        order.action_confirm()
        return order.picking_ids


@tagged("post_install", "-at_install")
class TestExtendedKpiRule(KpiRuleCase):
    """An administrator adds conditions and actions to a rule: it runs as Odoo runs every rule."""

    def _extend(self, name="sale", code="pass", domain=False):
        rule = self._rule(name).with_user(self.system)
        if domain:
            rule.filter_domain = domain
        if code:
            rule.action_server_ids = [
                Command.create({"name": "Own", "model_id": rule.model_id.id, "state": "code", "code": code})
            ]
        self._nothing_due()
        return rule.with_env(self.env)

    def _noted(self, order):
        return order.client_order_ref or ""

    def test_once_by_each_document_with_its_condition(self):
        """An order is confirmed in many writes: the rule acts once on each that meets its condition, and marks."""
        small, first, second = self._sale(), self._sale(900), self._sale(950)
        self._extend(
            code="record.write({'client_order_ref': (record.client_order_ref or '') + 'x'})",
            domain="[('amount_total', '>', 1000)]",
        )
        (small | first | second).action_confirm()
        first.order_line.price_unit = 905
        self._ends()
        self.assertEqual([self._noted(order) for order in (small, first, second)], ["", "x", "x"])
        self.assertEqual(self._marked_models() & {"sale.order"}, {"sale.order"})
        first.order_line.price_unit = 910
        self._ends()
        self.assertEqual(self._noted(first), "x", "once in a transaction")

    def test_what_meets_no_condition_marks_nothing(self):
        small, big = self._sale(), self._sale(900)
        self._extend(code=None, domain="[('amount_total', '>', 1000)]")
        small.action_confirm()
        self.assertNotIn("sale.order", self._marked_models())
        self.assertNotIn(self._rule("sale").id, self.env.cr.postcommit.data.get(OUTCOMES, {}))
        big.action_confirm()
        self.assertIn("sale.order", self._marked_models())
        self.assertEqual(self.env.cr.postcommit.data[OUTCOMES][self._rule("sale").id], ("ran", None))

    def test_a_change_to_the_rule_counts_at_once(self):
        rule = self._extend(code=None, domain="[('amount_total', '>', 1000)]")
        for change, marks in (
            (lambda: rule.write({"filter_domain": "[]"}), True),
            (lambda: rule.write({"filter_domain": "[('id', '=', 0)]"}), False),
            (lambda: rule.write({"filter_domain": False}), True),
            (lambda: rule.action_server_ids.write({"state": "code"}), False),
            (lambda: rule.action_server_ids.write({"state": MARK_KPIS}), True),
        ):
            change()
            self._nothing_due()
            self._sale().action_confirm()
            self.assertEqual("sale.order" in self._marked_models(), marks)

    def test_what_it_changes_sets_it_off_only_elsewhere(self):
        """It changes the document that set it off, and confirms another one, which sets it off as well."""
        order, other = self._sale(900), self._sale()
        self._extend(
            code=f"""record.write({{'client_order_ref': (record.client_order_ref or '') + 'x'}})
record.order_line.write({{'price_unit': record.order_line.price_unit + 1}})
other = env['sale.order'].browse({other.id})
if other.state == 'draft':
    other.action_confirm()"""
        )
        order.action_confirm()
        self._ends()
        self.assertEqual([self._noted(order), self._noted(other)], ["x", "x"])
        self.assertEqual(order.order_line.price_unit, 901)
        self.assertFalse(self.env.cr.precommit.data, "nothing is left for another round")

    def test_without_end(self):
        self._extend(
            code="""order = record.copy()
order.action_confirm()"""
        )
        order = self._sale()
        with patch.object(kpi_current, "MOST_ROUNDS", 3), self.assertRaises(UserError) as raised:
            order.action_confirm()
            self._ends()
        self.assertIn("again and again", str(raised.exception))
        self.env.invalidate_all()
        self.assertEqual(order.state, "draft")

    def test_the_rights_of_who_sets_it_off(self):
        """As every rule: it acts as the system, for a user who may neither read rules nor write what it writes."""
        self._extend(code="record.company_id.write({'report_header': env.user.login})")
        order = self._sale(user=self.clerk)
        order.action_confirm()
        self._ends()
        self.assertIn("t_rule_clerk", str(self.company.report_header))

    def test_what_fails_takes_the_work_along(self):
        self._extend(code="raise UserError('not on Sundays')")
        order = self._sale()
        with self.assertRaises(UserError) as raised:
            order.action_confirm()
            self._ends()
        self.assertEqual(str(raised.exception), "not on Sundays")
        self.assertEqual(raised.exception.context["base_automation"]["id"], self._rule("sale").id)
        self.env.invalidate_all()
        self.assertEqual(order.state, "draft")
        self.assertNotIn("sale.order", self._marked_models())

    @mute_logger("odoo.osv.expression", "odoo.domains")
    def test_a_condition_that_cannot_be_read_names_the_rule(self):
        rule = self._extend(code=None)
        rule.filter_domain = "[('no_such_field', '=', 1)]"
        order = self._sale()
        with self.assertRaises(Exception) as raised:  # noqa: B017 (which one depends on the series)
            order.action_confirm()
            self._ends()
        self.assertEqual(raised.exception.context["base_automation"]["name"], rule.name)

    def test_what_is_rolled_back_leaves_nothing(self):
        self._extend(code="record.company_id.write({'report_header': 'x'})")
        order = self._sale()
        self._nothing_due()
        header = self.company.report_header
        with self.assertRaises(Undone), self.env.cr.savepoint():
            order.action_confirm()
            raise Undone
        self.env.invalidate_all()
        self.assertEqual(order.state, "draft")
        self.assertFalse(self._marked())
        self.assertEqual(self.company.report_header, header)

    def test_what_is_gone_at_the_end(self):
        self._extend(code="record.write({'client_order_ref': 'x'})")
        gone, there = self._sale(), self._sale()
        (gone | there).action_confirm()
        gone.with_context(disable_cancel_warning=True).action_cancel()
        self.env.cr.precommit.data[kpi_current.NOTED].ids["sale.order"].add(gone.copy().id)
        self.env["sale.order"].browse(max(self.env.cr.precommit.data[kpi_current.NOTED].ids["sale.order"])).unlink()
        self._ends()
        self.assertEqual(there.client_order_ref, "x")

    def test_documents_of_several_companies(self):
        other = self.env["res.company"].create({"name": "Branch"})
        self.env.user.company_ids |= other
        self._extend("case", code=None, domain="[('id', '!=', 0)]")
        cases = self.env["distribution.case"]
        here = cases._open("policy_missing", self.company, "Here")
        there = cases.with_company(other)._open("policy_missing", other, "There")
        self.assertEqual([here.company_id, there.company_id], [self.company, other])
        marks = [mark for mark in self._marked() if mark[1] == "distribution.case"]
        self.assertEqual(marks, sorted((company.id, "distribution.case") for company in (self.company, other)))

    def test_goods_and_their_transfers(self):
        """A rule on moves hears what a carrier says about a delivery; one on transfers what happens to its moves."""
        model = self.env["ir.model"]._get("stock.picking")
        self.env["base.automation"].create(
            {
                "name": "Deliveries",
                "model_id": model.id,
                "trigger": ON_KPIS,
                "action_server_ids": [
                    Command.create(
                        {
                            "name": "Own",
                            "model_id": model.id,
                            "state": "code",
                            "code": "record.write({'note': 'moved'})",
                        }
                    )
                ],
            }
        )
        order = self._sale()
        self._extend("stock", code="record.write({'description_picking': 'told'})")
        order.action_confirm()
        self._ends()
        self.assertIn("moved", str(order.picking_ids.note))
        self.env.cr.postcommit.data.clear()
        order.picking_ids.move_ids.description_picking = "quiet"
        self._nothing_due()
        self.env["distribution.kpi.touch"]._note("stock.picking", self.company, order.picking_ids.ids)
        self._ends()
        self.assertEqual(order.picking_ids.move_ids.description_picking, "told")


@tagged("post_install", "-at_install")
class TestKpiRuleInItsTransaction(TransactionCase):
    """Real transactions: what the register learns, and what it costs whoever set the rule off."""

    def test_it_ran(self):
        def transaction():
            return self.registry.cursor()

        with transaction() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            rule_id = env.ref("reporting_workflows.kpi_rule_sale").id
            env["base.automation"]._rules_on_kpis()
            outcomes = env["distribution.automation.rule.outcome"]
            outcomes.search([("rule_id", "=", rule_id)]).unlink()
        self.addCleanup(self._forget, rule_id)
        with suppress(Undone), transaction() as cr:
            self._happens(api.Environment(cr, SUPERUSER_ID, {}))
            raise Undone
        self.assertFalse(self._outcome_of(rule_id), "what is rolled back did not run")
        with transaction() as cr:
            self._happens(api.Environment(cr, SUPERUSER_ID, {}))
            before = cr.sql_log_count
            cr.commit()  # pylint: disable=invalid-commit
            self.assertEqual(cr.sql_log_count - before, 1)
        self.assertEqual(self._outcome_of(rule_id), "ran")

    def _happens(self, env):
        env["distribution.kpi.touch"]._note("sale.order", env["res.company"].browse(-4711))

    def _outcome_of(self, rule_id):
        with self.registry.cursor() as cr:
            outcomes = api.Environment(cr, SUPERUSER_ID, {})["distribution.automation.rule.outcome"]
            return outcomes.search([("rule_id", "=", rule_id)]).outcome

    def _forget(self, rule_id):
        with self.registry.cursor() as cr:
            cr.execute("DELETE FROM distribution_kpi_touch WHERE company_ref = -4711")
            cr.execute("DELETE FROM distribution_automation_rule_outcome WHERE rule_id = %s", [rule_id])
