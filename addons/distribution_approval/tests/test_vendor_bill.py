"""Vendor bills: what passes, what is held and for whom, and that work goes on."""

from unittest.mock import patch

from odoo import Command, fields
from odoo.tests import tagged

from .bill_case import BillCase


@tagged("post_install", "-at_install")
class TestVendorBill(BillCase):
    def _facts(self, bill, *names):
        facts = bill.sudo()._approval_facts(set(names))[bill.id]
        return tuple(facts[name] for name in names)

    def _stages(self, bill):
        return sorted(bill.sudo().approval_request_id.task_ids.mapped("name"))

    # ---------------------------------------------------------------- verdicts

    def test_matching_bill_passes(self):
        bill = self._posted_bill()
        self.assertEqual(len(self._releases(bill)), 1)
        self._commit()

    def test_dearer_than_ordered(self):
        bill = self._bill(self._ordered(100, 10), price=11)
        bill.action_post()
        self.assertEqual((bill.state, bill.approval_state), ("draft", "pending"))
        self.assertEqual(self._stages(bill), ["Purchasing"])
        self.assertEqual(self._facts(bill, "order_variance", "order_variance_percent"), (100, 10))
        self.assertEqual(self._facts(bill, "receipt_variance"), (0,))

    def test_within_tolerance_of_the_policy(self):
        bill = self._bill(self._ordered(100, 10), price=10.2)
        bill.action_post()
        self.assertEqual(bill.state, "posted")

    def test_not_received(self):
        bill = self._bill(self._ordered(100, 10, received=60))
        bill.action_post()
        self.assertEqual(self._stages(bill), ["Operations"])
        self.assertEqual(self._facts(bill, "receipt_variance", "receipt_variance_percent"), (400, 40))

    def test_received_quantity_comes_from_the_goods(self):
        """The stored received quantity can be written; the movements cannot."""
        order = self._ordered(100, 10, received=60)
        order.order_line.with_user(self.clerk).write({"qty_received": 100})
        bill = self._bill(order)
        bill.action_post()
        self.assertEqual(bill.approval_state, "pending")

    def test_receipt_that_makes_it_match(self):
        order = self._ordered(100, 10, received=60)
        bill = self._bill(order)
        bill.action_post()
        self._receive(order, 40)
        self.env["account.move"]._cron_approval_judge_held()
        self.assertEqual(bill.approval_state, "approved")
        self.assertTrue(self._resume(bill))
        self.assertEqual(bill.state, "posted")

    def test_service_is_billed_as_ordered(self):
        order = self._ordered(5, 100, product=self.service)
        bill = self._bill(order)
        bill.action_post()
        self.assertEqual(bill.state, "posted")

    def test_billed_twice(self):
        order = self._ordered(100, 10)
        self._bill(order, quantity=70).action_post()
        second = self._bill(order, quantity=40)
        second.action_post()
        self.assertEqual(self._facts(second, "order_variance", "receipt_variance"), (100, 100))
        self.assertEqual(self._stages(second), ["Operations", "Purchasing"])

    def test_billed_twice_in_one_batch(self):
        order = self._ordered(100, 10)
        bills = self._bill(order, quantity=70) | self._bill(order, quantity=60)
        bills.action_post()
        self.assertEqual(bills.mapped("state"), ["posted", "draft"])

    def test_refund_gives_room(self):
        order = self._ordered(100, 10)
        self._bill(order).action_post()
        self._bill(order, quantity=30, move_type="in_refund").action_post()
        again = self._bill(order, quantity=30)
        again.action_post()
        self.assertEqual(self._facts(again, "order_variance"), (0,))

    def test_without_order(self):
        bill = self._held_bill()
        self.assertEqual(self._stages(bill), ["Finance"])
        self.assertEqual(self._facts(bill, "without_order", "value_without_order"), (True, 1000))

    def test_other_vendors_order(self):
        bill = self._bill(self._ordered(100, 10, vendor=self.new_vendor), partner_id=self.vendor.id)
        bill.action_post()
        self.assertIn("Finance", self._stages(bill))

    def test_duplicate_reference(self):
        bill = self._posted_bill(ref="RE-2024/0017")
        for ref in ("RE-2024/0017", "re 2024 17", "RE2024-17", "re_2024_O017"):
            again = self._bill(self._ordered(50), ref=ref)
            again.action_post()
            self.assertEqual(again.approval_state, "pending", ref)
            again.button_cancel()
        other = self._bill(self._ordered(50), ref="RE-2024/0018")
        other.action_post()
        self.assertEqual((bill.state, other.state), ("posted", "posted"))

    def test_duplicate_amount_and_date(self):
        self._posted_bill(quantity=77)
        again = self._bill(self._ordered(77))
        again.action_post()
        self.assertEqual(self._facts(again, "duplicate_amount", "duplicate_reference"), (True, False))

    def test_a_forged_total_hides_no_duplicate(self):
        bill = self._posted_bill(quantity=77)
        again = self._bill(self._ordered(77))
        bill.sudo().write({"amount_total": 1})
        again.write({"amount_total": 2})
        self._commit()
        again.action_post()
        self.assertEqual(self._facts(again, "duplicate_amount", "duplicate_reference"), (True, False))

    def test_of_two_drafts_the_later_is_the_duplicate(self):
        first = self._bill(self._ordered(10), ref="X-1")
        second = self._bill(self._ordered(20), ref="x1")
        first.action_post()
        second.action_post()
        self.assertEqual((first.state, second.state), ("posted", "draft"))

    def test_foreign_bank_account_is_refused(self):
        bill = self._bill(self._ordered(), partner_bank_id=self.foreign_account.id)
        bill.action_post()
        self.assertEqual((bill.state, bill.approval_state), ("draft", "refused"))
        self.assertNotIn("6666 ", str(bill.sudo().approval_request_id.content_text))
        self.assertNotIn("BE99", str(bill.sudo().approval_request_id.content_text))

    def test_tax_beyond_the_order(self):
        tax = self.env["account.tax"].create({"name": "20", "amount": 20, "type_tax_use": "purchase"})
        order = self._ordered()
        bill = self._bill(order)
        bill.invoice_line_ids.write({"tax_ids": [Command.set(tax.ids)]})
        self.assertEqual(self._facts(bill, "tax_difference", "amount"), (200, 1200))
        bill.action_post()
        self.assertEqual(self._stages(bill), ["Finance"])

    def test_foreign_currency(self):
        currency = self.env["res.currency"].with_context(active_test=False).search([("name", "=", "CHF")])
        currency.active = True
        currency.rate_ids.unlink()
        self.env["res.currency.rate"].create(
            {"currency_id": currency.id, "rate": 2, "name": fields.Date.today(), "company_id": self.company.id}
        )
        order = self._ordered(100, 10, currency_id=currency.id)
        bill = self._bill(order, price=11, currency_id=currency.id)
        self.assertEqual(self._facts(bill, "amount", "order_variance"), (550, 50))

    # ------------------------------------------------------------------ flow

    def test_approval_posts_the_bill(self):
        bill = self._approved_bill()
        self.assertTrue(bill.name.startswith("BILL"))
        self._commit()

    def test_rejected_stays_a_draft(self):
        bill = self._held_bill()
        self._decide(bill, "Finance", self.finance, "reject", comment="Never ordered")
        self.assertEqual((bill.state, bill.approval_state), ("draft", "rejected"))

    def test_batch_goes_on(self):
        good = self._bill(self._ordered(30)) | self._bill(self._ordered(40))
        held = self._bill()
        (good[0] | held | good[1]).action_post()
        self.assertEqual((good.mapped("state"), held.state), (["posted", "posted"], "draft"))

    def test_edit_while_waiting_asks_again(self):
        bill = self._held_bill()
        bill.invoice_line_ids.write({"price_unit": 20})
        self.assertEqual(bill.sudo().approval_request_id.round, 2)
        bill.write({"narration": "no matter"})
        self.assertEqual(bill.sudo().approval_request_id.round, 2)

    def test_reset_to_draft_voids(self):
        bill = self._approved_bill()
        bill.button_draft()
        self.assertEqual(bill.approval_state, "void")
        self.assertFalse(self._releases(bill))
        bill.action_post()
        self.assertEqual((bill.state, bill.approval_state), ("draft", "pending"))

    def test_auto_posting_skips_what_is_held(self):
        held, good = self._bill(), self._bill(self._ordered(70))
        (held | good).write({"auto_post": "at_date"})
        # 19.0 commits after each batch, which a test must not.
        with patch.object(type(self.env["ir.cron"]), "_commit_progress", create=True):
            self.env["account.move"]._autopost_draft_entries()
        self.assertEqual((held.state, held.approval_state), ("draft", "pending"))
        self.assertEqual(good.state, "posted")
        self.assertEqual(held.auto_post, "no", "the request posts it now, not the scheduled job")

    def test_future_bill_is_judged_when_it_is_posted(self):
        later = fields.Date.add(fields.Date.today(), days=40)
        bill = self._bill(date=later, invoice_date=later)
        bill.sudo()._post(soft=True)
        self.assertEqual((bill.state, bill.approval_state, bill.auto_post), ("draft", False, "at_date"))

    def test_normal_work_after_posting(self):
        bill = self._posted_bill()
        bill.write({"narration": "x", "invoice_date_due": fields.Date.add(fields.Date.today(), days=3)})
        payment = self._register(bill)
        self.assertTrue(payment)
        self.assertIn(bill.payment_state, ("paid", "in_payment"))
        self._commit()
        self.assertEqual(bill.approval_state, "passed")

    def test_people_read_what_they_judge(self):
        bill = self._held_bill()
        self.assertEqual(bill.with_user(self.finance).ref, bill.ref)
        self.assertTrue(bill.with_user(self.finance).invoice_line_ids.mapped("price_unit"))
        self.assertTrue(bill.with_user(self.other_clerk).sudo(False).approval_request_id.rule_text)
        self.assertTrue(bill.sudo().approval_request_id._document()._approval_standing(bill.sudo().approval_request_id))

    def test_nothing_changes_without_governance(self):
        self._ungovern()
        bill = self._bill()
        bill.action_post()
        self.assertEqual((bill.state, bill.approval_state), ("posted", False))
        self._register(bill)
        self._commit()


@tagged("post_install", "-at_install")
class TestVendorBillQueries(BillCase):
    """Judging bills takes a fixed number of queries, whatever their number."""

    def _bills(self, count):
        """Matching bills of as many orders."""
        orders = [self._ordered(quantity=10 + number) for number in range(count)]
        return self.env["account.move"].union(*(self._bill(order) for order in orders))

    def _post_cold(self, bills):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        bills.with_user(self.clerk).action_post()
        self.env.flush_all()
        self.assertEqual(set(bills.mapped("state")), {"posted"})
        return self.cr.sql_log_count - before

    def test_posting(self):
        bills = self._bills(44)
        self._post_cold(bills[0])
        one, twenty = self._post_cold(bills[1]), self._post_cold(bills[2:22])
        self._ungovern()
        self._post_cold(bills[22])
        plain_one, plain_twenty = self._post_cold(bills[23]), self._post_cold(bills[24:44])
        self.assertLessEqual(one - plain_one, 30, f"{one} queries instead of {plain_one}")
        self.assertLessEqual(
            twenty - plain_twenty, one - plain_one + 4, f"{twenty} queries instead of {plain_twenty}, for twenty"
        )

    def test_entries_cost_nothing(self):
        """Customer invoices and other entries never ask for anything."""
        invoices = self.env["account.move"].create(
            [
                {
                    "move_type": "out_invoice",
                    "partner_id": self.vendor.id,
                    "invoice_line_ids": [Command.create({"name": "x", "quantity": 1, "price_unit": 10})],
                }
                for _number in range(4)
            ]
        )

        def post(invoice):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            invoice.action_post()
            self.env.flush_all()
            return self.cr.sql_log_count - before

        post(invoices[0])
        governed = post(invoices[1])
        self._ungovern()
        post(invoices[2])
        self.assertLessEqual(governed, post(invoices[3]))


@tagged("post_install", "-at_install")
class TestVendorBillBaseline(BillCase):
    """Bills that were posted before governance are in its baseline."""

    @classmethod
    def _govern(cls):
        cls.old = cls._bill(cls)
        cls.old.action_post()
        super()._govern()

    def test_baseline(self):
        self.assertEqual((self.old.state, self.old.approval_state), ("posted", "baseline"))
        self._register(self.old)
        self._commit()

    def test_baseline_holds_the_content(self):
        with self._refused(at_once=True):
            self.old.write({"partner_bank_id": self.foreign_account.id})

    def test_quantities_and_prices_as_people_write_them(self):
        order = self._ordered(100, price=10.125, received=65)
        bill = self._bill(order, quantity=100, price=11)
        (words,) = bill._approval_match_words()
        unit = self.product.uom_id.name
        self.assertEqual(
            (words["quantity"], words["ordered"], words["received"]), (f"100 {unit}", f"100 {unit}", f"65 {unit}")
        )
        self.assertIn("11.00", words["price"])
        self.assertIn("10.13" if order.order_line.price_unit == 10.13 else "10.125", words["ordered_price"])
        bill.action_post()
        standing = str(bill.sudo().approval_request_id.task_ids[:1].with_user(self.manager).standing)
        self.assertIn(f"65 {unit}", standing)
        self.assertNotIn("000000", standing)

    def test_a_quantity_has_no_more_decimals_than_its_unit(self):
        unit = self.product.uom_id
        bill = self._bill(self._ordered(2, price=10))
        bill.write({"invoice_line_ids": [Command.update(bill.invoice_line_ids.id, {"quantity": 1.5})]})
        (words,) = bill._approval_match_words()
        self.assertEqual(words["quantity"], f"1.5 {unit.name}")
