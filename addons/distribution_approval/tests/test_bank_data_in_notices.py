"""Odoo's own notices about accounts: masked where vendor changes are governed, and only there."""

from odoo.tests.common import tagged

from .vendor_case import BELGIAN, DUTCH, GERMAN, VendorCase


@tagged("post_install", "-at_install")
class TestBankDataInNotices(VendorCase):
    def _second_account(self):
        change = self._change("account_new", account_number=BELGIAN)
        self._let_through(change, ("Finance", self.finance), ("Compliance", self.compliance))
        return self.vendor.bank_ids - self.account

    def _noted(self, record, **values):
        """Write with Odoo's own notices on; texts of what was noted about ``record``."""
        record = record.with_context(tracking_disable=False, mail_create_nolog=False)
        self.env.cr.flush()
        record.write(values)
        self.env.cr.flush()
        return self._notes(record)

    def _notes(self, record):
        messages = self.env["mail.message"].search([("model", "=", record._name), ("res_id", "=", record.id)])
        tracked = messages.tracking_value_ids
        return [
            *(text for value in tracked for text in (value.old_value_char, value.new_value_char) if text),
            *(str(body) for body in messages.mapped("body")),
        ]

    def test_account_chosen_on_a_bill(self):
        second = self._second_account()
        bill = self._bill()
        self.assertEqual(bill.partner_bank_id, self.account)
        notes = self._noted(bill, partner_bank_id=second.id)
        self.assertIn("••••3000", notes)
        self.assertIn("••••7034", notes)
        self.assertNowhereInFull(GERMAN, BELGIAN)

    def test_account_chosen_on_a_payment(self):
        second = self._second_account()
        payment = self.env["account.payment"].create(
            {"payment_type": "outbound", "partner_type": "supplier", "partner_id": self.vendor.id, "amount": 10}
        )
        self.assertEqual(payment.partner_bank_id, self.account)
        notes = self._noted(payment, partner_bank_id=second.id)
        self.assertIn("••••3000", notes)
        self.assertIn("••••7034", notes)
        self.assertNowhereInFull(GERMAN, BELGIAN)

    def test_account_with_its_bank(self):
        bank = self.env["res.bank"].create({"name": "House Bank"})
        account = self.env["res.partner.bank"].create(
            {"acc_number": DUTCH, "partner_id": self.customer.id, "bank_id": bank.id}
        )
        self.assertEqual(account._masked_name(), "••••4300 - House Bank")

    def test_accounts_of_a_contact(self):
        accounts = self.env["res.partner.bank"].with_context(tracking_disable=False)
        account = accounts.create({"acc_number": DUTCH, "partner_id": self.customer.id})
        self.env.cr.flush()
        account.acc_number = BELGIAN
        self.env.cr.flush()
        account.unlink()
        self.env.cr.flush()
        notes = self._notes(self.customer)
        self.assertIn("••••4300", notes)
        self.assertIn("••••7034", notes)
        self.assertTrue([note for note in notes if "number ••••7034" in note], "Odoo's note about the deletion")
        self.assertNowhereInFull(DUTCH, BELGIAN)

    def test_messages_and_activities_of_an_account(self):
        account = self.account.with_user(self.accountant).with_context(tracking_disable=False)
        account.message_subscribe(self.finance.partner_id.ids)
        message = account.message_post(
            body="Is this still theirs?", message_type="comment", subtype_xmlid="mail.mt_comment"
        )
        self.assertEqual(message.record_name, "••••3000")
        activity = account.activity_schedule("mail.mail_activity_data_todo", user_id=self.finance.id, summary="Call")
        self.assertEqual(activity.res_name, "••••3000")
        self.assertNowhereInFull(GERMAN)
        self.assertIn("DE89", self.account.display_name, "where an account is chosen it is named in full")

    def test_short_numbers_do_not_garble_notes(self):
        self.env["res.partner.bank"].create({"acc_number": "12", "partner_id": self.customer.id})
        self.customer._message_log(body="Order 1212 of 12 pieces, reference A12")
        note = self.env["mail.message"].search(
            [("model", "=", "res.partner"), ("res_id", "=", self.customer.id)], order="id desc", limit=1
        )
        self.assertIn("Order 1212 of ••••2 pieces, reference A12", note.body)

    def test_without_governance_nothing_changes(self):
        second = self._second_account()
        bill = self._bill()
        self._ungovern()
        notes = self._noted(bill, partner_bank_id=second.id)
        self.assertIn(self.account.display_name, notes)
        with self.assertRaises(AssertionError, msg="the search for numbers finds what is there"):
            self.assertNowhereInFull(GERMAN)
