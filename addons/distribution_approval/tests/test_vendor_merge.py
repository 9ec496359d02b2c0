"""Two records of one vendor become one: what was approved stays so, what was not does not become so."""

from odoo.exceptions import UserError
from odoo.tests.common import tagged

from ..engine.bank_account import normalized
from .payable_case import PayableCase
from .vendor_case import DUTCH


@tagged("post_install", "-at_install")
class TestVendorMerge(PayableCase):
    @classmethod
    def _make_goods(cls):
        super()._make_goods()
        # The same vendor, entered twice, with the same account.
        cls.twin = cls.env["res.partner"].create({"name": "Approved Vendor Ltd", "supplier_rank": 1})
        cls.twin_account = cls.env["res.partner.bank"].create({"acc_number": "BE11-0001", "partner_id": cls.twin.id})

    def _merge(self, *partners):
        into = partners[-1]
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge([partner.id for partner in partners], into)
        self.env.invalidate_all()
        self._commit()

    def test_the_same_account_is_one(self):
        bill = self._bill(self._ordered(vendor=self.twin))
        bill.action_post()
        self.assertEqual((bill.state, bill.partner_bank_id), ("posted", self.twin_account))
        self._merge(self.twin, self.vendor)
        self.assertEqual(self.vendor.with_context(active_test=False).bank_ids, self.account)
        self.assertTrue(self.account.active)
        self.assertEqual((bill.partner_id, bill.partner_bank_id), (self.vendor, self.account))
        self.assertTrue(self._releases(bill)._covers(bill.sudo()._approval_snapshots()[bill.id]), "released as before")
        self.assertFalse(self.env["distribution.approval.control"]._cron_find_ungated())
        # And it can be paid, to the account that is in force.
        payment = self._register(bill)
        self.assertEqual(payment.partner_bank_id, self.account)
        self._commit()

    def test_other_accounts_come_along_archived(self):
        self.twin_account.allow_out_payment = False
        other = self._approved_change("account_new", partner_id=self.twin.id, account_number=DUTCH)
        account = self.twin.bank_ids - self.twin_account
        self.assertTrue(other.sudo().applied_at)
        self._merge(self.twin, self.vendor)
        self.assertEqual(self.vendor.bank_ids, self.account)
        self.assertEqual(account.exists().partner_id, self.vendor)
        self.assertEqual(normalized(account.acc_number), normalized(DUTCH))
        self.assertFalse(account.active or account.allow_out_payment)
        with self._refused():
            account.active = True
        with self._refused():
            self._bill(partner_bank_id=account.id)
        self.assertFalse(self.env["distribution.approval.control"]._cron_find_ungated())

    def test_account_of_a_stranger_does_not_become_the_vendors(self):
        """Merging a contact into a vendor is no way to give the vendor another account."""
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        account = self.env["res.partner.bank"].create({"acc_number": DUTCH, "partner_id": stranger.id})
        self._merge(stranger, self.vendor)
        self.assertEqual(self.vendor.bank_ids, self.account)
        self.assertFalse(account.exists().active)

    def test_the_same_number_at_another_bank_is_refused(self):
        bank = self.env["res.bank"].create({"name": "Elsewhere", "bic": "DEUTDEFF"})
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        self.env["res.partner.bank"].create({"acc_number": "BE11 0001", "partner_id": stranger.id, "bank_id": bank.id})
        with self.assertRaisesRegex(UserError, "different banks"), self.env.cr.savepoint():
            self._merge(stranger, self.vendor)
        self.env.invalidate_all()
        self.assertEqual((self.account.partner_id, self.account.bank_id.bic or ""), (self.vendor, ""))
