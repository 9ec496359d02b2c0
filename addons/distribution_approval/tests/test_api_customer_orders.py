"""Orders that customers place elsewhere: a quotation each, once, as the account of the key may."""

import json

from odoo import Command
from odoo.tests.common import HttpCase, new_test_user, tagged

from odoo.addons.distribution_core.compat import USER_GROUPS
from odoo.addons.distribution_core.tests.api_case import ApiClient

from .sales_case import SalesCase

ORDERS = "customer-orders"


@tagged("post_install", "-at_install")
class TestApiCustomerOrders(ApiClient, SalesCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account = new_test_user(
            cls.env,
            login="t_shop",
            groups="base.group_user,distribution_core.group_integration,sales_team.group_sale_salesman",
        )
        cls.customer.ref = "C-1"
        cls.bolt.default_code = "BOLT"
        cls.key = cls._new_key("Shop")
        cls.text = cls.key._issue()[0]

    @classmethod
    def _new_key(cls, name):
        operations = cls.env["distribution.api.operation"].search([("name", "=", ORDERS)])
        return cls.env["distribution.api.key"].create(
            {
                "name": name,
                "user_id": cls.account.id,
                "company_ids": [Command.set(cls.company.ids)],
                "operation_ids": [Command.set(operations.ids)],
                "per_minute": 10_000,
                "burst": 1_000,
            }
        )

    def _body(self, **values):
        return {
            "channel": "shop",
            "reference": "W-1",
            "customer": {"ref": "C-1"},
            "lines": [{"product": {"code": "BOLT"}, "quantity": 20}],
            **values,
        }

    def _orders(self):
        self.env.invalidate_all()
        return self.env["sale.order"].search([("order_channel", "=", "shop")])

    def test_a_quotation(self):
        body = self._body(delivery_date="2026-12-24", note="<b>Ring</b> twice", site={"code": self.warehouse.code})
        body["lines"].append({"product": {"id": self.anchor.id}, "quantity": 2, "price_unit": 90, "discount": 5})
        result = self.assertAnswer(self.post(ORDERS, body), 200)["result"]
        order = self._orders()
        self.assertEqual(result, {"order_id": order.id, "name": order.name, "is_new": True})
        self.assertEqual((order.state, order.partner_id, order.client_order_ref), ("draft", self.customer, "W-1"))
        self.assertEqual((order.create_uid, order.warehouse_id), (self.account, self.warehouse))
        self.assertEqual(order.commitment_date.date().isoformat(), "2026-12-24")
        self.assertNotIn("<b>", order.note)
        lines = [(line.product_id, line.product_uom_qty, line.price_unit, line.discount) for line in order.order_line]
        self.assertEqual(lines, [(self.bolt, 20, 10, 0), (self.anchor, 2, 90, 5)])
        call = self.env["distribution.api.call"].search([("api_key_id", "=", self.key.id)])
        self.assertEqual((call.state, call.res_model, call.res_id), ("applied", "sale.order", order.id))

    def test_once_per_channel_and_reference(self):
        first = self.assertAnswer(self.post(ORDERS, self._body()), 200)["result"]
        self.assertEqual(self.assertAnswer(self.post(ORDERS, self._body()), 200)["result"], first)
        other_system = self._new_key("The shop's other server")._issue()[0]
        again = self.assertAnswer(self.post(ORDERS, self._body(), key=other_system), 200)["result"]
        self.assertEqual(again, {**first, "is_new": False})
        more = self._body(lines=[{"product": {"code": "BOLT"}, "quantity": 21}])
        self.assertProblem(self.post(ORDERS, more), 409, "conflict")
        self.assertProblem(self.post(ORDERS, more, key=other_system), 409, "conflict")
        self.assertEqual(self._orders().order_line.product_uom_qty, 20, "never overwritten")
        self.assertAnswer(self.post(ORDERS, self._body(reference="W-2")), 200)
        self.assertEqual(len(self._orders()), 2)

    def test_what_cannot_be_applied(self):
        self.env["res.partner"].create([{"name": "Twin", "ref": "C-2"}, {"name": "Twin", "ref": "C-2"}])
        other = self.env["res.company"].create({"name": "Other"})
        theirs = self.env["res.partner"].create({"name": "Theirs", "company_id": other.id})
        foreign_site = self.env["stock.warehouse"].search([("company_id", "=", other.id)], limit=1)
        for change, pointer in (
            ({"customer": {"ref": "C-9"}}, "/customer/ref"),
            ({"customer": {"ref": "C-2"}}, "/customer/ref"),
            ({"customer": {"id": theirs.id}}, "/customer/id"),
            ({"lines": [{"product": {"code": "NONE"}, "quantity": 1}]}, "/lines/0/product/code"),
            ({"site": {"id": foreign_site.id or 2**31 - 1}}, "/site/id"),
            ({"currency": "XXX"}, "/currency"),
        ):
            with self.subTest(pointer):
                problem = self.assertProblem(self.post(ORDERS, self._body(**change)), 422, "not-applicable")
                self.assertEqual(problem["errors"][0]["pointer"], pointer)
        self.assertFalse(self._orders())
        # The caller asked for a person: nothing is lost, and it is applied once the reason is gone.
        body = self._body(customer={"ref": "C-9"}, accept_as_case=True)
        taken = self.assertAnswer(self.post(ORDERS, body), 202)
        case = self.env["distribution.case"].browse(taken["case_id"])
        self.assertIn("/customer/ref: unknown here", case.description)
        self.customer.ref = "C-9"
        operations = new_test_user(
            self.env, login="t_api_operations", groups="base.group_user,distribution_core.group_operations"
        )
        call = self.env["distribution.api.call"].browse(taken["call_id"])
        call.with_user(operations).action_apply()
        self.assertEqual((call.state, case.state), ("applied", "resolved"))
        self.assertEqual(self._orders().id, json.loads(call.answer)["result"]["order_id"])
        self.assertEqual(self._orders().create_uid, self.account, "as the account of the system, whoever pushed")

    def test_given_up(self):
        body = self._body(customer={"ref": "C-9"}, accept_as_case=True)
        taken = self.assertAnswer(self.post(ORDERS, body), 202)
        self.assertProblem(self.post(ORDERS, self._body()), 409, "conflict")
        operations = new_test_user(
            self.env, login="t_api_operations", groups="base.group_user,distribution_core.group_operations"
        )
        call = self.env["distribution.api.call"].browse(taken["call_id"])
        call.with_user(operations).action_refuse()
        self.assertEqual((call.state, call.case_id.state), ("refused", "cancelled"))
        self.assertAnswer(self.post(ORDERS, self._body()), 200)

    def test_as_the_account_may(self):
        group = self.env.ref("sales_team.group_sale_salesman")
        self.account.write({USER_GROUPS: [Command.unlink(group.id)]})
        self.assertProblem(self.post(ORDERS, self._body()), 403, "not-allowed")
        self.assertFalse(self._orders())

    def test_a_call_confirms_nothing(self):
        for member in ("state", "confirm", "company", "user_id", "amount_total", "approval_state"):
            body = self._body(**{member: "sale"})
            self.assertProblem(self.post(ORDERS, body), 422, "body-invalid")
        self.assertFalse(self._orders())
