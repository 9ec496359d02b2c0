"""Attacks on vendors' master data: every door to another account, other terms, another VAT number."""

from contextlib import suppress

from odoo import SUPERUSER_ID, Command
from odoo.exceptions import AccessError, RedirectWarning, UserError
from odoo.tests.common import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.distribution_core.compat import IS_17

from ..engine.bank_account import normalized
from .vendor_case import BELGIAN, DUTCH, GERMAN, VendorCase


@tagged("post_install", "-at_install")
class TestAttacksOnVendorMaster(VendorCase):
    def _actors(self):
        return (self.accountant, self.env.ref("base.user_admin"))

    def assertKept(self):
        self.env.invalidate_all()
        accounts = self.vendor.with_context(active_test=False).bank_ids
        self.assertEqual(accounts, self.account)
        self.assertEqual(
            (normalized(accounts.acc_number), accounts.active, accounts.allow_out_payment, accounts.partner_id),
            (normalized(GERMAN), True, True, self.vendor),
        )
        self.assertEqual(self.vendor.vat, "DE123456788")
        self.assertEqual(self.vendor.property_supplier_payment_term_id, self.terms)

    def _attack(self, attempt):
        with self._refused(), mute_logger("odoo.sql_db"):
            attempt()
        self.assertKept()

    def _environments(self):
        """As people with every right that Odoo gives, with and without ``sudo()``, and as the system."""
        for actor in self._actors():
            yield self.env(user=actor)
            yield self.env(user=actor, su=True)
        yield self.env(user=SUPERUSER_ID)

    def test_accounts(self):
        bank = self.env["res.bank"].create({"name": "Elsewhere", "bic": "GEBABEBB"})
        elsewhere = self.env["res.partner.bank"].create({"acc_number": BELGIAN, "partner_id": self.customer.id})
        for env in self._environments():
            for number, attempt in enumerate(self._attempts_on_accounts(env, bank, elsewhere)):
                with self.subTest(user=env.uid, su=env.su, attempt=number):
                    self._attack(attempt)

    def _attempts_on_accounts(self, env, bank, elsewhere):
        banks, account, vendor = env["res.partner.bank"], self.account.with_env(env), self.vendor.with_env(env)
        new = {"acc_number": DUTCH, "partner_id": vendor.id}
        untrust = {"allow_out_payment": False}
        return [
            lambda: banks.create(new),
            lambda: banks.create([{"acc_number": "1", "partner_id": self.customer.id}, new]),
            lambda: banks.with_context(default_partner_id=vendor.id).create({"acc_number": DUTCH}),
            lambda: banks.create({**new, "allow_out_payment": True, "active": True}),
            lambda: vendor.write({"bank_ids": [Command.create(new)]}),
            lambda: vendor.write({"bank_ids": [Command.update(account.id, {"acc_holder_name": "Somebody"})]}),
            lambda: vendor.write({"bank_ids": [Command.link(elsewhere.id)]}),
            lambda: vendor.write({"bank_ids": [Command.clear()]}),
            lambda: account.write({**untrust, "acc_number": DUTCH}),
            lambda: account.write(untrust) and account.write({"acc_number": DUTCH}),
            lambda: account.write(untrust) and account.write({"partner_id": self.customer.id}),
            lambda: account.write({"acc_holder_name": "Somebody Else"}),
            lambda: account.write({"bank_id": bank.id}),
            lambda: account.write({"active": False}),
            lambda: account.action_archive(),
            lambda: account.unlink(),
            lambda: account.copy({"acc_number": DUTCH}),
            lambda: elsewhere.with_env(env).write({"partner_id": vendor.id}),
            lambda: account._write({"acc_number": DUTCH, "sanitized_acc_number": normalized(DUTCH)}),
        ]

    def test_import(self):
        banks = self.env["res.partner.bank"].with_user(self.accountant)
        with mute_logger("odoo.sql_db"):
            result = banks.load(["partner_id/.id", "acc_number"], [[str(self.vendor.id), DUTCH]])
            self.assertFalse(result["ids"], result)
            result = banks.load([".id", "acc_holder_name"], [[str(self.account.id), "Somebody"]])
            self.assertFalse(result["ids"], result)
            partners = self.env["res.partner"].with_user(self.accountant)
            result = partners.load([".id", "vat"], [[str(self.vendor.id), "BE0477472701"]])
            self.assertFalse(result["ids"], result)
            result = partners.load([".id", "bank_ids/acc_number"], [[str(self.vendor.id), DUTCH]])
            self.assertFalse(result["ids"], result)
        self.assertKept()

    def test_trust(self):
        """An account may always lose trust; it gains it by a proposal only."""
        account = self.account.with_user(self.accountant)
        account.allow_out_payment = False
        self._commit()
        with self._refused():
            account.allow_out_payment = True
        with self._refused():
            account.sudo().write({"allow_out_payment": True})
        with self._refused():
            account.with_user(SUPERUSER_ID).with_context(default_allow_out_payment=True).write(
                {"allow_out_payment": True}
            )
        self.account.invalidate_recordset()
        self.assertFalse(self.account.allow_out_payment)

    def test_server_action(self):
        action = self.env["ir.actions.server"].create(
            {
                "name": "Forge",
                "model_id": self.env["ir.model"]._get("res.partner.bank").id,
                "state": "code",
                "code": f"records.sudo().write({{'allow_out_payment': False, 'acc_number': '{DUTCH}'}})",
            }
        )
        self._attack(
            lambda: action.with_context(
                active_model="res.partner.bank", active_ids=self.account.ids, active_id=self.account.id
            ).run()
        )

    def test_partner_fields(self):
        contact = self.env["res.partner"].create({"name": "Desk", "parent_id": self.vendor.id})
        other = self.env["res.partner"].create({"name": "Other", "is_company": True, "vat": "BE0477472701"})
        for env in self._environments():
            for attempt in self._attempts_on_partner(
                self.vendor.with_env(env), contact.with_env(env), other.with_env(env)
            ):
                self._attack_unless_harmless(attempt)

    def _attempts_on_partner(self, vendor, desk, other):
        terms = "property_supplier_payment_term_id"
        return [
            lambda: vendor.write({"vat": "BE0477472701"}),
            lambda: vendor.write({"vat": False}),
            lambda: vendor.write({terms: self.terms_60.id}),
            lambda: vendor.write({terms: False}),
            lambda: desk.write({"vat": "BE0477472701"}),
            lambda: desk.write({terms: self.terms_60.id}),
            lambda: desk.write({"parent_id": False}) and desk.write({"vat": "X", "parent_id": vendor.id}),
            lambda: vendor.write({"child_ids": [Command.update(desk.id, {"vat": "BE0477472701"})]}),
            lambda: vendor.write({"is_company": False, "parent_id": other.id}),
            lambda: other.write({"child_ids": [Command.link(vendor.id)]}) and vendor.write({"is_company": False}),
            lambda: vendor.write({"supplier_rank": 0, "vat": "BE0477472701"}),
            lambda: vendor.with_context(default_vat="X").write({"vat": "X"}),
        ]

    def _attack_unless_harmless(self, attempt):
        """The attack is refused, or it has left the vendor as it was."""
        savepoint = self.env.cr.savepoint()
        try:
            attempt()
            self._commit()
            self.assertKept()
        except (UserError, RedirectWarning):
            pass
        finally:
            savepoint.close(rollback=True)
        self.assertKept()

    def test_portal_does_not_offer_the_vat_number(self):
        self.assertFalse(self.vendor.can_edit_vat())
        self.assertTrue(self.customer.can_edit_vat())
        login = new_test_user(self.env, login="t_vendor_login", groups="base.group_portal")
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.vendor.with_user(login).sudo().write({"vat": "BE0477472701"})
        self.vendor.with_user(login).sudo().write({"street": "Somewhere 1"})
        self._ungovern()
        self.assertTrue(self.vendor.can_edit_vat())

    def test_property_of_the_vendor(self):
        if not IS_17:
            self.skipTest("19.0 keeps payment terms on the vendor itself")
        prop = self.env["ir.property"].search(
            [("name", "=", "property_supplier_payment_term_id"), ("res_id", "=", f"res.partner,{self.vendor.id}")]
        )
        self.assertTrue(prop)
        self._attack(lambda: prop.write({"value_reference": f"account.payment.term,{self.terms_60.id}"}))
        self._attack(lambda: prop.unlink())
        self._attack(lambda: prop.write({"res_id": f"res.partner,{self.customer.id}"}))

    def test_moved_to_a_company_without_governance(self):
        other = self.env["res.company"].create({"name": "Elsewhere Ltd"})
        vendor, account = self.vendor, self.account

        def detour():
            vendor.company_id = other
            account.write({"allow_out_payment": False})
            account.write({"acc_number": DUTCH})
            vendor.company_id = False

        with self._refused(), suppress(AccessError):
            detour()
        self.assertKept()
        # The proposal is made where nobody looks.
        change = self._change("account_new", account_number=DUTCH, propose=False)
        with self._refused():
            change.sudo().with_company(other).write({"company_id": other.id})
            change.sudo().action_propose()

    def test_bic_of_the_bank(self):
        bank = self.env["res.bank"].create({"name": "House Bank", "bic": "DEUTDEFF"})
        change = self._change("account_new", account_number=BELGIAN, new_bank_id=bank.id)
        self._let_through(change, ("Finance", self.finance), ("Compliance", self.compliance))
        with self._refused():
            bank.bic = "GEBABEBB"
        self.assertEqual(bank.bic, "DEUTDEFF")

    def test_vendor_created_with_an_account(self):
        partners = self.env["res.partner"].with_user(self.accountant)
        values = {"name": "Quick Vendor", "supplier_rank": 1, "bank_ids": [Command.create({"acc_number": DUTCH})]}
        with self._refused():
            partners.create(values)
        with self._refused():
            partners.with_context(res_partner_search_mode="supplier", default_supplier_rank=1).create(
                {"name": "Quick Vendor", "bank_ids": [Command.create({"acc_number": DUTCH})]}
            )

    def test_contact_that_becomes_a_vendor(self):
        """An account from before is there, but it is not paid until somebody approved it."""
        partner = self.env["res.partner"].create(
            {
                "name": "Late Vendor",
                "country_id": self.env.ref("base.nl").id,
                "bank_ids": [Command.create({"acc_number": DUTCH})],
            }
        )
        account = partner.bank_ids
        bill = self._bill(partner)
        self.assertFalse(bill.partner_bank_id, "Odoo's default leaves it out")
        for attempt in (
            lambda: bill.write({"partner_bank_id": account.id}),
            lambda: bill.sudo().write({"partner_bank_id": account.id}),
            lambda: self._bill(partner, partner_bank_id=account.id),
        ):
            with self._refused():
                attempt()
        bill.action_post()
        self.assertEqual(bill.state, "posted", "the bill goes on without it")
        with self._refused():
            account.with_user(self.accountant).write({"acc_holder_name": "Somebody"})
        change = self._change("account_new", partner_id=partner.id, bank_account_id=account.id, account_number=DUTCH)
        self._let_through(change)
        bill.partner_bank_id = account
        self._commit()

    def test_vendor_paid_as_if_it_were_a_customer(self):
        """Its own account, which nobody approved."""
        partner = self.env["res.partner"].create(
            {"name": "Late Vendor", "bank_ids": [Command.create({"acc_number": DUTCH})]}
        )
        account = partner.bank_ids
        journal = self.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", self.company.id)], limit=1
        )
        payments = self.env["account.payment"].with_user(self.accountant)
        values = {
            "payment_type": "outbound",
            "partner_type": "customer",
            "partner_id": partner.id,
            "amount": 100,
            "journal_id": journal.id,
            "partner_bank_id": account.id,
        }
        payments.create(values).action_post()  # a customer gets money back
        self._bill(partner).action_post()
        with self._refused():
            payments.create(values).action_post()
        payment = payments.create({**values, "partner_bank_id": False})
        self.assertNotIn(account, payment.available_partner_bank_ids)
        with self._refused():
            payment.write({"partner_bank_id": account.id})

    def test_merge(self):
        small = self.env["res.partner"].create({"name": "Small Vendor", "supplier_rank": 1, "is_company": True})
        change = self._change("account_new", partner_id=small.id, account_number=GERMAN.replace(" ", ""), propose=False)
        change.account_number = DUTCH
        small.country_id = self.env.ref("base.nl")
        change.action_propose()
        self._let_through(change)
        account = small.bank_ids
        self.assertTrue(account)
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((small | self.vendor).ids, self.vendor)
        self.env.invalidate_all()
        self.assertEqual(account.partner_id, self.vendor)
        self.assertEqual((account.active, account.allow_out_payment), (False, False))
        self.assertEqual(self.vendor.bank_ids, self.account)
        self._commit()
        with self._refused():
            account.active = True
        # Values of a merged record do not become those of the vendor either.
        self._change("vat", partner_id=self.new_vendor.id, new_vat="BE0477472701")
        plain = self.env["res.partner"].create({"name": "No VAT yet", "supplier_rank": 1, "is_company": True})
        self.env["distribution.vendor.value"]._note_first(plain)
        with self._refused():
            wizard._merge((self.new_vendor | plain).ids, plain)

    def test_bills_and_payments(self):
        foreign = self.env["res.partner.bank"].create({"acc_number": DUTCH, "partner_id": self.customer.id})
        bill = self._bill()
        self.assertEqual(bill.partner_bank_id, self.account)
        for attempt in (
            lambda: bill.write({"partner_bank_id": foreign.id}),
            lambda: bill.sudo().write({"partner_bank_id": foreign.id}),
            lambda: bill.with_user(SUPERUSER_ID).write({"partner_bank_id": foreign.id}),
            lambda: self._bill(partner_bank_id=foreign.id),
            lambda: bill.copy({"partner_bank_id": foreign.id}),
        ):
            with self._refused():
                attempt()
        bill.action_post()
        with self._refused():
            bill.write({"partner_bank_id": foreign.id})
        bill.invalidate_recordset()
        self.assertEqual(bill.partner_bank_id, self.account)
        journal = self.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", self.company.id)], limit=1
        )
        register = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=bill.ids)
            .create({"journal_id": journal.id})
        )
        self.assertEqual(register.available_partner_bank_ids, self.account)
        with self._refused():
            register.partner_bank_id = foreign
            register.action_create_payments()
        values = {
            "payment_type": "outbound",
            "partner_type": "supplier",
            "partner_id": self.vendor.id,
            "amount": 100,
            "journal_id": journal.id,
        }
        payments = self.env["account.payment"]
        with self._refused():
            payments.create({**values, "partner_bank_id": foreign.id}).action_post()
        payment = payments.create(values)
        with self._refused():
            payment.write({"partner_bank_id": foreign.id})
        for record in (payment, bill):
            with suppress(UserError, RedirectWarning):
                record.write({"partner_bank_id": foreign.id})
            self.assertEqual(record.partner_bank_id, self.account, "swallowed, and nothing has changed")
        payment.action_post()
        self.assertEqual(payment.partner_bank_id, self.account)

    def test_proposal_forged(self):
        for env in (self.env(user=self.clerk), self.env(user=self.clerk, su=True), *self._environments()):
            held = self._change("account_new", account_number=DUTCH)
            for attempt in self._attempts_on_proposal(held.with_env(env)):
                self._attack(attempt)
            held.sudo().action_cancel()

    def _attempts_on_proposal(self, held):
        values = {"partner_id": self.vendor.id, "kind": "account_new", "account_number": DUTCH, "reason": "x"}
        return [
            lambda: held.create({**values, "state": "applied"}),
            lambda: held.with_context(default_state="applied").create(values),
            lambda: held.write({"state": "applied"}),
            lambda: held.write({"approval_state": "released"}),
            lambda: held.copy({"state": "applied"}),
        ]

    def test_approved_for_one_number_applied_with_another(self):
        change = self._change("account_new", account_number=BELGIAN)
        self._decide(change, "Finance", self.finance)
        change.account_number = DUTCH
        self.assertEqual(change.sudo().approval_request_id.round, 2, "asked again")
        self._decide(change, "Finance", self.finance)
        self._decide(change, "Compliance", self.compliance)
        self.env["distribution.vendor.change"].sudo().browse(change.id).sealed_account_number = BELGIAN
        self._resume(change)
        self.assertEqual(self.vendor.bank_ids, self.account)
        self.assertNotEqual(change.state, "applied")

    def test_nobody_approves_their_own(self):
        self.finance.write(
            {"groups_id" if IS_17 else "group_ids": [(4, self.env.ref("base.group_partner_manager").id)]}
        )
        change = self._change("account_new", user=self.finance, account_number=BELGIAN)
        task = self._task(change, "Finance")
        self.assertNotIn(self.finance, task.user_ids)
        with self.assertRaises(AccessError):
            task.with_user(self.finance).action_decide("approve", task.digest)

    def test_what_is_in_force_stays_on_record(self):
        change = self._change("vat", partner_id=self.new_vendor.id, new_vat="BE0477472701")
        for values in ({"new_vat": "X"}, {"state": "draft"}, {"state": "cancel"}, {"partner_id": self.vendor.id}):
            with self._refused():
                change.sudo().write(values)
        with self._refused():
            change.sudo().unlink()
        wizard = self.env["distribution.approval.amend"].with_user(self.clerk)
        with self._refused():
            wizard.create({"res_model": change._name, "res_id": change.id, "payload": '{"new_vat": "X"}'})

    def test_evidence_is_not_written(self):
        values = {
            "res_model": "res.partner.bank",
            "res_id": self.account.id,
            "field": "account",
            "kind": "approved",
            "digest": "0",
            "noted_at": "2026-01-01",
        }
        with self.assertRaises(AccessError):
            self.env["distribution.vendor.value"].with_user(self.env.ref("base.user_admin")).create(values)
        # A row that names a change which is not in force counts for nothing.
        change = self._change("account_new", account_number=DUTCH)
        evidence = self.env["distribution.vendor.value"].sudo()
        with self._refused():
            account = self.env["res.partner.bank"].create({"acc_number": DUTCH, "partner_id": self.customer.id})
            account.partner_id = self.vendor
            evidence._note("approved", account, "account", evidence._account_digest(account), change=change)
        self.assertKept()

    def test_swallowed(self):
        with self._refused(), suppress(UserError, RedirectWarning):
            self.account.write({"acc_holder_name": "Somebody"})
        with self._refused(), suppress(UserError, RedirectWarning):
            self.vendor.write({"vat": "BE0477472701"})
        with self._refused(), suppress(UserError, RedirectWarning):
            self.env["res.partner.bank"].create({"acc_number": DUTCH, "partner_id": self.vendor.id})
        self.assertKept()

    def test_nightly_control(self):
        control = self.env["distribution.approval.control"]
        self.assertFalse(control._cron_find_ungated())
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_partner_bank SET acc_number = %s, sanitized_acc_number = %s WHERE id = %s",
            (DUTCH, normalized(DUTCH), self.account.id),
        )
        self.env.cr.execute("UPDATE res_partner SET vat = 'X' WHERE id = %s", (self.vendor.id,))
        self.env.invalidate_all()
        self.assertEqual(control._cron_find_ungated(), 2)
        cases = self.env["distribution.case"].search(
            [("res_model", "=", "res.partner"), ("res_id", "=", self.vendor.id)]
        )
        self.assertEqual(len(cases), 2)
        self.assertNotIn(normalized(DUTCH), " ".join(cases.mapped("description")))
