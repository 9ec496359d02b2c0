"""Attempts to post, change and pay vendor bills past approval, by every door."""

from contextlib import suppress

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from odoo.addons.distribution_core.compat import IS_17

from ..documents.bank_statement_line import PENDING_KEY
from .bill_case import BillCase


@tagged("post_install", "-at_install")
class TestAttacksVendorBill(BillCase):
    # ------------------------------------------------------------------ doors

    def test_state_written(self):
        bill = self._bill()
        with self._refused(at_once=True):
            bill.write({"state": "posted"})
        with self._refused(at_once=True):
            bill.sudo().write({"state": "posted"})
        self.assertNotPosted(bill)

    def test_created_posted(self):
        with self._refused(at_once=True):
            self._bill(state="posted")

    def test_payment_status_written(self):
        bill = self._bill()
        for status in ("paid", "reversed", "in_payment"):
            with self.subTest(status), self.assertRaisesRegex(AccessError, "Payment Status"):
                bill.write({"payment_state": status})
        with self.assertRaisesRegex(AccessError, "Payment Status"):
            self._bill(payment_state="paid")
        with self.assertRaisesRegex(AccessError, "Payment Status"):
            self.env["account.move"].with_user(self.clerk).with_context(
                default_payment_state="invoicing_legacy"
            ).create({"move_type": "in_invoice", "partner_id": self.vendor.id})
        self.assertEqual(bill.payment_state, "not_paid")

    def test_created_with_a_default_state(self):
        with self._refused():
            bill = (
                self.env["account.move"]
                .with_context(default_state="posted")
                .create({"move_type": "in_invoice", "partner_id": self.vendor.id})
            )
            self.assertEqual(bill.state, "posted")

    def test_post_by_code_as_superuser(self):
        bill = self._bill()
        bill.sudo().with_context(skip_approval=True, install_mode=True)._post(soft=False)
        self.assertNotPosted(bill)
        self.assertEqual(bill.approval_state, "pending")

    def test_server_action(self):
        bill = self._bill()
        action = self.env["ir.actions.server"].create(
            {
                "name": "Post",
                "model_id": self.env.ref("account.model_account_move").id,
                "state": "code",
                "code": "records._post(soft=False)\nrecords.write({'narration': 'x'})",
            }
        )
        action.with_context(active_model="account.move", active_ids=bill.ids, active_id=bill.id).run()
        self.assertNotPosted(bill)

    def test_swallowed_refusal(self):
        bill = self._bill()
        with self._refused(), suppress(Exception):
            bill.sudo().write({"state": "posted"})

    def test_column_written(self):
        bill = self._bill()
        with self._refused():
            bill.sudo()._write({"state": "posted"})

    def test_entry_that_becomes_a_bill(self):
        entry = self.env["account.move"].create(
            {
                "move_type": "entry",
                "journal_id": self.env["account.journal"].search([("type", "=", "purchase")], limit=1).id,
            }
        )
        with self._refused():
            entry.sudo().write({"state": "posted"})
            entry.sudo().write({"move_type": "in_invoice"})

    def test_receipt_instead_of_bill(self):
        bill = self._bill(move_type="in_receipt")
        bill.action_post()
        self.assertNotPosted(bill)

    def test_validation_wizard(self):
        bill = self._bill()
        wizard = self.env["validate.account.move"].with_user(self.clerk)
        context = {"active_model": "account.move", "active_ids": bill.ids}
        if IS_17:
            wizard.with_context(**context).create({"force_post": True}).validate_move()
        else:
            wizard.with_context(**context).create({"move_ids": [Command.set(bill.ids)]}).validate_move()
        self.assertNotPosted(bill)

    def test_refund_posted_by_reversal_is_judged(self):
        bill = self._posted_bill()
        wizard = (
            self.env["account.move.reversal"]
            .with_user(self.clerk)
            .with_context(active_model="account.move", active_ids=bill.ids)
            .create({"journal_id": bill.journal_id.id, "date": fields.Date.today(), "reason": "back"})
        )
        wizard.refund_moves()
        refund = self.env["account.move"].search([("reversed_entry_id", "=", bill.id)])
        self.assertTrue(refund)
        refund.action_post()
        self.assertIn((refund.state, refund.approval_state), [("posted", "passed"), ("draft", "pending")])

    def test_switched_kind_restarts(self):
        bill = self._held_bill()
        bill.action_switch_move_type()
        self.assertEqual(bill.sudo().approval_request_id.round, 2)

    def test_deleted_and_entered_again(self):
        bill = self._held_bill(ref="AGAIN-1")
        bill.unlink()
        again = self._bill(ref="AGAIN-1")
        again.action_post()
        self.assertNotPosted(again)

    def test_state_of_approval_written(self):
        bill = self._held_bill()
        for value in ("passed", "released", "baseline"):
            with self._refused(at_once=True):
                bill.sudo().write({"approval_state": value})

    # ---------------------------------------------------------------- content

    def test_posted_lines_cannot_change(self):
        bill = self._approved_bill()
        line = bill.invoice_line_ids
        with self._refused(at_once=True):
            line.sudo().with_context(check_move_validity=False).write({"price_unit": 999})
        with self._refused(at_once=True):
            bill.sudo().write({"invoice_line_ids": [Command.update(line.id, {"quantity": 7})]})
        due = bill.line_ids.filtered(lambda line: line.display_type == "payment_term")
        with self._refused(at_once=True):
            due.sudo().with_context(check_move_validity=False, skip_invoice_sync=True).write(
                {"amount_currency": -5000, "balance": -5000}
            )
        self.assertContent(bill)

    def test_bank_account_after_release(self):
        bill = self._approved_bill(partner_bank_id=self.account.id)
        with self._refused(at_once=True):
            bill.write({"partner_bank_id": self.foreign_account.id})
        self.assertEqual(bill.partner_bank_id, self.account)

    def test_vendor_currency_terms_and_reference_after_release(self):
        bill = self._approved_bill()
        term = self.env["account.payment.term"].create({"name": "At once"})
        euro = self.env["res.currency"].with_context(active_test=False).search([("name", "=", "EUR")])
        euro.active = True
        for values in (
            {"partner_id": self.new_vendor.id},
            {"invoice_payment_term_id": term.id},
            {"currency_id": euro.id},
            {"ref": "OTHER-1"},
        ):
            with self.subTest(values), self._refused(at_once=True):
                bill.sudo().with_context(skip_readonly_check=True).write(values)
        bill.write({"ref": bill.ref.lower().replace("-", " ")})

    def test_order_line_unlinked_to_bill_it_again(self):
        bill = self._posted_bill()
        with self._refused(at_once=True):
            bill.invoice_line_ids.sudo().write({"purchase_line_id": False})

    def test_swapped_between_approval_and_posting(self):
        bill = self._held_bill()
        self._decide(bill, "Finance", self.finance)
        bill.write({"partner_bank_id": self.foreign_account.id})
        self._resume(bill)
        self.assertNotPosted(bill)

    def assertContent(self, bill):
        bill.invalidate_recordset()
        bill.line_ids.invalidate_recordset()
        self.assertTrue(self._releases(bill)[:1]._covers(bill.sudo()._approval_snapshots()[bill.id]))


@tagged("post_install", "-at_install")
class TestAttacksVendorPayment(BillCase):
    def test_direct_payment_to_a_vendor_with_held_bills(self):
        self._held_bill()
        with self._refused(at_once=True):
            self._payment(1000).action_post()
        # Another vendor is not concerned.
        self._payment(50, partner=self.new_vendor).action_post()
        self._commit()

    def test_direct_payment_without_held_bills(self):
        self._bill()  # a draft about which nobody was asked yet
        self._payment(50).action_post()
        self._commit()

    def test_as_refund_to_a_customer(self):
        self._held_bill()
        with self._refused(at_once=True):
            self._payment(1000, partner_type="customer").action_post()

    def test_under_another_name(self):
        self._held_bill()
        with self._refused(at_once=True):
            self._payment(1000, partner=self.new_vendor, partner_bank_id=self.account.id).action_post()

    def test_to_another_account_than_released(self):
        other = self.env["res.partner.bank"].create({"acc_number": "BE11 0002", "partner_id": self.vendor.id})
        bill = self._posted_bill(partner_bank_id=self.account.id)
        with self._refused(at_once=True):
            self._register(bill, partner_bank_id=other.id)
        with self._refused(at_once=True):
            self._register(bill, partner_bank_id=self.foreign_account.id)
        payment = self._register(bill)
        with self._refused(at_once=True):
            payment.sudo().with_context(skip_readonly_check=True).write({"partner_bank_id": other.id})

    def test_held_bill_deleted_and_paid_directly(self):
        bill = self._held_bill()
        bill.unlink()
        self._payment(1000).action_post()
        self.assertEqual(len(self._cases()), 1)
        self._commit()

    def test_to_a_contact_of_the_vendor(self):
        self._held_bill()
        contact = self.env["res.partner"].create({"name": "Till", "parent_id": self.vendor.id})
        with self._refused(at_once=True):
            self._payment(1000, partner=contact).action_post()

    def test_state_of_the_payment_written(self):
        self._held_bill()
        payment = self._payment(1000)
        with self._refused(at_once=True):
            payment.sudo().write({"state": "posted" if IS_17 else "in_process"})
        if IS_17:
            with self._refused(at_once=True):
                payment.sudo().move_id._post(soft=False)
            with self._refused(at_once=True):
                payment.sudo().move_id.write({"state": "posted"})
            with self._refused(at_once=True):
                payment.move_id.action_post()

    def test_posted_small_and_raised_then(self):
        self._held_bill()
        bill = self._posted_bill(quantity=10)
        payment = self._register(bill)
        with self._refused(at_once=True):
            payment.sudo().with_context(skip_readonly_check=True).write({"amount": 5000})

    def test_turned_around_after_posting(self):
        self._held_bill()
        payment = self._payment(1000, payment_type="inbound")
        payment.action_post()
        with self._refused(at_once=True):
            payment.sudo().with_context(skip_readonly_check=True).write({"payment_type": "outbound"})

    def test_released_bills_are_paid_while_others_are_held(self):
        self._held_bill()
        bills = self._posted_bill(quantity=10) | self._posted_bill(quantity=20)
        payments = self._register(bills, group_payment=True)
        self.assertEqual(len(payments), 1)
        self._commit()
        third = self._posted_bill(quantity=30)
        self._register(third)
        self._commit()

    def test_paying_more_than_the_bill(self):
        self._held_bill()
        bill = self._posted_bill(quantity=10)
        with self._refused(at_once=True):
            self._register(bill, amount=1100)

    def test_paying_more_and_writing_off_the_rest(self):
        self._held_bill()
        bill = self._posted_bill(quantity=10)
        account = self.env["account.account"].search([("account_type", "=", "expense")], limit=1)
        with self._refused(at_once=True):
            self._register(
                bill,
                amount=1100,
                payment_difference_handling="reconcile",
                writeoff_account_id=account.id,
            )

    def test_draft_in_the_wizard(self):
        """19.0 lets a draft be paid; nobody was asked about it yet."""
        with self._refused(at_once=True):
            self._register(self._bill())

    def test_held_bill_in_the_wizard(self):
        held = self._held_bill()
        bill = self._posted_bill(quantity=10)
        with self._refused(at_once=True):
            self._register(held | bill)
        self.assertIn(bill.payment_state, ("not_paid",))

    def test_bill_without_release_in_the_wizard(self):
        """Restored, or posted by SQL: it cannot be paid."""
        bill = self._posted_bill()
        self._releases(bill)._void("restored")
        with self._refused(at_once=True):
            self._register(bill)

    def test_rejected_withdrawn_and_reset_bills_hold_too(self):
        bill = self._held_bill()
        bill.with_user(self.clerk).action_approval_withdraw()
        self.assertEqual(bill.approval_state, "withdrawn")
        with self._refused(at_once=True):
            self._payment(1000).action_post()
        bill.button_cancel()
        bill = self._posted_bill()
        bill.button_draft()
        with self._refused(at_once=True):
            self._payment(1000).action_post()

    def test_swallowed_refusal_of_a_payment(self):
        self._held_bill()
        payment = self._payment(1000)
        with self._refused(), suppress(Exception):
            payment.action_post()

    # ------------------------------------------------- money that has left already

    def _cases(self):
        return self.env["distribution.case"].search([("type_id.code", "=", "paid_past_hold")])

    def _statement(self, amount, **values):
        return self.env["account.bank.statement.line"].create(
            {
                "journal_id": self.bank.id,
                "date": fields.Date.today(),
                "payment_ref": "Transfer",
                "amount": amount,
                "partner_id": self.vendor.id,
                **values,
            }
        )

    def _look(self):
        """What happens after the commit."""
        self.env.flush_all()
        ids = self.env.cr.postcommit.data.get(PENDING_KEY, set())
        self.env["account.bank.statement.line"].browse(ids)._approval_look()
        ids.clear()

    def test_statement_is_recorded_and_reported(self):
        bill = self._held_bill()
        line = self._statement(-float(bill.amount_total))
        self._look()
        self.assertEqual(line.move_id.state, "posted")
        case = self._cases()
        self.assertEqual((len(case), case.severity), (1, "3"))
        self._look()
        self.assertEqual(self._cases(), case)

    def test_statement_of_a_released_payment(self):
        self._held_bill()
        bill = self._posted_bill(quantity=10)
        line = self._statement(-100)
        self._look()
        self._reconcile(line, bill)
        self._look()
        self.assertFalse(self._cases())

    def test_statement_booked_on_the_vendor(self):
        self._held_bill()
        line = self._statement(-250)
        self._look()
        self.assertFalse(self._cases(), "nobody knows yet what it is")
        self._reconcile(line)
        self._look()
        self.assertEqual(len(self._cases()), 1)

    def test_nothing_is_put_against_a_held_bill(self):
        bill = self._held_bill()
        line = self._statement(-250)
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self._reconcile(line, bill)
        self._reconcile(line)
        due = bill.line_ids.filtered(lambda item: item.display_type == "payment_term")
        paid = line.move_id.line_ids.filtered(lambda item: item.account_id == due.account_id)
        for user in self.clerk, self.env.user:
            with self.assertRaises(UserError), self.env.cr.savepoint():
                (due | paid).with_user(user).reconcile()
        self.assertEqual((bill.payment_state, due.matched_debit_ids.ids), ("not_paid", []))
        self._look()
        self.assertEqual(len(self._cases()), 1)

    def _reconcile(self, line, bill=None):
        """What a reconciliation widget does: the counterpart becomes the vendor's account."""
        _liquidity, suspense, _other = line._seek_for_lines()
        account = self.vendor.property_account_payable_id
        line.with_context(force_delete=True).write(
            {
                "line_ids": [
                    Command.delete(suspense.id),
                    Command.create(
                        {
                            "name": "x",
                            "account_id": account.id,
                            "partner_id": self.vendor.id,
                            "balance": -line.amount,
                            "amount_currency": -line.amount,
                            "currency_id": line.company_id.currency_id.id,
                        }
                    ),
                ]
            }
        )
        if bill:
            due = bill.line_ids.filtered(lambda item: item.display_type == "payment_term")
            (due | line.move_id.line_ids.filtered(lambda item: item.account_id == account)).sudo().reconcile()
