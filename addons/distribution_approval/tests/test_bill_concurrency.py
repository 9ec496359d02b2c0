"""Bills, payments and changes of vendors at the same instant, on connections of their own."""

from unittest.mock import patch

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tests.common import tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.compat import LINE_UOM
from odoo.addons.distribution_core.tests.committed_case import MEETINGS

from .document_concurrency_case import DocumentConcurrencyCase

CLERK = "account.group_account_invoice,purchase.group_purchase_user,base.group_partner_manager"
OLD_VAT, NEW_VAT, OTHER_VAT = "US310884211", "US310884217", "US310884219"


class PayableConcurrencyCase(DocumentConcurrencyCase):
    """The company of the purchase tests keeps books; clerks enter bills and the master data of vendors."""

    more_people = dict.fromkeys(("clerk", "other_clerk"), CLERK)

    @classmethod
    def _make_goods(cls, env, company):
        env["account.chart.template"].try_loading("generic_coa", company, install_demo=False)


@tagged("post_install", "-at_install")
class TestBillConcurrency(PayableConcurrencyCase):
    @classmethod
    def _govern_more(cls, env):
        service = env["product.product"].create(
            {
                "name": f"Service {cls.company_id}",
                "type": "service",
                "purchase_method": "purchase",
                "supplier_taxes_id": False,
            }
        )
        cls.service_id, cls.service_uom_id = service.id, service.uom_id.id
        cls._publish(
            env,
            "vendor_bill",
            ("Matches", "pass", ("order_variance", "le", "0")),
            ("Beyond", "require", ("order_variance", "gt", "0")),
        )

    def _ordered(self):
        """Id of the line of a confirmed order for 10 at 10."""
        vendor_id = self._new_vendor()
        with self.transaction("buyer") as env:
            order = env["purchase.order"].create(
                {
                    "partner_id": vendor_id,
                    "order_line": [
                        Command.create(
                            {
                                "product_id": self.service_id,
                                "product_qty": 10,
                                "price_unit": 10,
                                LINE_UOM: self.service_uom_id,
                            }
                        )
                    ],
                }
            )
            order.button_confirm()
            self.assertEqual(order.state, "purchase", "within the purchase policy of this company")
            return order.order_line.id

    def _bill(self, line_id, quantity, reference):
        """Id of a committed draft bill for part of the order."""
        with self.transaction("clerk") as env:
            line = env["purchase.order.line"].browse(line_id)
            return (
                env["account.move"]
                .create(
                    {
                        "move_type": "in_invoice",
                        "partner_id": line.order_id.partner_id.id,
                        "invoice_date": fields.Date.today(),
                        "ref": reference,
                        "invoice_line_ids": [
                            Command.create(
                                {
                                    "product_id": line.product_id.id,
                                    "quantity": quantity,
                                    "price_unit": 10,
                                    "purchase_line_id": line.id,
                                    "tax_ids": [Command.clear()],
                                }
                            )
                        ],
                    }
                )
                .id
            )

    def _post(self, bill_id, who="clerk"):
        return self._press("account.move", bill_id, "action_post", who)

    def test_two_bills_for_one_order_take_turns(self):
        line_id = self._ordered()
        bills = [self._bill(line_id, 7, "A-1"), self._bill(line_id, 8, "B-2")]
        self._at_once(self._post(bills[0]), self._post(bills[1], "other_clerk"))
        with self.transaction() as env:
            moves = env["account.move"].browse(bills)
            self.assertEqual(sorted(moves.mapped("state")), ["draft", "posted"])
            held = moves.filtered(lambda bill: bill.state == "draft")
            self.assertEqual(held.approval_state, "pending", "it saw the other one")

    def test_posting_a_bill_twice(self):
        bill_id = self._bill(self._ordered(), 10, "C-3")
        self._at_once(self._post(bill_id), self._post(bill_id, "other_clerk"))
        with self.transaction() as env:
            bill = env["account.move"].browse(bill_id)
            self.assertEqual((bill.state, bill.approval_state), ("posted", "passed"))
            self.assertReleasedAsItIs(bill)

    def test_posting_against_an_edit(self):
        bill_id = self._bill(self._ordered(), 10, "D-4")

        def dearer(env):
            bill = env["account.move"].browse(bill_id)
            bill.write({"invoice_line_ids": [Command.update(bill.invoice_line_ids.id, {"price_unit": 99})]})

        self._at_once(self._post(bill_id), ("other_clerk", dearer))
        with self.transaction() as env:
            bill = env["account.move"].browse(bill_id)
            if bill.state == "posted":
                self.assertReleasedAsItIs(bill)
                self.assertEqual(bill.invoice_line_ids.price_unit, 10)
            else:
                self.assertEqual((bill.approval_state, bill.invoice_line_ids.price_unit), ("pending", 99))

    def test_deciding_against_an_edit(self):
        line_id = self._ordered()
        bill_id = self._bill(line_id, 15, "E-5")
        with self.transaction("clerk") as env:
            env["account.move"].browse(bill_id).action_post()
        with self.transaction() as env:
            task_id = self._task_of(env["account.move"].browse(bill_id))

        def more(env):
            bill = env["account.move"].browse(bill_id)
            bill.write({"invoice_line_ids": [Command.update(bill.invoice_line_ids.id, {"quantity": 500})]})

        self._at_once(("manager", self._decide(task_id)), ("clerk", more))
        with self.transaction() as env:
            bill = env["account.move"].browse(bill_id)
            if bill.state == "posted":
                self.assertEqual(bill.invoice_line_ids.quantity, 15, "what was approved")
            else:
                self.assertFalse(env["distribution.approval.release"]._valid_for(bill).get(bill_id))

    def test_who_works_on_a_held_bill_at_the_same_moment_does_not_stop_the_job(self):
        """Another bill is cancelled, so that this one matches: it is released, whoever writes a note on it."""
        line_id = self._ordered()
        first_id, held_id = self._bill(line_id, 7, "J-1"), self._bill(line_id, 8, "J-2")
        for bill_id in (first_id, held_id):
            with self.transaction("clerk") as env:
                env["account.move"].browse(bill_id).action_post()
        with self.transaction() as env:
            first, held = env["account.move"].browse((first_id, held_id))
            self.assertEqual((first.state, held.state, held.approval_state), ("posted", "draft", "pending"))
            first.button_draft()
            first.button_cancel()
        moves = self.registry["account.move"]
        request_of, met = moves._approval_release_request, []

        def meets(bill):
            if bill.id == held_id and not met:
                met.append(True)
                with self.transaction() as other:
                    other["account.move"].browse(held_id).narration = "Asked the vendor."
            return request_of(bill)

        meeting = patch.object(moves, "_approval_release_request", meets)
        with meeting, mute_logger(*MEETINGS), self.transaction() as env:
            env["account.move"]._cron_approval_judge_held(commit=True)
        self.assertTrue(met)
        with self.transaction() as env:
            held = env["account.move"].browse(held_id)
            self.assertEqual((held.state, held.approval_state), ("posted", "released"))
            self.assertIn("Asked the vendor.", held.narration)

    def test_paying_one_bill_twice_while_another_is_held(self):
        line_id = self._ordered()
        bill_id = self._bill(line_id, 10, "F-6")
        with self.transaction("clerk") as env:
            env["account.move"].browse(bill_id).action_post()
        held_id = self._bill(line_id, 10, "F-7")
        with self.transaction("clerk") as env:
            env["account.move"].browse(held_id).action_post()
            self.assertEqual(env["account.move"].browse(held_id).approval_state, "pending")

        def pay(env):
            wizard = env["account.payment.register"].with_context(active_model="account.move", active_ids=[bill_id])
            wizard.create({})._create_payments()

        results = self._at_once(("clerk", pay), ("other_clerk", pay))
        self.assertEqual(len([result for result in results if isinstance(result, UserError)]), 1, results)
        with self.transaction() as env:
            vendor = env["account.move"].browse(bill_id).partner_id
            payments = env["account.payment"].search([("partner_id", "=", vendor.id)])
            self.assertEqual([payment.amount for payment in payments if payment._approval_is_guarded()], [100])

    def test_direct_payment_while_a_bill_becomes_held(self):
        """Whoever comes second meets what the first one did: the payment is refused, or it was first."""
        line_id = self._ordered()
        bill_id = self._bill(line_id, 15, "G-8")
        with self.transaction() as env:
            vendor_id = env["purchase.order.line"].browse(line_id).order_id.partner_id.id

        def pay(env):
            journal = env["account.journal"].search([("type", "=", "bank"), ("company_id", "=", self.company_id)])[:1]
            payment = env["account.payment"].create(
                {
                    "payment_type": "outbound",
                    "partner_type": "supplier",
                    "partner_id": vendor_id,
                    "amount": 150,
                    "journal_id": journal.id,
                }
            )
            payment.action_post()
            return payment.id

        self._at_once(self._post(bill_id), ("other_clerk", pay))
        with self.transaction() as env:
            self.assertEqual(env["account.move"].browse(bill_id).approval_state, "pending")
            with self.assertRaises(UserError):
                pay(env(user=self.people["other_clerk"]))
            env.cr.rollback()


@tagged("post_install", "-at_install")
class TestVendorChangeConcurrency(PayableConcurrencyCase):
    @classmethod
    def _govern_more(cls, env):
        env["res.partner"].browse(cls.vendor_id).write({"is_company": True, "vat": OLD_VAT, "supplier_rank": 1})
        cls._publish(
            env,
            "vendor_change",
            ("Confirmed by call", "pass", ("called_back", "is_true", False)),
            ("Not confirmed", "require", ("called_back", "is_false", False)),
            ("One after the other", "require", ("other_changes", "ge", "3")),
        )

    def _vendor(self):
        with self.transaction() as env:
            vendor = env["res.partner"].create({"name": "Vendor", "is_company": True, "supplier_rank": 1})
            vendor.country_id = env.ref("base.us")
            change = env["distribution.vendor.change"].create(
                {"partner_id": vendor.id, "kind": "vat", "new_vat": OLD_VAT, "reason": "x", "called_back": True}
            )
            change.company_id = self.company_id
            change.action_propose()
            self.assertEqual((vendor.vat, change.state), (OLD_VAT, "applied"))
            return vendor.id

    def _proposed(self, vendor_id, vat):
        """(change id, task id) of a proposal that waits."""
        with self.transaction("clerk") as env:
            change = env["distribution.vendor.change"].create(
                {"partner_id": vendor_id, "kind": "vat", "new_vat": vat, "reason": "They wrote"}
            )
            change.action_propose()
            self.assertEqual(change.approval_state, "pending")
            change_id = change.id
        with self.transaction() as env:
            return change_id, self._task_of(env["distribution.vendor.change"].browse(change_id))

    def _approved(self, vendor_id, vat):
        """(change id, request id) of a proposal that is approved and not in force yet."""
        change_id, task_id = self._proposed(vendor_id, vat)
        with (
            patch.object(self.registry["distribution.approval.request"], "_resume_after_commit", lambda _request: None),
            self.transaction("manager") as env,
        ):
            self._decide(task_id)(env)
        with self.transaction() as env:
            return change_id, env["distribution.vendor.change"].browse(change_id).approval_request_id.id

    def _resume(self, request_id):
        return self._press("distribution.approval.request", request_id, "_resume", None)

    def _applied(self, env, vendor_id):
        """Notes of what approved changes brought into force for the vendor, beside the first."""
        return (
            env["distribution.vendor.value"].search_count(
                [("res_model", "=", "res.partner"), ("res_id", "=", vendor_id), ("kind", "=", "approved")]
            )
            - 1
        )

    def test_brought_into_force_twice(self):
        vendor_id = self._vendor()
        change_id, request_id = self._approved(vendor_id, NEW_VAT)
        self._at_once(self._resume(request_id), self._resume(request_id))
        with self.transaction() as env:
            self.assertEqual(env["distribution.vendor.change"].browse(change_id).state, "applied")
            self.assertEqual(env["res.partner"].browse(vendor_id).vat, NEW_VAT)
            self.assertEqual(self._applied(env, vendor_id), 1)

    def test_brought_into_force_while_it_is_edited(self):
        vendor_id = self._vendor()
        change_id, request_id = self._approved(vendor_id, NEW_VAT)

        def edit(env):
            env["distribution.vendor.change"].browse(change_id).new_vat = OTHER_VAT

        self._at_once(self._resume(request_id), ("clerk", edit))
        with self.transaction() as env:
            change = env["distribution.vendor.change"].browse(change_id)
            vat = env["res.partner"].browse(vendor_id).vat
            if change.state == "applied":
                self.assertEqual((change.new_vat, vat), (NEW_VAT, NEW_VAT))
            else:
                self.assertEqual((change.new_vat, vat), (OTHER_VAT, OLD_VAT), "asked again, nothing in force")
                self.assertEqual(change.approval_state, "pending")

    def test_decided_while_it_is_edited(self):
        vendor_id = self._vendor()
        change_id, task_id = self._proposed(vendor_id, NEW_VAT)

        def edit(env):
            env["distribution.vendor.change"].browse(change_id).new_vat = OTHER_VAT

        self._at_once(("manager", self._decide(task_id)), ("clerk", edit))
        with self.transaction() as env:
            self.assertIn(env["res.partner"].browse(vendor_id).vat, (OLD_VAT, NEW_VAT), "never what nobody saw")

    def test_two_changes_of_one_value(self):
        """Both were approved for the value that was in force: the second one is proposed again."""
        vendor_id = self._vendor()
        proposals = [self._approved(vendor_id, NEW_VAT), self._approved(vendor_id, OTHER_VAT)]
        self._at_once(*(self._resume(request_id) for _change_id, request_id in proposals))
        with self.transaction() as env:
            changes = env["distribution.vendor.change"].browse(change_id for change_id, _request in proposals)
            self.assertEqual(sorted(changes.mapped("state")), ["applied", "to_approve"])
            applied = changes.filtered(lambda change: change.state == "applied")
            self.assertEqual(env["res.partner"].browse(vendor_id).vat, applied.new_vat)
            self.assertEqual(self._applied(env, vendor_id), 1)

    def test_changes_at_the_same_instant_add_up(self):
        """The third within policy, the fourth not: of two at once one sees the other."""
        vendor_id = self._vendor()

        def change(vat):
            def propose(env):
                proposal = env["distribution.vendor.change"].create(
                    {
                        "partner_id": vendor_id,
                        "kind": "vat",
                        "new_vat": vat,
                        "reason": "Confirmed",
                        "called_back": True,
                    }
                )
                proposal.action_propose()
                return proposal.state

            return propose

        with self.transaction("clerk") as env:
            self.assertEqual(change(NEW_VAT)(env), "applied")
        states = self._at_once(("clerk", change(OTHER_VAT)), ("other_clerk", change(OLD_VAT)))
        self.assertEqual(sorted(states), ["applied", "to_approve"])

    def test_written_by_hand_while_it_is_brought_into_force(self):
        vendor_id = self._vendor()
        _change_id, request_id = self._approved(vendor_id, NEW_VAT)

        def write(env):
            env["res.partner"].browse(vendor_id).vat = OTHER_VAT

        self._at_once(self._resume(request_id), ("clerk", write))
        with self.transaction() as env:
            self.assertEqual(env["res.partner"].browse(vendor_id).vat, NEW_VAT)


@tagged("post_install", "-at_install")
class TestOnboardingConcurrency(PayableConcurrencyCase):
    @classmethod
    def _govern_more(cls, env):
        cls._publish(
            env,
            "vendor_onboarding",
            ("Small", "pass", ("amount", "le", "1000")),
            ("Larger", "require", ("amount", "gt", "1000")),
        )

    def _newcomer(self):
        with self.transaction() as env:
            return env["res.partner"].create({"name": "Newcomer", "is_company": True, "supplier_rank": 1}).id

    def _begin(self, vendor_id, amount=500):
        def begin(env):
            return env["distribution.vendor.onboarding"].create({"partner_id": vendor_id, "amount": amount}).id

        return begin

    def test_two_begin(self):
        vendor_id = self._newcomer()
        results = self._at_once(("buyer", self._begin(vendor_id)), ("other_buyer", self._begin(vendor_id)))
        self.assertEqual(len([result for result in results if isinstance(result, UserError)]), 1, results)
        with self.transaction() as env:
            self.assertEqual(len(env["res.partner"].browse(vendor_id).onboarding_ids), 1)

    def test_two_submit(self):
        vendor_id = self._newcomer()
        with self.transaction("buyer") as env:
            onboarding_id = self._begin(vendor_id)(env)
        submit = self._press("distribution.vendor.onboarding", onboarding_id, "action_submit", "buyer")
        self._at_once(submit, submit)
        with self.transaction() as env:
            onboarding = env["distribution.vendor.onboarding"].browse(onboarding_id)
            self.assertEqual((onboarding.state, onboarding.partner_id.vendor_status), ("approved", "approved"))
            self.assertReleasedAsItIs(onboarding)

    def test_submitted_while_it_is_edited(self):
        vendor_id = self._newcomer()
        with self.transaction("buyer") as env:
            onboarding_id = self._begin(vendor_id)(env)

        def edit(env):
            env["distribution.vendor.onboarding"].browse(onboarding_id).amount = 90000

        submit = self._press("distribution.vendor.onboarding", onboarding_id, "action_submit", "buyer")
        self._at_once(submit, ("buyer", edit))
        with self.transaction() as env:
            onboarding = env["distribution.vendor.onboarding"].browse(onboarding_id)
            if onboarding.partner_id.vendor_status == "approved":
                self.assertEqual(onboarding.amount, 500)
            else:
                self.assertEqual((onboarding.approval_state, onboarding.amount), ("pending", 90000))


@tagged("post_install", "-at_install")
class TestCreditNoteConcurrency(PayableConcurrencyCase):
    @classmethod
    def _govern_more(cls, env):
        cls.customer_id = env["res.partner"].create({"name": f"Customer {cls.company_id}"}).id
        cls._publish(
            env,
            "customer_credit_note",
            ("Within the invoice", "pass", ("over_invoice", "is_false", False)),
            ("Beyond the invoice", "require", ("over_invoice", "is_true", False)),
        )

    def _credit_notes(self, *prices):
        """Ids of committed draft credit notes for one posted invoice of 100 that no order is behind."""
        line = {"name": "Maintenance", "quantity": 1, "price_unit": 100, "tax_ids": [Command.clear()]}
        with self.transaction("clerk") as env:
            invoice = env["account.move"].create(
                {
                    "move_type": "out_invoice",
                    "partner_id": self.customer_id,
                    "invoice_date": fields.Date.today(),
                    "invoice_line_ids": [Command.create(line)],
                }
            )
            invoice.action_post()
            notes = env["account.move"]
            for price in prices:
                note = invoice._reverse_moves([{"invoice_date": fields.Date.today()}])
                note.invoice_line_ids.price_unit = price
                notes |= note
            return notes.ids

    def test_two_for_one_invoice_take_turns(self):
        notes = self._credit_notes(60, 70)
        self._at_once(
            self._press("account.move", notes[0], "action_post", "clerk"),
            self._press("account.move", notes[1], "action_post", "other_clerk"),
        )
        with self.transaction() as env:
            moves = env["account.move"].browse(notes)
            self.assertEqual(sorted(moves.mapped("state")), ["draft", "posted"])
            held = moves.filtered(lambda note: note.state == "draft")
            self.assertEqual(held.credit_note_state, "pending", "it saw the other one")

    def test_two_post_one(self):
        (note_id,) = self._credit_notes(60)
        post = self._press("account.move", note_id, "action_post", "clerk")
        self._at_once(post, post)
        with self.transaction() as env:
            note = env["account.move"].browse(note_id)
            self.assertEqual(note.state, "posted")
            self.assertReleases(note.credit_note_document_ids.ensure_one(), ["policy"])
