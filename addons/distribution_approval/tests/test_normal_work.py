"""What people do with released orders every day is not disturbed by the gate."""

from odoo import Command, fields
from odoo.tests import Form, tagged

from odoo.addons.distribution_core.compat import PURCHASE_CONFIRMED_STATES

from .common import ApprovalCase


@tagged("post_install", "-at_install")
class TestNormalWork(ApprovalCase):
    def _released(self, amount=1000):
        order = self._order(amount)
        order.button_confirm()
        self.assertIn(order.state, PURCHASE_CONFIRMED_STATES)
        return order

    def _receive(self, order, quantity):
        """Receive ``quantity`` with the rights of the warehouse; the rest is back-ordered."""
        picking = order.sudo().picking_ids.filtered(lambda picking: picking.state not in ("done", "cancel"))
        picking.move_ids.quantity = quantity
        picking.move_ids.picked = True
        result = picking.button_validate()
        if isinstance(result, dict):
            context = result["context"]
            Form(self.env[result["res_model"]].with_context(**context)).save().process()
        return picking

    def test_receive_in_parts(self):
        order = self._released()
        self._receive(order, 40)
        self.assertEqual(order.order_line.qty_received, 40)
        self._receive(order, 60)
        self.assertEqual(order.order_line.qty_received, 100)
        self.assertEqual(order.approval_state, "passed")

    def test_on_time_rate_is_the_vendors_or_none(self):
        """An approver does not read all moves, so core's rate would be that of a few orders."""
        order = self._order(5000)
        order.button_confirm()
        self._decide(order, "Purchasing", self.manager)
        self._resume(order)
        self._receive(order, 400)
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(order.with_user(self.buyer).on_time_rate, 80)
        self.env.invalidate_all()
        self.assertEqual(order.with_user(self.auditor).on_time_rate, 80)
        self.env.invalidate_all()
        self.assertEqual(self.vendor.with_user(self.finance).on_time_rate, -1)

    def test_receive_more_than_ordered(self):
        order = self._released()
        self._receive(order, 110)
        self.assertEqual(order.order_line.qty_received, 110)
        self.assertEqual(order.order_line.product_qty, 100)

    def test_bill(self):
        order = self._released()
        self._receive(order, 100)
        order.sudo().action_create_invoice()
        bill = order.sudo().invoice_ids
        bill.invoice_date = fields.Date.today()
        bill.action_post()
        self.assertEqual(order.order_line.qty_invoiced, 100)
        self.assertEqual(order.invoice_status, "invoiced")

    def test_reschedule(self):
        order = self._released()
        order.date_planned = "2035-05-05 10:00:00"
        order.order_line.date_planned = "2035-06-06 10:00:00"
        self.assertEqual(order.order_line.date_planned, fields.Datetime.to_datetime("2035-06-06 10:00:00"))

    def test_lock_and_unlock(self):
        order = self._released()
        order.sudo().button_done() if "button_done" in dir(order) else order.sudo().button_lock()
        order.sudo().button_unlock()
        self.assertEqual(order.state, "purchase")

    def test_another_buyer_takes_over(self):
        order = self._released()
        order.user_id = self.other_buyer
        self.assertEqual(order.user_id, self.other_buyer)

    def test_change_within_tolerance_adds_up(self):
        """Two per cent of 1,000: 20 in all, in one step or in many."""
        order = self._released()
        order.order_line.product_qty = 101
        order.order_line.product_qty = 102
        self.assertEqual(order.sudo().picking_ids.move_ids.product_uom_qty, 102)
        self.assertTrue(order.order_line.product_qty == 102)

    def test_sections_and_notes_are_free(self):
        order = self._released()
        order.write(
            {
                "order_line": [
                    Command.create({"display_type": "line_note", "name": "Fragile", "product_qty": 0}),
                ]
            }
        )
        self.assertEqual(len(order.order_line), 2)

    def test_cancel_reset_confirm(self):
        order = self._order(5000)
        order.button_confirm()
        request = order.sudo().approval_request_id
        order.button_cancel()
        self.assertEqual(request.state, "void")
        self.assertFalse(order.approval_state)
        order.button_draft()
        order.button_confirm()
        self.assertEqual(order.approval_state, "pending")
        self.assertNotEqual(order.sudo().approval_request_id, request)

    def test_one_held_order_does_not_stop_the_others(self):
        passing, held, refused = self._order(1000), self._order(9000), self._order(100, vendor=self.blocked_vendor)
        (passing | held | refused).button_confirm()
        self.assertEqual(passing.state, "purchase")
        self.assertEqual(held.state, "to approve")
        self.assertEqual(refused.state, "draft")

    def test_reordering_rule_merges_into_drafts_only(self):
        """The scheduler adds to a draft; an order that waits for approval is left alone."""
        self.product.seller_ids.filtered(lambda seller: seller.partner_id != self.vendor).unlink()
        rule = self.env["stock.warehouse.orderpoint"].create(
            {
                "product_id": self.product.id,
                "location_id": self.warehouse.lot_stock_id.id,
                "product_min_qty": 50,
                "product_max_qty": 50,
            }
        )
        rule.action_replenish()
        orders = self.env["purchase.order.line"].search([("product_id", "=", self.product.id)]).order_id
        draft = orders.filtered(lambda order: order.state == "draft")
        self.assertEqual(len(draft), 1)
        self.assertEqual(draft.order_line.product_qty, 50)
        rule.product_max_qty = 400
        rule.product_min_qty = 400
        rule.action_replenish()
        self.assertEqual(draft.order_line.product_qty, 400, "merged into the draft")
        draft.with_user(self.buyer).button_confirm()
        self.assertEqual(draft.state, "to approve")
        rule.product_max_qty = 500
        rule.product_min_qty = 500
        rule.action_replenish()
        self.assertEqual(draft.order_line.product_qty, 400, "what is asked stays what is asked")

    def test_double_validation_of_odoo_is_superseded(self):
        self.company.write({"po_double_validation": "two_step", "po_double_validation_amount": 10})
        self.assertEqual(self._released().state, "purchase")

    def test_payment_status_is_odoos_where_nothing_is_judged_by_payments(self):
        """Only purchase orders are governed here."""
        moves = self.env["account.move"].with_user(self.env.ref("base.user_admin"))
        bill = moves.create({"move_type": "in_invoice", "partner_id": self.vendor.id})
        bill.write({"payment_state": "in_payment"})
        self.assertEqual(bill.payment_state, "in_payment")

    def test_double_validation_of_odoo_still_works_without_governance(self):
        self.company.write({"po_double_validation": "two_step", "po_double_validation_amount": 10})
        self.activation.with_user(self.publisher).action_propose_end()
        self.activation.with_user(self.publisher_2).action_confirm_end()
        order = self._order(1000)
        order.button_confirm()
        self.assertEqual(order.state, "to approve")
        self.assertFalse(order.approval_state)
        order.with_user(self.manager).button_approve()
        self.assertEqual(order.state, "purchase")
