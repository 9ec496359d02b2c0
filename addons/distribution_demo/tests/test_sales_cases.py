"""The cases of sale orders, deliveries and returns are what the plan says."""

from odoo.tests.common import TransactionCase, tagged


@tagged("post_install", "-at_install")
class TestSalesCases(TransactionCase):
    def _order(self, key):
        return self.env["sale.order"].search([("origin", "=", key)]).ensure_one()

    def test_orders(self):
        for key, state, approval in (
            ("within", "sale", "passed"),
            ("discount_held", "draft", "pending"),
            ("discount_approved", "sale", "released"),
            ("below_cost", "draft", "refused"),
        ):
            order = self._order(key)
            self.assertEqual((key, order.state, order.approval_state), (key, state, approval))

    def test_longer_terms(self):
        order = self._order("longer_terms")
        self.assertEqual((order.state, order.approval_state), ("draft", "pending"))
        self.assertIn("Paid up to 30 days later than usual", order.approval_banner)
        self.assertEqual(order.approval_request_id.waiting_for, "Sales")

    def test_under_list(self):
        """The price itself is lower, with no discount on the line."""
        order = self._order("under_list")
        self.assertEqual((order.state, order.approval_state), ("draft", "pending"))
        self.assertFalse(any(order.order_line.mapped("discount")))
        self.assertIn("Price more than 10 % under the customer", order.approval_banner)
        self.assertEqual(order.approval_request_id.waiting_for, "Sales")

    def test_the_account_owner_of_a_strategic_customer_is_informed(self):
        credit = self._order("over_limit").picking_ids.credit_release_ids
        owner = self.env["res.users"].search([("login", "=", "sales_rep")])
        self.assertEqual(credit.picking_id.partner_id.customer_tier, "strategic")
        request = credit.approval_request_id
        self.assertEqual(request.informed_ids, owner)
        self.assertNotIn(owner, request.task_ids.user_ids)
        self.assertTrue(credit.with_user(owner).read(["approval_state"]))
        self.assertTrue(request.with_user(owner).read(["content_text"]))
        others = self._order("payment_awaited").picking_ids.delivery_hold_ids
        self.assertFalse(others.approval_request_id.informed_ids)

    def test_deliveries(self):
        held = self._order("payment_awaited").picking_ids
        self.assertEqual((held.state, held.delivery_hold_ids.approval_state), ("assigned", "pending"))
        self.assertIn("The last cheque bounced.", held.delivery_hold_ids._approval_held_because())
        credit = self._order("over_limit").picking_ids
        self.assertEqual((credit.state, credit.credit_release_ids.approval_state), ("assigned", "pending"))

    def test_return(self):
        returned = self.env["distribution.customer.return"].search([])
        self.assertEqual(returned.approval_state, "pending")
        self.assertEqual(returned.picking_id.return_reason_id.code, "not_needed")

    def test_credit_note(self):
        credited = self.env["distribution.customer.credit.note"].search([])
        self.assertEqual((credited.move_id.state, credited.approval_state), ("draft", "pending"))
        self.assertIn("not back", credited.move_id.credit_note_banner)
