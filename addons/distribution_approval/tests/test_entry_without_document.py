"""A journal entry instead of a bill, or of a credit note: recorded, and somebody looks at it."""

from odoo import Command, fields
from odoo.tests.common import tagged

from .bill_case import BillCase


@tagged("post_install", "-at_install")
class TestEntryWithoutDocument(BillCase):
    @classmethod
    def _govern(cls):
        super()._govern()
        cls._govern_also("customer_credit_note", [("Each", "require", [("amount", "ge", "0")], ["Finance"])])

    @classmethod
    def _make_goods(cls):
        super()._make_goods()
        cls.customer = cls.env["res.partner"].create({"name": "Builders", "is_company": True})

    def _cases(self, code="booked_past_approval"):
        return self.env["distribution.case"].search([("type_id.code", "=", code)])

    def _entry(self, *lines, post=True, **values):
        """An entry of ``(account, partner, balance)``, as the clerk writes it."""
        entry = (
            self.env["account.move"]
            .with_user(self.clerk)
            .create(
                {
                    "move_type": "entry",
                    "date": fields.Date.today(),
                    "line_ids": [
                        Command.create(
                            {
                                "name": "x",
                                "account_id": account.id,
                                "partner_id": partner and partner.id,
                                "balance": balance,
                            }
                        )
                        for account, partner, balance in lines
                    ],
                    **values,
                }
            )
        )
        if post:
            entry.action_post()
            self.assertEqual(entry.state, "posted", "never blocked")
        return entry

    def _owed(self, amount=1000, **values):
        """An expense that is owed to the vendor, without a bill."""
        return self._entry(
            (self._account_of("expense"), None, amount),
            (self.vendor.property_account_payable_id, self.vendor, -amount),
            **values,
        )

    def test_instead_of_a_bill(self):
        entry = self._owed()
        case = self._cases()
        self.assertEqual((len(case), case.res_model, case.res_id), (1, "account.move", entry.id))
        self.assertIn(self.vendor.name, case.name)
        self.assertIn(entry.name, case.description)
        entry.button_draft()
        entry.action_post()
        self.env["distribution.approval.control"]._cron_find_ungated()
        self.assertEqual(self._cases(), case, "once")

    def test_every_way_to_post_it(self):
        self._owed(post=False).sudo()._post(soft=False)
        self._owed(post=False).sudo().write({"state": "posted"})
        self.assertEqual(len(self._cases()), 2)

    def test_from_one_vendor_to_another(self):
        payable = self.vendor.property_account_payable_id
        self._entry((payable, self.new_vendor, 500), (payable, self.vendor, -500))
        self.assertIn(self.vendor.name, self._cases().name)

    def test_line_added_to_a_posted_one(self):
        """The nightly control looks again."""
        expense, receivable = self._account_of("expense"), self.customer.property_account_receivable_id
        entry = self._entry((expense, None, 100), (expense, None, -100))
        self.assertFalse(self._cases())
        line = entry.line_ids.filtered(lambda line: line.balance < 0)
        entry.sudo().button_draft()
        line.sudo().write({"account_id": receivable.id, "partner_id": self.customer.id})
        self.env.flush_all()
        self.env.cr.execute("UPDATE account_move SET state = 'posted' WHERE id = %s", (entry.id,))
        self.env.invalidate_all()
        self.env["distribution.approval.control"]._cron_find_ungated()
        self.assertEqual(len(self._cases()), 1)

    def test_instead_of_a_credit_note(self):
        entry = self._entry(
            (self._account_of("income"), None, 300),
            (self.customer.property_account_receivable_id, self.customer, -300),
        )
        case = self._cases()
        self.assertEqual((len(case), case.res_id), (1, entry.id))
        self.assertIn(self.customer.name, case.name)

    def test_what_is_none_of_its_business(self):
        payable, receivable = (
            self.vendor.property_account_payable_id,
            self.customer.property_account_receivable_id,
        )
        expense, bank = self._account_of("expense"), self.bank.default_account_id
        self._entry((payable, self.vendor, 300), (bank, None, -300))  # paid
        self._entry((bank, None, 300), (receivable, self.customer, -300))  # money received
        self._entry((receivable, self.customer, 300), (expense, None, -300))  # the customer owes more
        other = self._account_of("liability_payable").copy({"code": "PAY2"})
        self._entry((payable, self.vendor, 300), (other, self.vendor, -300))  # the same debt on another account
        self._entry((expense, None, 300), (payable, None, -300))  # owed to nobody in particular
        bill = self._posted_bill()
        self._register(bill)
        self._commit()
        self.assertFalse(self._cases())
        self.assertFalse(self._cases("paid_past_hold"))

    def test_without_governance_nobody_looks(self):
        self._ungovern()
        self._owed()
        self.assertFalse(self._cases())

    # ---------------------------------------------------------------- payment

    def _pay(self, entry):
        owed = entry.line_ids.filtered(lambda line: line.account_id.account_type == "liability_payable")
        return (
            self.env["account.payment.register"]
            .with_user(self.clerk)
            .with_context(active_model="account.move.line", active_ids=owed.ids)
            .create({})
            ._create_payments()
        )

    def test_paying_it_opens_a_critical_case(self):
        entry = self._owed()
        payment = self._pay(entry)
        case = self._cases("paid_past_hold")
        self.assertEqual((len(case), case.severity, case.res_id), (1, "3", entry.id))
        self.assertIn(self.vendor.name, case.name)
        self.assertTrue(payment._approval_is_guarded())
        self._commit()

    def test_while_a_bill_is_held_it_is_not_paid(self):
        entry = self._owed()
        self._held_bill()
        with self._refused(at_once=True):
            self._pay(entry)

    def test_entries_cost_no_more_queries_in_a_batch(self):
        entries = self.env["account.move"].sudo().union(*(self._owed(10 + number) for number in range(12)))
        costs = []
        for batch in (entries, entries[:2], entries):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            batch._approval_look_at_credits()
            costs.append(self.cr.sql_log_count - before)
        self.assertEqual(costs[1], costs[2], "the first one filled the caches")
        self.assertEqual(len(self._cases()), 12)
