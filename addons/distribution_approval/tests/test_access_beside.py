"""Whoever is asked about a document opens it, whatever other apps add to it."""

from odoo.tests.common import tagged

from odoo.addons.distribution_core.compat import may

from ..models.access_beside import BESIDE, READERS
from .sales_case import SalesCase


@tagged("post_install", "-at_install")
class TestAccessBeside(SalesCase):
    def test_approvers_and_auditors_read_what_orders_show(self):
        groups = [self.env.ref(f"distribution_core.{name}").id for name in READERS]
        access = self.env["ir.model.access"]
        access.search([("model_id.model", "in", BESIDE), ("group_id", "in", groups)]).unlink()
        types = self.env["distribution.approval.document.type"]
        types._open_beside()
        before = access.search_count([])
        types._open_beside()
        self.assertEqual(access.search_count([]), before, "nothing twice")
        for model in filter(self.env.__contains__, BESIDE):
            for user in (self.credit_controller, self.auditor):
                with self.subTest(model, user=user.login):
                    records = self.env[model].with_user(user)
                    self.assertTrue(may(records, "read"))
                    self.assertFalse(may(records, "write"))

    def test_an_approver_opens_the_order(self):
        order = self._quotation(quantity=3000)
        order.action_confirm()
        for user in (self.credit_controller, self.auditor):
            with self.subTest(user=user.login):
                self.env.invalidate_all()
                self.assertTrue(
                    order.with_user(user).order_line.read(["product_id", "price_unit", "qty_available_today"])
                )
