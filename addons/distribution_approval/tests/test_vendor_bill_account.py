"""A bill that is paid to somebody else's account: approved once, then up to the payment – and only there."""

from odoo import SUPERUSER_ID
from odoo.exceptions import UserError
from odoo.tests.common import tagged
from odoo.tools import mute_logger

from .payable_case import PayableCase
from .vendor_case import BELGIAN, DUTCH, VendorCase


@tagged("post_install", "-at_install")
class TestVendorBillAccount(PayableCase):
    assertNowhereInFull = VendorCase.assertNowhereInFull

    def _factored(self, bill):
        """The account of the factoring house, approved for ``bill``."""
        return self._approved_change("bill_account", bank_account_id=self.factor_account.id, move_id=bill.id)

    def _factored_bill(self, **values):
        bill = self._posted_bill(**values)
        self._factored(bill)
        self.assertEqual(bill.partner_bank_id, self.factor_account)
        return bill

    # ------------------------------------------------------------------ the story

    def test_from_the_draft_to_the_payment(self):
        bill = self._bill(self._ordered(10))
        self._factored(bill)
        self.assertEqual(bill.partner_bank_id, self.factor_account)
        bill.action_post()
        self.assertEqual((bill.state, bill.approval_state), ("posted", "passed"), "no longer somebody else's account")
        payment = self._register(bill)
        self.assertEqual(payment.partner_bank_id, self.factor_account)
        self._commit()
        self.assertIn(bill.payment_state, ("paid", "in_payment"))
        self.assertNowhereInFull(BELGIAN)

    def test_posted_bill_keeps_its_release(self):
        bill = self._posted_bill(quantity=10)
        before = self._releases(bill)
        change = self._factored(bill)
        self._commit()
        after = self._releases(bill)
        self.assertEqual(len(after), 1)
        self.assertNotEqual(after, before)
        self.assertEqual((after.kind, after.request_id), ("amendment", change.sudo().approval_request_id))
        self.assertTrue(after._covers(bill.sudo()._approval_snapshots()[bill.id]))
        self.assertEqual((bill.state, bill.approval_state), ("posted", "passed"))
        self.assertEqual(self._register(bill).partner_bank_id, self.factor_account)
        self._commit()
        self.assertFalse(self.env["distribution.approval.control"]._cron_find_ungated())

    def test_each_payment_of_a_batch_has_its_own_bills(self):
        """One to the vendor, one to the factoring house, posted together."""
        plain, factored = self._posted_bill(quantity=10), self._factored_bill(quantity=20)
        payments = self._register(plain) | self._register(factored)
        self.assertEqual(payments.mapped("partner_bank_id"), self.account | self.factor_account)
        payments.sudo()._approval_check_payment()
        self._commit()

    # -------------------------------------------------------------------- attacks

    def test_while_it_is_not_approved(self):
        bill = self._posted_bill(quantity=10)
        change = self._change("bill_account", bank_account_id=self.factor_account.id, move_id=bill.id)
        for env in (self.env(user=self.clerk), self.env(user=self.clerk, su=True), self.env(user=SUPERUSER_ID)):
            with self._refused():
                bill.with_env(env).write({"partner_bank_id": self.factor_account.id})
            with self._refused():
                self._register(bill, user=env.user, partner_bank_id=self.factor_account.id)
        self._decide(change, "Finance", self.finance, "reject", comment="Not assigned to them")
        with self._refused():
            bill.sudo().write({"partner_bank_id": self.factor_account.id})
        self.assertEqual(bill.partner_bank_id, self.account)

    def test_another_bill_does_not_come_along(self):
        factored, plain = self._factored_bill(quantity=10), self._posted_bill(quantity=20)
        savepoint = self.env.cr.savepoint()
        payments = self._register(factored | plain, group_payment=True, partner_bank_id=self.factor_account.id)
        self._commit()
        paid = {payment.partner_bank_id: payment.amount for payment in payments}
        self.assertEqual(paid, {self.account: 200, self.factor_account: 100}, "Odoo pays each to its own account")
        savepoint.close(rollback=True)
        with self._refused():
            self._payment(300, partner_bank_id=self.factor_account.id).action_post()
        with self._refused():
            self._register(plain, partner_bank_id=self.factor_account.id)
        with self._refused():
            plain.sudo().write({"partner_bank_id": self.factor_account.id})
        self.assertEqual(plain.payment_state, "not_paid")

    def test_not_a_cent_more(self):
        bill = self._factored_bill(quantity=10)
        with self._refused():
            self._register(bill, amount=101, partner_bank_id=self.factor_account.id)
        expense = self._account_of("expense")
        with self._refused():
            self._register(
                bill,
                amount=101,
                partner_bank_id=self.factor_account.id,
                payment_difference_handling="reconcile",
                writeoff_account_id=expense.id,
            )

    def test_no_payment_beside_it(self):
        self._factored_bill(quantity=10)
        with self._refused():
            self._payment(100, partner_bank_id=self.factor_account.id).action_post()
        with self._refused():
            payment = self._payment(100)
            payment.sudo().write({"partner_bank_id": self.factor_account.id})
            payment.action_post()

    def test_account_changed_after_it_was_approved(self):
        bill = self._factored_bill(quantity=10)
        for env in (self.env, self.env(user=self.clerk, su=True)):
            with self._refused(), mute_logger("odoo.sql_db"):
                self.factor_account.with_env(env).write({"allow_out_payment": False, "acc_number": DUTCH})
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_partner_bank SET acc_number = 'X1' WHERE id = %s", (self.factor_account.id,))
        self.env.invalidate_all()
        with self._refused():
            self._register(bill, partner_bank_id=self.factor_account.id)

    def test_a_change_that_nobody_had_to_approve_is_not_enough(self):
        draft, posted = self._bill(self._ordered(10)), self._posted_bill(quantity=20)
        self.change_activation.with_user(self.publisher).action_propose_end()
        self.change_activation.with_user(self.publisher_2).action_confirm_end()
        with self._refused():
            self._change("bill_account", bank_account_id=self.factor_account.id, move_id=posted.id)
        change = self._change("bill_account", bank_account_id=self.factor_account.id, move_id=draft.id)
        self.assertEqual(change.state, "applied")
        draft.action_post()
        self.assertEqual((draft.state, draft.approval_state), ("draft", "refused"), "judged by the policy of bills")

    def test_nobody_reads_the_sealed_number(self):
        change = self._change("account_new", account_number=DUTCH)
        changes = self.env["distribution.vendor.change"]
        for user in (self.clerk, self.finance, self.auditor, self.env.ref("base.user_admin")):
            as_user = changes.with_user(user)
            for attempt in (
                lambda: as_user.browse(change.id).read(["sealed_account_number"]),  # noqa: B023
                lambda: as_user.search([("sealed_account_number", "like", "NL")]),  # noqa: B023
                lambda: as_user.browse(change.id).export_data(["sealed_account_number"]),  # noqa: B023
                lambda: as_user.browse(change.id).write({"sealed_account_number": "X"}),  # noqa: B023
            ):
                with self.subTest(user=user.login), self.assertRaises(UserError):
                    attempt()
            self.assertNotIn("sealed_account_number", as_user.fields_get())
