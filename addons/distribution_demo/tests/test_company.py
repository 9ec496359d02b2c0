"""The people, goods and trade of the demo company."""

from odoo.exceptions import AccessError
from odoo.tests.common import HttpCase, TransactionCase, tagged

from odoo.addons.distribution_core.compat import has_access

from ..engine import make_plan
from ..engine.procurement_cases import PAST


@tagged("post_install", "-at_install")
class TestLogins(HttpCase):
    def test_everybody_logs_in_with_the_name_of_their_role(self):
        for person in make_plan().people:
            with self.subTest(person.login):
                user = self.env["res.users"].with_context(active_test=False).search([("login", "=", person.login)])
                self.assertEqual(user.active, not person.left)
                if user.active:
                    self.assertEqual(self.authenticate(person.login, person.login).uid, user.id)

    def test_the_administrator_keeps_the_usual_password(self):
        self.assertTrue(self.authenticate("admin", "admin").uid)


@tagged("post_install", "-at_install")
class TestCompany(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.plan = make_plan()

    def _user(self, login):
        return self.env["res.users"].search([("login", "=", login)])

    def test_three_sites_in_two_regions_with_managers(self):
        sites = self.env["stock.warehouse"].search([("company_id", "=", self.env.company.id)])
        self.assertEqual(set(sites.mapped("name")), {"Central", "North", "South"})
        self.assertEqual(len(sites.region_id), 2)
        self.assertTrue(all(site.manager_id and site.region_id.manager_id for site in sites))

    def test_goods_and_partners(self):
        codes = [product.code for product in self.plan.products]
        products = self.env["product.product"].search([("default_code", "in", codes)])
        self.assertEqual(len(products), 200)
        self.assertEqual(len(products.categ_id), 8)
        vendors = self.env["res.partner"].search([("ref", "in", [vendor.key for vendor in self.plan.vendors])])
        self.assertEqual(len(vendors), 15)
        self.assertEqual(set(vendors.mapped("vendor_status")), {"new", "approved", "restricted", "blocked"})
        self.assertEqual(len(set(vendors.mapped("vendor_risk_tier"))), 4)
        states = set(self.env["product.supplierinfo"].search([]).mapped("contract_state"))
        self.assertEqual(states, {"contract", "proposed", "learned"})

    def test_rates_reach_today_except_for_one_currency(self):
        rates = self.env["res.currency.rate"].search([])
        self.assertEqual(set(rates.currency_id.mapped("name")), {"EUR", "GBP"})
        self.assertTrue(self.env.ref("base.CHF").active)

    def test_stock_is_nowhere_negative(self):
        quants = self.env["stock.quant"].search([("location_id.usage", "=", "internal")])
        self.assertTrue(quants)
        self.assertFalse(quants.filtered(lambda quant: quant.quantity < 0))

    def test_history_has_its_faults(self):
        orders = self.env["purchase.order"].search([("approval_state", "=", "baseline")])
        self.assertEqual(len(orders), len(self.plan.purchases) + len(PAST))
        lines = orders.order_line
        self.assertTrue(lines.filtered(lambda line: line.qty_received > line.product_qty), "received too much")
        self.assertTrue(lines.filtered(lambda line: 0 < line.qty_received < line.product_qty), "received too little")
        self.assertTrue(
            orders.filtered(lambda order: order.effective_date and order.effective_date > order.date_planned), "late"
        )
        wrong = lines.invoice_lines.filtered(lambda bill: bill.price_unit != bill.purchase_line_id.price_unit)
        self.assertTrue(wrong, "billed at another price")

    def test_requests_find_the_manager_of_their_requester(self):
        self.assertEqual(self._user("buyer").employee_id.parent_id.user_id.login, "purchasing_manager")

    def test_roles_have_no_more_than_they_need(self):
        order = self.env["purchase.order"].search([("origin", "=", "TOUR")])
        for login in ("auditor", "sales_rep", "warehouse_operator", "category_manager", "integration"):
            with self.subTest(login), self.assertRaises(AccessError):
                order.with_user(self._user(login)).write({"notes" if "notes" in order._fields else "note": "x"})
        self.assertTrue(has_access(order.with_user(self._user("auditor")), "read"))
        for login in ("buyer", "purchasing_manager", "auditor", "policy_author"):
            publisher = self._user(login).has_group("distribution_core.group_policy_publisher")
            self.assertFalse(publisher, f"{login} must not publish policies")

    def test_nothing_was_mailed(self):
        self.assertFalse(self.env["mail.mail"].search([]))
        self.assertFalse(self.env["ir.mail_server"].search([]))
        people = self.env["res.users"].search([("share", "=", False)])
        self.assertTrue(all(person.email.endswith("@example.com") for person in people))
