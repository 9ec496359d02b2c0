"""Ways around a payment are recorded and reported: journal entries, and payments to a relative."""

from odoo import Command, fields
from odoo.tests.common import tagged

from .bill_case import BillCase


@tagged("post_install", "-at_install")
class TestPayableEntry(BillCase):
    def _cases(self):
        return self.env["distribution.case"].search([("type_id.code", "=", "paid_past_hold")])

    def _entry(self, *lines, post=True, **values):
        """An entry of ``(account, partner, balance)``."""
        entry = self.env["account.move"].create(
            {
                "move_type": "entry",
                "date": fields.Date.today(),
                "line_ids": [
                    Command.create(
                        {"name": "x", "account_id": account.id, "partner_id": partner.id, "balance": balance}
                    )
                    for account, partner, balance in lines
                ],
                **values,
            }
        )
        if post:
            entry.action_post()
            self.assertEqual(entry.state, "posted", "never blocked")
        return entry

    def _paid(self, amount=1000, partner=None, **values):
        """What is owed to the vendor is booked as paid out of the bank."""
        partner = partner or self.vendor
        return self._entry(
            (partner.property_account_payable_id, partner, amount),
            (self.bank.default_account_id, partner, -amount),
            **values,
        )

    @property
    def _nobody(self):
        return self.env["res.partner"]

    def test_booked_as_paid_while_a_bill_is_held(self):
        bill = self._held_bill()
        entry = self._paid()
        self._commit()
        case = self._cases()
        self.assertEqual((len(case), case.severity), (1, "3"))
        self.assertEqual((case.res_model, case.res_id), ("account.move", entry.id))
        self.assertIn(bill._approval_name(), case.description)
        self.assertIn(entry.name, case.description)
        self.assertEqual(bill.state, "draft", "recording it does not release the bill")
        entry.button_draft()
        entry.action_post()
        self.env["distribution.approval.control"]._cron_find_ungated()
        self.assertEqual(self._cases(), case, "once")

    def test_every_way_to_post_it(self):
        self._held_bill()
        draft = self._paid(post=False)
        draft.sudo()._post(soft=False)
        self.assertEqual(len(self._cases()), 1)
        draft = self._paid(post=False)
        draft.sudo().write({"state": "posted"})
        self.assertEqual(len(self._cases()), 2)

    def test_money_that_leaves_in_the_vendors_name(self):
        """Booked as an expense, so that nothing that is owed changes."""
        self._held_bill()
        expense = self._account_of("expense")
        self._entry((expense, self._nobody, 500), (self.bank.default_account_id, self.vendor, -500))
        self.assertEqual(len(self._cases()), 1)
        method = self.bank.outbound_payment_method_line_ids[:1].payment_account_id
        if method:
            self._entry((expense, self._nobody, 500), (method, self.vendor, -500))
            self.assertEqual(len(self._cases()), 2)

    def test_contact_of_the_vendor(self):
        self._held_bill()
        contact = self.env["res.partner"].create({"name": "Desk", "parent_id": self.vendor.id})
        self._paid(partner=contact)
        self.assertEqual(len(self._cases()), 1)

    def test_what_is_none_of_its_business(self):
        self._held_bill()
        expense = self._account_of("expense")
        payable = self.vendor.property_account_payable_id
        self._entry((payable, self.vendor, -300), (expense, self._nobody, 300))  # more is owed
        self._paid(partner=self.new_vendor)  # nothing of theirs is held
        entry = self._paid(partner=self.new_vendor)
        entry._reverse_moves([{"date": fields.Date.today()}], cancel=True)
        self.assertFalse(self._cases())

    def test_what_pretends_to_be_booked_by_odoo(self):
        self._held_bill()
        expense = self._account_of("expense")
        nothing = self._entry((expense, self._nobody, 10), (expense, self._nobody, -10))
        for number, values in enumerate(
            ({"journal_id": self.company.currency_exchange_journal_id.id}, {"reversed_entry_id": nothing.id}), 1
        ):
            with self.subTest(values):
                self._paid(**values)
                self.assertEqual(len(self._cases()), number)

    def test_a_correction_pays_nothing(self):
        expense, payable = self._account_of("expense"), self.vendor.property_account_payable_id
        owed = self._entry((payable, self.vendor, -300), (expense, self._nobody, 300))
        self._held_bill()
        owed._reverse_moves([{"date": fields.Date.today()}], cancel=True)
        self.assertFalse(self._cases())

    def test_released_bills_are_entered_as_before(self):
        bill = self._posted_bill()
        entry = self._paid()
        payable = (bill | entry).line_ids.filtered(lambda line: line.account_id.account_type == "liability_payable")
        payable.reconcile()
        self._commit()
        self.assertFalse(self._cases())
        self.assertIn(bill.payment_state, ("paid", "in_payment"))

    def test_held_after_it_was_booked(self):
        """The nightly control looks again."""
        self._paid()
        self.assertFalse(self._cases())
        self._held_bill()
        self.env["distribution.approval.control"]._cron_find_ungated()
        self.assertEqual(len(self._cases()), 1)

    def test_without_governance_nobody_looks(self):
        self._held_bill()
        self._ungovern()
        self._paid()
        self.assertFalse(self._cases())

    # ------------------------------------------------------------------ relatives

    def _branch(self):
        self.vendor.is_company = True
        return self.env["res.partner"].create(
            {"name": "Branch Company", "is_company": True, "parent_id": self.vendor.id, "supplier_rank": 1}
        )

    def test_payment_to_a_company_of_the_group(self):
        branch = self._branch()
        self.assertEqual(branch.commercial_partner_id, branch)
        self._held_bill()
        payment = self._payment(1000, partner=branch)
        payment.action_post()
        self._commit()
        case = self._cases()
        self.assertEqual((len(case), case.res_model, case.res_id), (1, "account.payment", payment.id))
        self.assertTrue(payment._approval_is_guarded(), "it may be their own business: not refused")

    def test_payment_to_the_parent(self):
        branch = self._branch()
        bill = self._bill(partner_id=branch.id)
        bill.action_post()
        self.assertEqual(bill.approval_state, "pending")
        self._payment(1000).action_post()
        self.assertEqual(len(self._cases()), 1)

    def test_bills_of_the_relative_are_paid_without_a_word(self):
        branch = self._branch()
        self._held_bill()
        bill = self._bill(self._ordered(10, vendor=branch))
        bill.action_post()
        self.assertEqual(bill.state, "posted")
        self._register(bill)
        self._commit()
        self.assertFalse(self._cases())

    # -------------------------------------------------------------------- cost

    def _cost(self, records, look):
        """Queries of ``look(records)``; what it finds was reported before."""
        look(records)
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        look(records)
        self.env.flush_all()
        return self.cr.sql_log_count - before

    def _somebody_else(self):
        return self.env["res.partner"].create({"name": "Somebody Else", "is_company": True, "supplier_rank": 1})

    def _payments(self, count, partners):
        payments = self.env["account.payment"].union(
            *(self._payment(10 + number, partner=partners[number % len(partners)]) for number in range(count))
        )
        payments.sudo().action_post()
        return payments.sudo()

    def test_payments_cost_no_more_queries_in_a_batch(self):
        branch = self._branch()
        few, many = (self._payments(count, [branch, self.new_vendor]) for count in (2, 12))

        def look(payments):
            payments._approval_report_relatives()

        self.assertEqual(self._cost(few, look), self._cost(many, look), "where nothing is held")
        self._held_bill(partner_id=self._somebody_else().id)
        self.assertEqual(self._cost(few, look), self._cost(many, look), "where others are held")
        self.assertFalse(self._cases())

    def test_entries_cost_no_more_queries_in_a_batch(self):
        """The nightly control looks at many: some pay, some do not, some are of others."""
        payable = self.vendor.property_account_payable_id
        expense = self._account_of("expense")
        entries = self.env["account.move"]
        for number in range(50):
            kinds = (
                lambda: self._paid(),
                lambda: self._entry((payable, self.vendor, -300), (expense, self._nobody, 300)),
                lambda: self._paid(partner=self.new_vendor),
            )
            entries |= kinds[number % 3]()
        self.assertFalse(self._cases(), "nothing is held yet")
        self._held_bill()
        self._held_bill(partner_id=self._somebody_else().id)

        def look(moves):
            moves._approval_look_at_entries()

        self.assertEqual(self._cost(entries[:3], look), self._cost(entries, look))
        self.assertEqual(len(self._cases()), 17, "and each that pays is reported")
