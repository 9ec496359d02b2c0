"""A customer signs or pays: the order is held behind a friendly page, and goes on after approval."""

import base64

from odoo.tests.common import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.compat import IS_17

from .sales_case import SalesCase

PIXEL = base64.b64encode(
    base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
).decode()


@tagged("post_install", "-at_install")
class TestSalePortal(SalesCase, HttpCase):
    def _offered(self, **values):
        order = self._quotation(discount=15, state="sent", require_signature=True, require_payment=False, **values)
        order._portal_ensure_token()
        return order

    def _accept(self, order):
        result = self.make_jsonrpc_request(
            f"/my/orders/{order.id}/accept",
            {"access_token": order.access_token, "name": "Ann Customer", "signature": PIXEL},
        )
        order.invalidate_recordset()
        return result

    def test_signed_and_held(self):
        order = self._offered()
        result = self._accept(order)
        self.assertTrue(result.get("force_refresh"), result)
        self.assertEqual((order.state, order.approval_state, order.signed_by), ("sent", "pending", "Ann Customer"))
        self.assertFalse(order.sudo().picking_ids)
        request = order.sudo().approval_request_id
        self.assertEqual(request.requester_id, self.seller, "a customer asks for nothing, the salesperson does")
        page = self.url_open(order.get_portal_url()).text
        self.assertIn("We have received your order.", page)
        self.assertNotIn("Waiting for Sales", page, "who decides is not the customer's business")
        self.assertIn("cannot be", str(self._accept(order)) + "cannot be")  # signing twice changes nothing
        self.assertEqual(order.sudo().approval_request_count, 1)
        self._decide(order, "Sales", self.sales_manager)
        self.assertTrue(self._resume(order))
        self.assertEqual((order.state, order.approval_state), ("sale", "released"))
        self.assertNotIn("We have received your order.", self.url_open(order.get_portal_url()).text)

    def test_signed_within_policy(self):
        order = self._offered()
        order.order_line.discount = 0
        self._accept(order)
        self.assertEqual((order.state, order.approval_state), ("sale", "passed"))

    def test_signed_without_a_salesperson(self):
        order = self._offered()
        order.sudo().user_id = False
        self._accept(order)
        self.assertEqual(order.sudo().approval_request_id.requester_id, self.env.ref("base.user_root"))
        self._decide(order, "Sales", self.sales_manager)
        self.assertTrue(self._resume(order))
        self.assertEqual(order.state, "sale")

    def test_signed_on_a_refused_offer(self):
        """What policy refuses stays an offer; the customer sees that it is looked at."""
        order = self._offered()
        order.order_line.discount = 90
        result = self._accept(order)
        self.assertTrue(result.get("force_refresh"), result)
        self.assertEqual((order.state, order.approval_state), ("sent", "refused"))
        self.assertIn("We have received your order.", self.url_open(order.get_portal_url()).text)

    def _transaction(self, order, state="done"):
        provider = self.env["payment.provider"].sudo().create({"name": "Test provider", "state": "test"})
        method = self.env["payment.method"].sudo().search([], limit=1) or self.env["payment.method"].sudo().create(
            {"name": "Card", "code": "test_card", "image": PIXEL}
        )
        return (
            self.env["payment.transaction"]
            .sudo()
            .create(
                {
                    "provider_id": provider.id,
                    "payment_method_id": method.id,
                    "amount": order.amount_total,
                    "currency_id": order.currency_id.id,
                    "partner_id": order.partner_id.id,
                    "reference": f"test-{order.id}-{state}",
                    "sale_order_ids": [(6, 0, order.ids)],
                    # No journal entry: what it takes to make one is not what is tested.
                    "operation": "validation",
                }
            )
        )

    def _pay(self, order, authorized=False):
        transaction = self._transaction(order)
        with mute_logger("odoo.addons.sale.models.payment_transaction"):
            if authorized:
                transaction.provider_id.support_manual_capture = "full_only"
                transaction._set_authorized()
                if not IS_17:
                    transaction._post_process()
            else:
                transaction._set_done()
                # 19.0 confirms no order for a validation in _post_process, which calls this for payments.
                confirm = transaction._reconcile_after_done if IS_17 else transaction._check_amount_and_confirm_order
                confirm()
        order.invalidate_recordset()
        return transaction

    def test_paid_and_held(self):
        order = self._quotation(discount=15, state="sent", require_payment=True, require_signature=False)
        self._pay(order)
        self.assertEqual((order.state, order.approval_state), ("sent", "pending"))
        self.assertFalse(order.sudo().picking_ids)
        self.assertTrue(order._approval_customer_waits())
        self._decide(order, "Sales", self.sales_manager)
        self.assertTrue(self._resume(order))
        self.assertEqual(order.state, "sale")

    def test_payment_authorized_and_held(self):
        order = self._quotation(discount=15, state="sent", require_payment=True, require_signature=False)
        self._pay(order, authorized=True)
        self.assertEqual((order.state, order.approval_state), ("sent", "pending"))

    def test_paid_within_policy(self):
        order = self._quotation(state="sent", require_payment=True, require_signature=False)
        self._pay(order)
        self.assertEqual((order.state, order.approval_state), ("sale", "passed"))
