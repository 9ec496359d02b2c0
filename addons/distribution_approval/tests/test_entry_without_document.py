"""A journal entry instead of a bill, or of a credit note: recorded, and somebody looks at it."""

from odoo import Command, fields
from odoo.tests.common import tagged

from .bill_case import BillCase


class EntryCase(BillCase):
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


@tagged("post_install", "-at_install")
class TestEntryWithoutDocument(EntryCase):
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


@tagged("post_install", "-at_install")
class TestEntryThatPretends(EntryCase):
    """An entry that says of itself that Odoo made it, or that it is worth less than will be paid."""

    @classmethod
    def _make_goods(cls):
        super()._make_goods()
        cls.foreign = cls.env["res.currency"].create({"name": "XTS", "symbol": "X", "rounding": 0.01})
        for day, rate in (("2020-01-01", 2.0), ("2020-03-01", 2.1)):
            cls.env["res.currency.rate"].create(
                {"currency_id": cls.foreign.id, "rate": rate, "name": day, "company_id": cls.company.id}
            )

    def _exchange_journal(self):
        self.assertTrue(self.company.currency_exchange_journal_id)
        return {"journal_id": self.company.currency_exchange_journal_id.id}

    def test_in_the_journal_of_exchange_differences(self):
        entry = self._owed(**self._exchange_journal())
        self.assertEqual(self._cases().res_id, entry.id)

    def test_an_exchange_difference_of_odoo_is_its_own_business(self):
        """A bill at one rate, paid at another: at once, and when the nightly control looks."""
        bill = self._approved_bill(invoice_date="2020-02-01", currency_id=self.foreign.id)
        self._register(bill, payment_date="2020-03-02")
        difference = bill.line_ids.matched_debit_ids.exchange_move_id
        full = bill.line_ids.full_reconcile_id
        difference |= full.exchange_move_id if "exchange_move_id" in full._fields else difference
        self.assertEqual(difference.state, "posted", "the test needs one")
        self.assertFalse(self._cases())
        self.env["distribution.approval.control"]._cron_find_ungated()
        self.assertFalse(self._cases())
        bill.line_ids.sudo().remove_move_reconcile()
        self.assertTrue(difference.line_ids.move_id.reversed_entry_id or difference[self._reversals(difference)])
        self.env["distribution.approval.control"]._cron_find_ungated()
        self.assertFalse(self._cases(), "taken back as it came")

    def _reversals(self, move):
        return "reversal_move_id" if "reversal_move_id" in move._fields else "reversal_move_ids"

    def test_a_forged_link_to_a_reconciliation(self):
        entry = self._owed(post=False, **self._exchange_journal())
        bill = self._posted_bill()
        self._register(bill)
        partial = bill.line_ids.matched_debit_ids
        partial.exchange_move_id = entry
        entry.action_post()
        self.assertEqual(self._cases().res_id, entry.id, "nothing there was in foreign currency")

    def test_it_says_that_it_reverses_another(self):
        expense, payable = self._account_of("expense"), self.vendor.property_account_payable_id
        taken = self._entry((payable, self.vendor, 300), (expense, None, -300))
        self.assertFalse(self._cases())
        back = self._entry((expense, None, 300), (payable, self.vendor, -300), reversed_entry_id=taken.id)
        self.assertFalse(self._cases(), "what was taken is back")
        again = self._entry((expense, None, 300), (payable, self.vendor, -300), reversed_entry_id=taken.id)
        self.assertEqual(self._cases().res_id, again.id, "twice")
        self.assertNotEqual(back, again)

    def test_a_reversal_of_something_else(self):
        expense = self._account_of("expense")
        nothing = self._entry((expense, None, 10), (expense, None, -10))
        entry = self._owed(reversed_entry_id=nothing.id)
        self.assertEqual(self._cases().res_id, entry.id)

    def test_other_signs_of_odoo(self):
        """Links that people can write make no entry a payment, a statement line or a tax entry."""
        payment = self._payment(10)
        payment.action_post()
        bill = self._posted_bill()
        self._register(bill)
        payment_link = "payment_id" if "payment_id" in bill._fields else "origin_payment_id"
        expected = set()
        for values in (
            {payment_link: payment.id},
            {"tax_cash_basis_rec_id": bill.line_ids.matched_debit_ids.id},
        ):
            entry = self._owed(post=False)
            entry.sudo().write(values)
            entry.sudo()._post(soft=False)
            expected.add(entry.id)
        self.assertEqual(set(self._cases().mapped("res_id")), expected)

    def _foreign_entry(self, balance, amount):
        """An expense that is owed to the vendor in foreign currency; its balance as typed."""
        values = {"name": "x", "currency_id": self.foreign.id}
        entry = (
            self.env["account.move"]
            .with_user(self.clerk)
            .create(
                {
                    "move_type": "entry",
                    "date": "2020-02-01",
                    "line_ids": [
                        Command.create(
                            {
                                **values,
                                "account_id": self._account_of("expense").id,
                                "balance": balance,
                                "amount_currency": amount,
                            }
                        ),
                        Command.create(
                            {
                                **values,
                                "account_id": self.vendor.property_account_payable_id.id,
                                "partner_id": self.vendor.id,
                                "balance": -balance,
                                "amount_currency": -amount,
                            }
                        ),
                    ],
                }
            )
        )
        entry.action_post()
        return entry

    def test_a_balance_that_is_less_than_what_will_be_paid(self):
        for balance in (0.0, 0.01, 400.0):
            with self.subTest(balance):
                entry = self._foreign_entry(balance, 1000.0)
                payable = entry.line_ids.filtered("partner_id")
                self.assertEqual((payable.balance, payable.amount_currency), (-balance, -1000.0), "kept as typed")
                case = self._cases().filtered(lambda case, entry=entry: case.res_id == entry.id)
                self.assertIn("500.00", case.description)

    def test_a_rate_of_the_bank_is_believed(self):
        entry = self._foreign_entry(510.0, 1000.0)
        self.assertIn("510.00", self._cases().filtered(lambda case: case.res_id == entry.id).description)
