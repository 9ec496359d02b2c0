"""Changes of vendors' master data: proposed, decided, in force; the old values hold meanwhile."""

import json

from odoo.exceptions import AccessError, RedirectWarning, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from ..engine.bank_account import normalized
from .vendor_case import BELGIAN, DUTCH, FRENCH, GERMAN, VendorCase


@tagged("post_install", "-at_install")
class TestVendorChange(VendorCase):
    def test_new_account(self):
        change = self._change("account_new", account_number=BELGIAN, new_trusted=True)
        self.assertEqual((change.state, change.approval_state), ("to_approve", "pending"))
        self.assertEqual(self.vendor.bank_ids, self.account, "the old account stays in force")
        self.assertEqual(self.vendor.vendor_change_open_count, 1)
        tasks = change.sudo().approval_request_id.task_ids
        self.assertEqual(set(tasks.mapped("name")), {"Finance", "Compliance"}, "a Belgian account of a German vendor")
        self._let_through(change, ("Finance", self.finance), ("Compliance", self.compliance))
        account = self.vendor.bank_ids - self.account
        self.assertEqual((normalized(account.acc_number), account.allow_out_payment), (normalized(BELGIAN), True))
        self.assertEqual(account.create_uid, self.clerk, "with the rights of who asked")
        self._commit()

    def test_changed_number_loses_trust(self):
        change = self._change("account_change", bank_account_id=self.account.id, account_number=FRENCH)
        self.assertEqual(normalized(self.account.acc_number), normalized(GERMAN))
        self._let_through(change, ("Finance", self.finance), ("Compliance", self.compliance))
        self.assertEqual(
            (normalized(self.account.acc_number), self.account.allow_out_payment), (normalized(FRENCH), False)
        )
        trust = self._change("account_trust", bank_account_id=self.account.id)
        self._let_through(trust, ("Finance", self.finance), ("Compliance", self.compliance))
        self.assertTrue(self.account.allow_out_payment)
        self._commit()

    def test_removal_archives(self):
        change = self._change("account_remove", bank_account_id=self.account.id)
        self.assertTrue(self.account.active)
        self._let_through(change)
        self.assertFalse(self.account.active)
        with self._refused():
            self.account.with_user(self.accountant).active = True
        back = self._change("account_new", account_number=GERMAN)
        self._let_through(back)
        self.assertTrue(self.account.active)
        self.assertFalse(self.account.allow_out_payment)

    def test_payment_terms(self):
        change = self._change("payment_terms", new_payment_term_id=self.terms_60.id)
        self.assertEqual(change.before_text, "30 days")
        self.assertEqual(self.vendor.property_supplier_payment_term_id, self.terms)
        self._let_through(change, ("Purchasing", self.manager))
        self.assertEqual(self.vendor.property_supplier_payment_term_id, self.terms_60)
        contact = self.env["res.partner"].create({"name": "Desk", "parent_id": self.vendor.id})
        self.assertEqual(contact.property_supplier_payment_term_id, self.terms_60)
        self._commit()

    def test_asked_beforehand(self):
        vat = self._change("vat", partner_id=self.new_vendor.id, new_vat="BE0477472701", propose=False)
        terms = self._change("payment_terms", new_payment_term_id=self.terms_60.id, propose=False)
        number = self._change("account_new", propose=False)
        self.assertEqual((vat | terms | number)._approval_ask(), (terms, number))
        self.assertEqual((vat.state, terms.state, number.state), ("draft", "to_approve", "draft"))
        self.assertFalse(self.new_vendor.vat)
        self.assertEqual(self.vendor.property_supplier_payment_term_id, self.terms)
        self._let_through(terms, ("Purchasing", self.manager))
        self.assertEqual(self.vendor.property_supplier_payment_term_id, self.terms_60)
        self._commit()

    def test_vat_within_policy_takes_effect_at_once(self):
        change = self._change("vat", partner_id=self.new_vendor.id, new_vat="BE0477472701")
        self.assertEqual((change.state, change.approval_state), ("applied", "passed"))
        self.assertEqual(self.new_vendor.vat, "BE0477472701")
        self._commit()

    def test_rejected_changes_nothing(self):
        change = self._change("account_new", account_number=GERMAN.replace("3000", "3000"), propose=False)
        change.bank_account_id = False
        change.account_number = DUTCH
        change.action_propose()
        self._decide(change, "Compliance", self.compliance)
        self._decide(change, "Finance", self.finance, "reject", comment="Called them: not theirs")
        self.assertEqual((change.state, change.approval_state), ("draft", "rejected"))
        self.assertEqual(self.vendor.bank_ids, self.account)
        with self.assertRaises(UserError):
            change.action_propose()

    def test_number_of_somebody_else_is_refused(self):
        self.env["res.partner.bank"].create({"acc_number": DUTCH, "partner_id": self.employee.partner_id.id})
        change = self._change("account_new", account_number=DUTCH)
        self.assertEqual(change.approval_state, "refused")

    def test_changes_one_after_the_other_are_seen(self):
        for account in (BELGIAN, DUTCH):
            self._change("account_new", account_number=account)
        third = self._change("payment_terms", new_payment_term_id=self.terms_60.id)
        self.assertIn("Operations", third.sudo().approval_request_id.task_ids.mapped("name"))

    def test_unknown_country_holds(self):
        self.vendor.country_id = False
        change = self._change("account_new", account_number=BELGIAN)
        self.assertEqual(change.approval_state, "on_hold")
        self.assertIn("country", change.sudo().approval_request_id.reason)

    def test_what_moved_meanwhile_is_proposed_again(self):
        change = self._change("payment_terms", new_payment_term_id=self.terms_60.id)
        other = self._change("payment_terms", new_payment_term_id=False, user=self.accountant)
        self._let_through(other, ("Purchasing", self.manager))
        self._decide(change, "Purchasing", self.manager)
        self.assertFalse(self._resume(change))
        self.assertEqual(change.sudo().approval_request_id.resume_state, "failed")
        self.assertFalse(self.vendor.property_supplier_payment_term_id)

    def test_bill_paid_to_somebody_else(self):
        factor = self.env["res.partner"].create({"name": "Factoring Bank", "country_id": self.env.ref("base.de").id})
        foreign = self.env["res.partner.bank"].create({"acc_number": DUTCH, "partner_id": factor.id})
        bill = self._bill()
        with self.assertRaises(RedirectWarning) as refused:
            bill.with_user(self.accountant).partner_bank_id = foreign
        context = refused.exception.args[3]
        self.assertEqual((context["default_kind"], context["default_move_id"]), ("bill_account", bill.id))
        bill.invalidate_recordset()
        self.assertEqual(bill.partner_bank_id, self.account)
        change = self._change(
            "bill_account", user=self.accountant, bank_account_id=foreign.id, move_id=bill.id, propose=False
        )
        change.action_propose()
        if change.approval_state == "refused":
            self.fail(change.sudo().approval_request_id.reason)

    # -------------------------------------------------------- who reads what

    def test_numbers_are_masked(self):
        change = self._change("account_new", account_number=BELGIAN)
        plain = normalized(BELGIAN)
        request = change.sudo().approval_request_id
        for user, full in (
            (self.clerk, True),
            (self.accountant, True),
            (self.finance, True),
            (self.auditor, False),
            (self.env.ref("base.user_admin"), None),
        ):
            shown = change.with_user(user).account_number
            if full is not None:
                self.assertEqual(normalized(shown), plain if full else "7034", user.login)
        # Whoever may write the proposal cannot read the number by calling it theirs.
        manager = new_test_user(
            self.env,
            login="t_vendor_manager",
            groups="base.group_user,base.group_partner_manager,distribution_core.group_vendor_manager",
        )
        theirs = change.with_user(manager)
        theirs.write({"user_id": manager.id})
        self.assertEqual(theirs.user_id, manager)
        theirs.invalidate_recordset()
        self.assertNotIn(plain, normalized(theirs.account_number))
        task = request.task_ids.filtered(lambda task: task.name == "Finance")
        self.assertIn(BELGIAN, task.with_user(self.finance).standing)
        self.assertNotIn(BELGIAN, task.with_user(self.auditor).standing)
        self._decide(change, "Finance", self.finance)
        self._decide(change, "Compliance", self.compliance)
        self._resume(change)
        # What others read, or what leaves the database.
        self.assertNowhereInFull(BELGIAN)
        event = self.env["distribution.event"].search([("type", "=", "distribution.vendor.master_changed.v1")], limit=1)
        self.assertEqual(len(json.loads(event.data)["digest_after"]), 64)

    def test_a_vendor_belongs_to_no_site(self):
        """Governed at one site only it would look governed, and would not be."""
        self._ungovern()
        activations = self.env["distribution.approval.activation"].with_user(self.publisher)
        values = {"company_id": self.company.id, "warehouse_id": self.warehouse.id, "reason": "Small"}
        for document_type in ("vendor_change", "vendor_onboarding"):
            with self.assertRaisesRegex(ValidationError, "whole company"):
                activations.create({"document_type": document_type, **values})
        activations.create({"document_type": "vendor_bill", **values})

    def test_a_masked_number_is_not_saved(self):
        change = self._change("account_new", account_number=BELGIAN, propose=False)
        with self.assertRaises(UserError):
            change.account_number = "••••7034"
        with self.assertRaises(UserError):
            change.write({"sealed_account_number": DUTCH})

    def test_colleagues_do_not_see_each_others_proposals(self):
        change = self._change("account_new", account_number=BELGIAN)
        found = self.env["distribution.vendor.change"].with_user(self.colleague).search([])
        self.assertNotIn(change, found)
        self.assertIn(change, self.env["distribution.vendor.change"].with_user(self.finance).search([]))

    # ------------------------------------------------------------ one click

    def test_refusal_offers_the_proposal(self):
        with self.assertRaises(RedirectWarning) as refused:
            self.vendor.with_user(self.accountant).write(
                {"bank_ids": [(0, 0, {"acc_number": BELGIAN, "partner_id": self.vendor.id})]}
            )
        _message, action_id, _button, context = refused.exception.args
        action = self.env["ir.actions.act_window"].browse(action_id)
        form = Form(self.env[action.res_model].with_user(self.accountant).with_context(**context))
        form.reason = "New house bank"
        change = form.save()
        self.assertEqual((change.kind, change.partner_id), ("account_new", self.vendor))
        self.assertEqual(change.account_number, BELGIAN)
        change.action_propose()
        self._let_through(change, ("Finance", self.finance), ("Compliance", self.compliance))
        self.assertEqual(len(self.vendor.bank_ids), 2)

    def test_without_governance_contacts_change_as_before(self):
        self._ungovern()
        self.vendor.write({"vat": "DE136695976", "property_supplier_payment_term_id": self.terms_60.id})
        self.account.allow_out_payment = False
        self.account.acc_number = FRENCH
        change = self._change("account_new", account_number=BELGIAN)
        self.assertEqual((change.state, change.approval_state), ("applied", False))
        self._govern()
        with self._refused():
            self.vendor.vat = "DE123456788"
        self.assertFalse(self.env["distribution.approval.control"]._cron_find_ungated())

    def test_customers_and_own_contacts_are_left_alone(self):
        account = (
            self.env["res.partner.bank"]
            .with_user(self.accountant)
            .create({"acc_number": BELGIAN, "partner_id": self.customer.id})
        )
        account.acc_number = DUTCH
        self.customer.with_user(self.accountant).write({"vat": "BE0477472701"})
        account.unlink()
        self.vendor.with_user(self.accountant).write({"name": "Renamed", "phone": "123"})
        self._commit()

    def test_only_who_may_change_contacts_proposes(self):
        with self.assertRaises(AccessError):
            self._change("vat", user=self.compliance, new_vat="BE0477472701")

    def test_bills_that_come_in_do_not_void_the_approval(self):
        change = self._change("payment_terms", new_payment_term_id=self.terms_60.id)
        self._decide(change, "Purchasing", self.manager)
        self._bill().action_post()
        self.assertTrue(self._resume(change))
        self.assertEqual(self.vendor.property_supplier_payment_term_id, self.terms_60)

    def test_queries(self):
        """A review takes the same number of queries for two accounts as for forty; ungoverned, nothing is asked."""
        values = self.env["distribution.vendor.value"]
        vendors = self.env["res.partner"].create(
            [{"name": f"Vendor {number}", "supplier_rank": 1, "is_company": True} for number in range(40)]
        )
        accounts = self.env["res.partner.bank"].create(
            [{"acc_number": f"{number:09}", "partner_id": self.customer.id} for number in range(40)]
        )
        self.env.flush_all()
        for account, vendor in zip(accounts, vendors):
            self.env.cr.execute("UPDATE res_partner_bank SET partner_id = %s WHERE id = %s", (vendor.id, account.id))
        self.env.invalidate_all()
        for account in accounts:
            values._note("baseline", account, "account", values._account_digest(account))

        def count(records):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self.assertFalse(list(records.sudo()._vendor_problems(values)))
            return self.cr.sql_log_count - before

        count(accounts)
        self.assertEqual(count(accounts[:2]), count(accounts))
        self.assertEqual(count(vendors[:2]), count(vendors))
        self._ungovern()
        values._companies()
        with self.assertQueryCount(0):
            self.assertFalse(values._companies())
