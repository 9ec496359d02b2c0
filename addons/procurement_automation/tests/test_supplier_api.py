"""Vendors' systems confirm by the API."""

from datetime import timedelta

from odoo import Command
from odoo.tests import HttpCase, tagged

from odoo.addons.distribution_core.compat import USER_GROUPS
from odoo.addons.distribution_core.tests.api_case import ApiClient

from .supplier_case import SupplierCase


@tagged("post_install", "-at_install")
class TestSupplierApi(ApiClient, SupplierCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        account = cls.env["res.users"].create({"name": "Account", "login": "t_account"})
        groups = ("distribution_core.group_integration", "purchase.group_purchase_user")
        account.write({USER_GROUPS: [Command.link(cls.env.ref(group).id) for group in groups]})
        operations = cls.env["distribution.api.operation"].search([("name", "=", "supplier-confirmations")])
        key = cls.env["distribution.api.key"].create(
            {
                "name": "Portal of vendors",
                "user_id": account.id,
                "operation_ids": [Command.set(operations.ids)],
                "per_minute": 100_000,
                "burst": 10_000,
            }
        )
        cls.text = key._issue()[0]
        cls.product.default_code = "BOLT"

    def _body(self, order, *rows, **values):
        return {"order": {"name": order.name}, "confirmed_at": "2026-11-20T09:30:00Z", "lines": list(rows), **values}

    def test_confirm_and_change(self):
        order, confirmation = self._asked()
        line = confirmation.line_ids
        row = {"product": {"code": "BOLT"}, "status": "accepted"}
        answer = self.assertAnswer(
            self.post("supplier-confirmations", self._body(order, row, vendor_reference="AB-1")), 200
        )
        self.assertEqual(answer["result"]["state"], "confirmed")
        self.env.invalidate_all()
        self.assertEqual(
            (confirmation.state, confirmation.vendor_reference, confirmation.answer_ids.door),
            ("confirmed", "AB-1", "api"),
        )
        rows = [
            {"line_id": order.order_line.id, "status": "changed", "quantity": 60},
            {
                "line_id": order.order_line.id,
                "status": "backordered",
                "quantity": 40,
                "promised_date": (line.asked_day + timedelta(days=12)).isoformat(),
            },
        ]
        answer = self.post("supplier-confirmations", self._body(order, *rows, confirmed_at="2026-11-21T09:30:00Z"))
        self.assertEqual(
            self.assertAnswer(answer, 200)["result"]["lines"], [{"line_id": order.order_line.id, "state": "differs"}]
        )
        stale = self.post("supplier-confirmations", self._body(order, row, confirmed_at="2026-11-19T09:30:00Z"))
        self.assertProblem(stale, 409, "conflict")

    def test_what_does_not_fit(self):
        order, confirmation = self._asked()
        other, _confirmation = self._asked()
        for row in (
            {"line_id": other.order_line.id, "status": "accepted"},
            {"product": {"code": "NUT"}, "status": "accepted"},
            {"line_id": order.order_line.id, "product": {"id": self.product_2.id}, "status": "accepted"},
        ):
            self.assertEqual(self.post("supplier-confirmations", self._body(order, row)).status_code, 422, row)
        draft = self._order(1000)
        row = {"product": {"code": "BOLT"}, "status": "accepted"}
        self.assertProblem(self.post("supplier-confirmations", self._body(draft, row)), 409, "conflict")
        self.env.invalidate_all()
        self.assertFalse(confirmation.answer_ids)

    def test_without_having_been_asked(self):
        self.vendor.confirmation_wanted = "never"
        order, confirmation = self._asked()
        self.assertFalse(confirmation)
        row = {"product": {"code": "BOLT"}, "status": "rejected", "note": "discontinued"}
        self.assertAnswer(self.post("supplier-confirmations", self._body(order, row)), 200)
        self.env.invalidate_all()
        confirmation = order.sudo().supplier_confirmation_ids
        self.assertEqual((confirmation.state, confirmation.answer_ids.note), ("differs", "discontinued"))
