"""Vendor onboarding: a new vendor is approved once, by its release, and nothing goes through before."""

import base64
from contextlib import suppress

from odoo import Command
from odoo.exceptions import RedirectWarning
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.distribution_core.compat import PURCHASE_CONFIRMED_STATES
from odoo.addons.distribution_core.tests.saved_meanwhile import saved_meanwhile

from .bill_case import BillCase


class OnboardingCase(BillCase):
    """Small vendors with a registration pass; compliance approves the others; a shared bank account is refused."""

    document_type = "vendor_onboarding"

    @classmethod
    def _rules(cls):
        return [
            ("Shared account", "refuse", [("shared_bank_account", "is_true")], []),
            ("Small", "pass", [("amount", "le", "1000"), ("no_documents", "is_false")], []),
            ("Above 1,000", "require", [("amount", "gt", "1000")], ["Compliance"]),
            ("No documents", "require", [("no_documents", "is_true")], ["Compliance"]),
            ("Tax ID in use", "require", [("duplicate_tax_id", "is_true")], ["Compliance", "Finance"]),
        ]

    @classmethod
    def _make_goods(cls):
        super()._make_goods()
        cls.foreign_account.unlink()
        cls.fresh = cls.env["res.partner"].create({"name": "Fresh Vendor", "is_company": True, "supplier_rank": 1})
        cls.vendor_manager = new_test_user(
            cls.env,
            login="t_vendor_manager",
            groups="base.group_user,base.group_partner_manager,distribution_core.group_vendor_manager",
        )

    def _onboarding(self, user=None, vendor=None, documents=("registration",), **values):
        return (
            self.env["distribution.vendor.onboarding"]
            .with_user(user or self.buyer)
            .create(
                {
                    "partner_id": (vendor or self.fresh).id,
                    "amount": 5000,
                    "category_ids": [Command.set(self.category.ids)],
                    "document_ids": [
                        Command.create({"kind": kind, "content": base64.b64encode(kind.encode()), "filename": "a.txt"})
                        for kind in documents
                    ],
                    **values,
                }
            )
        )

    def _held_onboarding(self, **values):
        onboarding = self._onboarding(**values)
        onboarding.action_submit()
        self.assertEqual((onboarding.state, onboarding.approval_state), ("to_approve", "pending"))
        return onboarding

    def _approve(self, onboarding):
        self._decide(onboarding, "Compliance", self.compliance)
        self.assertTrue(self._resume(onboarding))
        return onboarding

    def assertNotApproved(self, vendor):
        vendor.invalidate_recordset()
        self.assertNotEqual(vendor.vendor_status, "approved")


@tagged("post_install", "-at_install")
class TestVendorOnboarding(OnboardingCase):
    def test_small_vendor_passes(self):
        onboarding = self._onboarding(amount=500, risk_tier="low")
        self.assertTrue(onboarding.name.startswith("VO"))
        onboarding.action_submit()
        self.assertEqual((onboarding.state, onboarding.approval_state), ("approved", "passed"))
        self.assertEqual((self.fresh.vendor_status, self.fresh.vendor_risk_tier), ("approved", "low"))
        self._commit()

    def test_compliance_approves(self):
        onboarding = self._held_onboarding()
        self.assertNotApproved(self.fresh)
        self.assertEqual(onboarding.with_user(self.compliance).document_ids.kind, "registration")
        self._approve(onboarding)
        self.assertEqual((onboarding.state, self.fresh.vendor_status), ("approved", "approved"))
        self._commit()

    def test_asked_beforehand(self):
        """By a server action: nothing is approved by asking, and what passes goes on by the usual button."""
        small, large = self._onboarding(amount=500, risk_tier="low"), self._onboarding(vendor=self.new_vendor)
        self.assertEqual((small | large)._approval_ask(), (large, small.browse()))
        self.assertEqual((small.state, large.state), ("draft", "to_approve"))
        self.assertNotApproved(self.fresh)
        self.assertNotApproved(self.new_vendor)
        self._approve(large)
        self.assertEqual((large.state, self.new_vendor.vendor_status), ("approved", "approved"))
        small.action_submit()
        self.assertEqual(small.state, "approved")
        self._commit()

    def test_rejected_vendor_stays_new(self):
        onboarding = self._held_onboarding()
        self._decide(onboarding, "Compliance", self.compliance, "reject", comment="Unknown owner")
        self.assertEqual((onboarding.state, self.fresh.vendor_status), ("draft", "new"))

    def test_shared_bank_account_is_refused(self):
        self.env["res.partner.bank"].create({"acc_number": "BE11-0001", "partner_id": self.fresh.id})
        onboarding = self._onboarding()
        onboarding.action_submit()
        self.assertEqual(onboarding.approval_state, "refused")

    def test_tax_id_in_use(self):
        self.vendor.vat = "BE 0477.472.701"
        self.fresh.vat = "BE0477472701"
        onboarding = self._held_onboarding()
        names = onboarding.sudo().approval_request_id.task_ids.mapped("name")
        self.assertEqual(sorted(set(names)), ["Compliance", "Finance"])

    def test_expired_document_is_none(self):
        onboarding = self._onboarding(amount=500)
        onboarding.document_ids.valid_until = "2020-01-31"
        onboarding.action_submit()
        self.assertEqual(onboarding.approval_state, "pending")

    def test_one_at_a_time(self):
        self._onboarding()
        with self._refused(at_once=True):
            self._onboarding()

    def test_form(self):
        with Form(self.env["distribution.vendor.onboarding"].with_user(self.buyer)) as form:
            form.partner_id = self.fresh
            form.amount = 10
        self.assertEqual(form.record.user_id, self.buyer)

    def test_without_governance_the_right_decides(self):
        self._ungovern()
        onboarding = self._onboarding(user=self.buyer)
        with self._refused(at_once=True):
            onboarding.action_submit()
        onboarding.with_user(self.vendor_manager).action_submit()
        self.assertEqual(self.fresh.vendor_status, "approved")

    # ------------------------------------------------- the first order, bill, payment

    def test_order_waits_and_goes_on(self):
        order = self._order(500, vendor=self.fresh)
        with self.assertRaises(RedirectWarning) as warning, self.env.cr.savepoint():
            order.button_confirm()
        context = warning.exception.args[3]
        action = (
            self.env["ir.actions.server"].browse(warning.exception.args[1]).with_user(self.buyer).sudo(False)
        ).with_context(**context)
        opened = action.sudo().run()
        self.assertEqual(opened["res_model"], "distribution.vendor.onboarding")
        self.assertEqual(opened["context"]["default_partner_id"], self.fresh.id)
        onboarding = self._held_onboarding(
            blocked_model=context["default_blocked_model"], blocked_id=context["default_blocked_id"]
        )
        self._approve(onboarding)
        self.assertIn(order.state, PURCHASE_CONFIRMED_STATES, "what was blocked is carried on with")

    def test_who_saves_the_order_at_the_same_moment_does_not_stop_it(self):
        """It is tried again: nobody is told that it could not be carried on with."""
        order = self._order(500, vendor=self.fresh)
        onboarding = self._held_onboarding(blocked_model="purchase.order", blocked_id=order.id)
        with saved_meanwhile(self, "purchase_order"):
            self._approve(onboarding)
        self._approve(onboarding)
        self.assertIn(order.state, PURCHASE_CONFIRMED_STATES)
        self.assertNotIn("could not be carried on", " ".join(onboarding.sudo().message_ids.mapped("body")))

    def test_carried_on_with_the_rights_of_who_asked(self):
        """Whoever names a document that they may not confirm gains nothing."""
        order = self._order(500, vendor=self.fresh)
        onboarding = self._held_onboarding(
            user=self.vendor_manager, blocked_model="purchase.order", blocked_id=order.id
        )
        self._approve(onboarding)
        self.assertEqual((onboarding.state, order.state), ("approved", "draft"))

    def test_batch_goes_on_without_the_new_vendor(self):
        orders = self._order(500, vendor=self.fresh) | self._order(500)
        orders.button_confirm()
        self.assertEqual(orders[0].state, "draft")
        self.assertIn(orders[1].state, PURCHASE_CONFIRMED_STATES)
        self.assertTrue(orders[0].onboarding_missing)

    def test_bill_waits(self):
        bill = self._bill(partner_id=self.fresh.id)
        with self._refused(at_once=True):
            bill.action_post()
        good = self._bill()
        (bill | good).action_post()
        self.assertEqual((bill.state, good.state), ("draft", "posted"))
        bill.sudo()._post(soft=False)
        self.assertEqual(bill.state, "draft")
        self._bill(partner_id=self.fresh.id, move_type="in_refund").action_post()

    def test_payment_waits(self):
        with self._refused(at_once=True):
            self._payment(100, partner=self.fresh).action_post()
        with self._refused(at_once=True):
            self._payment(100, partner=self.fresh, partner_type="customer").action_post()
        self._payment(100).action_post()
        self._payment(100, partner=self.env["res.partner"].create({"name": "C"}), partner_type="customer").action_post()
        self._payment(100, partner=self.fresh, payment_type="inbound").action_post()
        self._commit()

    def test_employees_and_the_company_are_not_onboarded(self):
        employee = self.env["hr.employee"].create({"name": "Traveller"})
        self._payment(100, partner=employee.work_contact_id).action_post()
        self._payment(100, partner=self.company.partner_id).action_post()
        self._commit()

    def test_nobody_is_asked_twice(self):
        """The order policy asks compliance about vendors that are not approved; after onboarding it does not."""
        self._approve(self._held_onboarding())
        order = self._order(500, vendor=self.fresh)
        facts = order.sudo()._approval_facts({"vendor_status"})[order.id]
        self.assertEqual(facts["vendor_status"], "approved")
        order.button_confirm()
        self.assertIn(order.state, PURCHASE_CONFIRMED_STATES)

    # ---------------------------------------------------------------- attacks

    def test_standing_by_hand(self):
        for user in (self.vendor_manager, self.env.user):
            for status in ("approved", "restricted"):
                with self.subTest(user=user.login, status=status), self._refused(at_once=True):
                    self.fresh.with_user(user).write({"vendor_status": status})
        with self._refused(at_once=True):
            self.fresh._set_vendor_standing(status="approved")
        with self._refused(at_once=True):
            self.fresh.with_user(self.vendor_manager).sudo()._onboarding_approve(self._onboarding())
        self.fresh.with_user(self.vendor_manager).write({"vendor_status": "blocked"})
        with self._refused(at_once=True):
            self.fresh.with_user(self.vendor_manager).write({"vendor_status": "restricted"})

    def test_stricter_is_always_possible(self):
        for status in ("restricted", "blocked", "new"):
            self.vendor.with_user(self.vendor_manager).write({"vendor_status": status})
            self.assertEqual(self.vendor.vendor_status, status)
        with self._refused(at_once=True):
            self.vendor.with_user(self.vendor_manager).write({"vendor_status": "approved"})

    def test_a_procedure_leaves_a_new_vendor_new(self):
        self.fresh._tighten_vendor_standing("restricted", "high")
        self.assertEqual((self.fresh.vendor_status, self.fresh.vendor_risk_tier), ("new", "high"))

    def test_created_approved(self):
        partners = self.env["res.partner"].with_user(self.vendor_manager)
        with self._refused(at_once=True):
            partners.create({"name": "X", "vendor_status": "approved"})
        with self._refused(at_once=True):
            partners.with_context(default_vendor_status="approved").create({"name": "X"})
        with self._refused(at_once=True):
            self.env["res.partner"].create([{"name": "Y"}, {"name": "X", "vendor_status": "restricted"}])

    def test_contact_that_leaves_an_approved_company(self):
        contact = self.env["res.partner"].create({"name": "Till", "parent_id": self.vendor.id})
        self.assertEqual(contact.vendor_status, "approved")
        contact.with_user(self.vendor_manager).write({"parent_id": False})
        self.assertNotApproved(contact)
        contact = self.env["res.partner"].create({"name": "Till", "parent_id": self.vendor.id})
        contact.sudo().write({"is_company": True})
        self.assertNotApproved(contact)

    def test_created_as_company_under_an_approved_one(self):
        partner = self.env["res.partner"].create(
            {"name": "X", "parent_id": self.vendor.id, "is_company": True, "vendor_status": "approved"}
        )
        self.assertNotApproved(partner)

    def test_column_written(self):
        with self._refused(at_once=True):
            self.fresh._write({"vendor_status": "approved"})

    def test_swallowed(self):
        with suppress(Exception):
            self.fresh.write({"vendor_status": "approved"})
        self.env.flush_all()
        self.assertNotApproved(self.fresh)

    def test_state_of_the_onboarding(self):
        onboarding = self._onboarding()
        with self._refused(at_once=True):
            onboarding.sudo().write({"state": "approved"})
        with self._refused(at_once=True):
            self._onboarding(vendor=self.new_vendor, state="approved")
        self.assertNotApproved(self.fresh)

    def test_other_vendor_after_approval(self):
        onboarding = self._held_onboarding()
        self._decide(onboarding, "Compliance", self.compliance)
        other = self.env["res.partner"].create({"name": "Other", "is_company": True})
        onboarding.sudo().write({"partner_id": other.id})
        self._resume(onboarding)
        self.assertNotApproved(other)
        self.assertNotApproved(self.fresh)

    def test_released_once(self):
        """A vendor that lost its standing is onboarded again; the old release does not count."""
        onboarding = self._approve(self._held_onboarding())
        self.fresh.with_user(self.vendor_manager).write({"vendor_status": "new"})
        onboarding.action_submit()
        self.assertNotApproved(self.fresh)
        with self._refused(at_once=True):
            self.fresh.with_user(self.vendor_manager).write({"vendor_status": "approved"})
        with suppress(Exception):
            self.fresh.sudo()._onboarding_approve(onboarding.sudo())
        self.assertNotApproved(self.fresh)
        again = self._held_onboarding()
        self._approve(again)
        self.assertEqual(self.fresh.vendor_status, "approved")

    def test_file_replaced_after_approval(self):
        onboarding = self._held_onboarding()
        self._decide(onboarding, "Compliance", self.compliance)
        file = (
            self.env["ir.attachment"]
            .sudo()
            .search(
                [
                    ("res_model", "=", "distribution.vendor.document"),
                    ("res_field", "=", "content"),
                    ("res_id", "in", onboarding.document_ids.ids),
                ]
            )
        )
        with self._refused(at_once=True):
            file.write({"datas": base64.b64encode(b"something else")})
        onboarding.sudo().document_ids.content = base64.b64encode(b"something else")
        self._resume(onboarding)
        self.assertNotApproved(self.fresh)

    def test_order_by_another_door(self):
        order = self._order(500, vendor=self.fresh)
        with self._refused(at_once=True):
            order.sudo().write({"state": "purchase"})
        with self._refused(at_once=True):
            self._order(500, vendor=self.fresh, state="purchase")
        with self._refused(), suppress(Exception):
            order.sudo().write({"state": "purchase"})

    def test_who_is_blocked_is_not_onboarded(self):
        onboarding = self._onboarding(vendor=self.blocked_vendor, amount=500)
        with self._refused(at_once=True):
            onboarding.action_submit()
        with self._refused(at_once=True):
            onboarding.sudo().action_submit()
        with self._refused():
            onboarding.sudo().write({"state": "approved"})
        self.assertEqual(self.blocked_vendor.vendor_status, "blocked")
        self.blocked_vendor.with_user(self.vendor_manager).write({"vendor_status": "new"})
        onboarding.action_submit()
        self.assertEqual(self.blocked_vendor.vendor_status, "approved", "a small one with its papers")

    def test_blocked_while_its_onboarding_waits(self):
        onboarding = self._held_onboarding()
        self.fresh.with_user(self.vendor_manager).write({"vendor_status": "blocked"})
        self._decide(onboarding, "Compliance", self.compliance)
        self.assertFalse(self._resume(onboarding), "approved, not released: somebody looks at it")
        self.fresh.invalidate_recordset()
        self.assertEqual(self.fresh.vendor_status, "blocked")

    def test_blocked_when_new_is_no_detour(self):
        self.fresh.with_user(self.vendor_manager).write({"vendor_status": "blocked"})
        with self._refused(at_once=True):
            self._payment(100, partner=self.fresh).action_post()
        self.vendor.with_user(self.vendor_manager).write({"vendor_status": "blocked"})
        self._payment(100).action_post()

    def test_under_another_partner(self):
        account = self.env["res.partner.bank"].create({"acc_number": "BE22 3", "partner_id": self.fresh.id})
        with self._refused(at_once=True):
            self._payment(100, partner_bank_id=account.id).action_post()

    def test_only_its_people_write(self):
        onboarding = self._onboarding()
        for user in (self.employee, self.finance, self.auditor):
            with self.subTest(user.login), self._refused(at_once=True):
                onboarding.with_user(user).write({"amount": 1})
