"""The server action "Request Approval"."""

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from .bill_case import BillCase
from .common import ApprovalCase


@tagged("post_install", "-at_install")
class TestServerAction(ApprovalCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.action = cls._action("purchase.order")

    @classmethod
    def _action(cls, model):
        return cls.env["ir.actions.server"].create(
            {
                "name": "Ask for approval",
                "model_id": cls.env["ir.model"]._get_id(model),
                "state": "distribution_approval",
            }
        )

    def _run(self, orders, user=None):
        context = {"active_model": orders._name, "active_id": orders[:1].id, "active_ids": orders.ids}
        return self.action.with_user(user or self.buyer).with_context(**context).run()

    def test_asks_for_what_policy_does_not_let_pass(self):
        small, large = self._order(1000), self._order(5000)
        result = self._run(small | large)
        self.assertEqual(result["params"]["message"], "1 of 2 wait for approval now.")
        self.assertEqual((small.state, small.approval_state), ("draft", "passed"))
        self.assertFalse(small.approval_request_id)
        request = large.sudo().approval_request_id
        self.assertEqual((large.approval_state, request.state, request.create_uid), ("pending", "pending", self.buyer))
        # Asking again files nothing; the approval carries on with the order.
        self._run(small | large)
        self.assertEqual(large.sudo().approval_request_id, request)
        self._decide(large, "Purchasing", self.manager)
        self._resume(large)
        self.assertEqual(large.state, "purchase")
        self._run(large)
        self.assertEqual(large.state, "purchase")
        # What was within policy then is asked again when it is confirmed.
        small.order_line.product_qty = 1000
        small.button_confirm()
        self.assertEqual(small.approval_state, "pending")

    def test_does_not_insist(self):
        order = self._order(5000)
        self._run(order)
        self._decide(order, "Purchasing", self.manager, "reject", comment="No")
        self._run(order)
        self.assertEqual(order.approval_state, "rejected")

    def test_nothing_is_asked_where_nothing_is_governed(self):
        self.activation.sudo().with_context(active_test=False)
        order = self._order(5000)
        order.button_cancel()
        self._run(order)
        self.assertFalse(order.approval_request_id)

    def test_rights_of_whoever_sets_it_off(self):
        order = self._order(5000)
        with self.assertRaises(AccessError):
            self._run(order, self.employee)
        self.assertFalse(order.approval_state)

    def test_only_for_documents(self):
        with self.assertRaisesRegex(ValidationError, "Purchase Order"):
            self._action("res.partner")
        with self.assertRaisesRegex(ValidationError, "Journal Entry"):
            self._action("stock.picking")

    def test_every_document_that_has_an_action_of_its_own_is_offered(self):
        """Whose approval cannot be requested beforehand comes about only when somebody acts."""
        documents = {
            name: getattr(model, "_approval_ask_action", None)
            for name, model in self.env.registry.items()
            if getattr(model, "_approval_type", None) and not model._abstract
        }
        derived = {name for name, action in documents.items() if not action}
        self.assertEqual(
            derived,
            {
                "distribution.credit.release",
                "distribution.customer.credit.note",
                "distribution.customer.return",
                "distribution.delivery.hold",
                "distribution.inventory.adjustment",
                "distribution.site.transfer",
            },
        )
        for name, action in documents.items():
            if action:
                self.assertTrue(callable(getattr(self.env[name], action)), name)
                self.assertTrue(self._action(name))


@tagged("post_install", "-at_install")
class TestServerActionOnBills(BillCase):
    def test_bills(self):
        action = self.env["ir.actions.server"].create(
            {
                "name": "Ask for approval",
                "model_id": self.env["ir.model"]._get_id("account.move"),
                "state": "distribution_approval",
            }
        )
        order = self._ordered()
        matching, dearer = self._bill(order), self._bill(self._ordered(), price=12)
        incomplete = self._bill(self._ordered())
        incomplete.invoice_date = False
        invoice = self.env["account.move"].create({"move_type": "entry"})
        bills = matching | dearer | incomplete
        context = {"active_model": bills._name, "active_id": bills[0].id, "active_ids": (bills | invoice).ids}
        message = action.with_user(self.clerk).with_context(**context).run()["params"]["message"]
        self.assertIn("1 of 4 wait for approval now. Complete these first: ", message)
        self.assertEqual(set(bills.mapped("state")), {"draft"})
        self.assertEqual((matching.approval_state, dearer.approval_state), ("passed", "pending"))
        self.assertFalse(incomplete.approval_state or invoice.approval_state)
        self.assertEqual(dearer.sudo().approval_request_id.create_uid, self.clerk)
        self._decide(dearer, "Purchasing", self.manager)
        self._resume(dearer)
        self.assertEqual((dearer.state, matching.state), ("posted", "draft"))
