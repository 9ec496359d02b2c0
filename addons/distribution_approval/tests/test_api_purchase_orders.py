"""Purchase orders for other systems: those in force, and nothing else."""

from odoo import Command
from odoo.tests.common import HttpCase, new_test_user, tagged

from odoo.addons.distribution_core.compat import USER_GROUPS
from odoo.addons.distribution_core.tests.api_case import ApiClient

from .link_case import LinkCase


@tagged("post_install", "-at_install")
class TestApiPurchaseOrders(ApiClient, LinkCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account = new_test_user(
            cls.env,
            login="t_orders",
            groups="base.group_user,distribution_core.group_integration,purchase.group_purchase_user",
        )
        cls.key = cls.env["distribution.api.key"].create(
            {
                "name": "Supplier gateway",
                "user_id": cls.account.id,
                "company_ids": [Command.set(cls.company.ids)],
                "operation_ids": [
                    Command.set(cls.env["distribution.api.operation"].search([("name", "=", "purchase-orders")]).ids)
                ],
            }
        )
        cls.text = cls.key._issue()[0]

    def _read(self, order):
        return self.get(f"purchase-orders/{order.id}")

    def test_only_what_is_in_force(self):
        draft = self._order(5000)
        self.assertProblem(self._read(draft), 404, "not-found")
        order = self._held(5000)
        self.assertProblem(self._read(order), 404, "not-found")
        self._decide(order, "Purchasing", self.manager)
        self._resume(order)
        self.env.flush_all()
        self.assertEqual(order.state, "purchase")
        read = self.assertAnswer(self._read(order), 200)
        self.assertEqual((read["id"], read["name"], read["state"]), (order.id, order.name, "purchase"))
        self.assertEqual((read["vendor"]["id"], read["currency"]), (order.partner_id.id, order.currency_id.name))
        self.assertEqual(read["amount_untaxed"], order.amount_untaxed)
        (line,) = order.order_line
        (told,) = read["lines"]
        self.assertEqual(
            (told["line_id"], told["product"]["id"], told["quantity"], told["price_unit"]),
            (line.id, line.product_id.id, line.product_qty, line.price_unit),
        )
        self.assertNotIn(order.partner_id.name, str(read), "the vendor is a number")
        order.with_user(self.buyer).button_cancel()
        self.env.flush_all()
        self.assertProblem(self._read(order), 404, "not-found")

    def test_what_the_account_may_not_read(self):
        order = self._held(5000)
        self._decide(order, "Purchasing", self.manager)
        self._resume(order)
        self.assertAnswer(self._read(order), 200)
        other = self.env["res.company"].create({"name": "Other"})
        self.account.write({"company_ids": [Command.link(other.id)]})
        self.key.company_ids = other
        self.assertProblem(self._read(order), 404, "not-found")
        self.key.company_ids = self.company
        self.account.write({USER_GROUPS: [Command.unlink(self.env.ref("purchase.group_purchase_user").id)]})
        self.assertIn(self._read(order).status_code, (403, 404))
