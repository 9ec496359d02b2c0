"""Documents that people see on the form of something else: conditions and emergencies are shown there."""

from odoo import fields
from odoo.tests.common import tagged

from .delivery_case import DeliveryCase
from .test_emergency import WHY


@tagged("post_install", "-at_install")
class TestNoticesElsewhere(DeliveryCase):
    """The delivery hold shows on its transfer, the credit note on its entry."""

    @classmethod
    def _make_people(cls):
        super()._make_people()
        cls.accountant = cls._user("accountant", "account.group_account_invoice")
        cls.releaser = cls._user(
            "releaser",
            "distribution_approval.group_emergency_releaser",
            "stock.group_stock_user",
            "account.group_account_invoice",
        )

    @classmethod
    def _govern(cls):
        super()._govern()
        rules = [("Always", "require", [], ["Finance"])]
        cls._publish(cls._make_version("customer_credit_note", "Credit notes", rules))
        cls._switch_on("customer_credit_note")

    def _held_delivery(self):
        picking = self._delivery(hold="payment")
        picking.button_validate()
        self.assertHeld(picking)
        return picking, self._hold(picking).sudo(), "Operations", self.operations

    def _held_credit_note(self):
        invoice = self._order_of().sudo()._create_invoices()
        invoice.action_post()
        refund = invoice._reverse_moves([{"invoice_date": fields.Date.today()}]).with_user(self.accountant)
        refund.action_post()
        self.assertEqual((refund.state, refund.credit_note_state), ("draft", "pending"))
        return refund, refund.sudo().credit_note_document_ids, "Finance", self.finance

    def assertFound(self, record, name, found=True):
        records = record.with_user(self.releaser)
        self.assertEqual(record in records.search([(name, "=", True)]), found)
        self.assertEqual(record in records.search([(name, "=", False)]), not found)

    def _condition_shows(self, record, document, stage, approver):
        condition = {"text": "Call them first", "owner_id": self.seller.id, "due_date": str(fields.Date.today())}
        self._decide(document, stage, approver, "approve_with_conditions", conditions=[condition])
        self.assertTrue(self._resume(document))
        record.invalidate_recordset()
        self.assertIn("Call them first", record.with_user(self.releaser).approval_notice)
        self.assertFound(record, "approval_condition_open")

    def _emergency_shows(self, record, document):
        mine = record.with_user(self.releaser)
        self.assertTrue(mine.approval_may_emergency)
        self.assertFalse(record.with_user(self.accountant).approval_may_emergency)
        self.assertFound(record, "approval_emergency", False)
        action = mine.action_approval_emergency()
        self.assertEqual(action["context"]["default_request_id"], document.approval_request_id.id)
        proof = self.env["ir.attachment"].with_user(self.releaser).create({"name": "mail.eml", "raw": b"Still"})
        request = document.approval_request_id
        request.with_user(self.releaser).action_emergency_release(WHY, request.digest, proof.ids)
        self.assertTrue(self._resume(document))
        self.env.invalidate_all()
        self.assertIn("Emergency release by", mine.approval_notice)
        self.assertFalse(mine.approval_may_emergency)
        self.assertFound(record, "approval_emergency")
        arch = mine.get_view(view_type="form")["arch"]
        for name in ('title="Emergency"', "action_approval_emergency", 'name="approval_notice"'):
            self.assertEqual(arch.count(name), 1, name)
        filters = mine.get_view(view_type="search")["arch"]
        self.assertIn('name="approval_emergency"', filters)
        self.assertIn('name="approval_condition_open"', filters)

    def test_condition_on_a_transfer(self):
        self._condition_shows(*self._held_delivery())

    def test_condition_on_a_credit_note(self):
        self._condition_shows(*self._held_credit_note())

    def test_emergency_on_a_transfer(self):
        picking, document, _stage, _approver = self._held_delivery()
        self._emergency_shows(picking, document)
        self.assertEqual(picking.state, "done")

    def test_emergency_on_a_transfer_that_is_held_twice(self):
        """Who releases chooses what; the other thing still holds the goods."""
        self._publish(self._make_version("credit_release", "Credit", [("Always", "require", [], ["Finance"])]))
        self._switch_on("credit_release")
        picking, hold, _stage, _approver = self._held_delivery()
        credit = self._hold(picking, "credit_release").sudo()
        mine = picking.with_user(self.releaser)
        action = mine.action_approval_emergency()
        requests = self.env[action["res_model"]].with_user(self.releaser).search(action["domain"])
        self.assertEqual(requests.sudo(), hold.approval_request_id | credit.approval_request_id)
        ((view_id, view_type),) = action["views"]
        self.assertEqual(action["target"], "new")
        arch = requests.get_view(view_id, view_type)["arch"]
        self.assertIn("action_open_emergency", arch)
        self.assertEqual(set(requests.mapped("waiting_for")), {"Finance", "Operations"})
        chosen = requests.filtered(lambda request: request.document_type == "credit_release")
        self.assertEqual(chosen.action_open_emergency()["context"]["default_request_id"], chosen.id)
        proof = self.env["ir.attachment"].with_user(self.releaser).create({"name": "mail.eml", "raw": b"Still"})
        chosen.action_emergency_release(WHY, chosen.digest, proof.ids)
        self._resume(credit)
        self.assertEqual(hold.approval_state, "pending")
        self.assertHeld(picking)
        action = mine.action_approval_emergency()
        self.assertEqual(action["context"]["default_request_id"], hold.approval_request_id.id, "one is left")

    def test_emergency_on_a_credit_note(self):
        refund, document, _stage, _approver = self._held_credit_note()
        self._emergency_shows(refund, document)
        self.assertEqual(refund.state, "posted")
