"""A purchase order meets the policy: passes, is held, is refused, is released."""

from odoo import Command
from odoo.exceptions import AccessError, RedirectWarning, UserError
from odoo.tests.common import tagged

from odoo.addons.distribution_core.compat import PURCHASE_CONFIRMED_STATES

from .common import ApprovalCase


@tagged("post_install", "-at_install")
class TestPurchaseGate(ApprovalCase):
    def test_within_policy_passes_without_a_human(self):
        order = self._order(1000)
        order.button_confirm()
        self.assertEqual(order.state, "purchase")
        self.assertEqual(order.approval_state, "passed")
        self.assertTrue(order.picking_ids)
        release = self.env["distribution.approval.release"]._valid_for(order)[order.id]
        self.assertEqual(release.kind, "policy")
        self.assertEqual(release.amount, 1000)
        self.assertFalse(order.sudo().approval_request_id)
        event = self.env["distribution.event"]._last_for(order)
        self.assertEqual(event.type, "distribution.purchase_order.passed.v1")

    def test_large_order_is_held_and_released_by_three_people(self):
        order = self._order(31000)
        order.button_confirm()
        self.assertEqual(order.state, "to approve")
        self.assertEqual(order.approval_state, "pending")
        self.assertFalse(order.sudo().picking_ids)
        request = order.sudo().approval_request_id
        self.assertEqual(request.waiting_for, "Purchasing")
        self._decide(order, "Purchasing", self.manager)
        self.assertEqual(set(request.waiting_for.split(", ")), {"Finance", "Operations"})
        self._decide(order, "Operations", self.operations)
        self.assertEqual(order.approval_state, "pending")
        self._decide(order, "Finance", self.finance)
        self.assertEqual(request.state, "approved")
        self.assertEqual(order.state, "to approve", "the decision commits first; resuming is apart")
        self.assertTrue(self._resume(order))
        self.assertEqual(order.state, "purchase")
        self.assertEqual(order.approval_state, "released")
        self.assertEqual(len(order.picking_ids), 1)

    def test_blocked_vendor_is_refused(self):
        order = self._order(100, vendor=self.blocked_vendor)
        order.button_confirm()
        self.assertEqual(order.state, "draft")
        self.assertEqual(order.approval_state, "refused")

    def test_state_cannot_be_written(self):
        order = self._order(1000)
        with self.assertRaises(UserError):
            order.write({"state": "purchase"})
        for state in PURCHASE_CONFIRMED_STATES:
            with self.assertRaises(UserError):
                self._order(1000, state=state)
        with self.assertRaises(AccessError):
            order.write({"approval_state": "released"})

    def test_price_edit_after_approval(self):
        order = self._order(1000)
        order.button_confirm()
        with self.assertRaises(RedirectWarning):
            order.order_line.write({"price_unit": 11})
        self.assertEqual(order.order_line.price_unit, 10)
        # Normal work goes on.
        order.write({"notes" if "notes" in order._fields else "note": "Call before delivery", "origin": "S0001"})
        order.order_line.write({"date_planned": "2030-01-01"})

    def test_rejection_returns_the_order(self):
        order = self._order(5000)
        order.button_confirm()
        self._decide(order, "Purchasing", self.manager, "reject", comment="Too much", reason_code="quantity")
        self.assertEqual(order.approval_state, "rejected")
        self.assertEqual(order.state, "draft")
        with self.assertRaises(UserError):
            order.button_confirm()
        order.order_line.product_qty = 300
        order.button_confirm()
        self.assertEqual(order.approval_state, "pending")

    def test_amendment(self):
        order = self._order(1000)
        order.button_confirm()
        line = order.order_line
        payload = {"order_line": [Command.update(line.id, {"product_qty": 600})]}
        self.env["distribution.approval.amendment"].with_user(self.buyer)._propose(order, payload, "More needed")
        self.assertEqual(line.product_qty, 100, "the old values stay in force")
        self.assertEqual(order.sudo().approval_request_id.kind, "amendment")
        self._decide(order, "Purchasing", self.manager)
        self.assertTrue(self._resume(order))
        self.assertEqual(line.product_qty, 600)
        with self.assertRaises(RedirectWarning):
            line.product_qty = 100
