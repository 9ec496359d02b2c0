"""A company that governs its vendor bills and the bank accounts of its vendors."""

from odoo import Command

from odoo.addons.distribution_core.compat import USER_GROUPS

from .bill_case import BillCase
from .vendor_case import BELGIAN, GERMAN, VendorCase  # noqa: F401


class PayableCase(BillCase):
    """The rules of :class:`BillCase`; each change of a bank account is decided by Finance."""

    @classmethod
    def _make_people(cls):
        super()._make_people()
        (cls.clerk | cls.other_clerk).write({USER_GROUPS: [Command.link(cls.env.ref("base.group_partner_manager").id)]})

    @classmethod
    def _make_goods(cls):
        super()._make_goods()
        cls.vendor.write({"is_company": True, "country_id": cls.env.ref("base.be").id})
        cls.factor = cls.env["res.partner"].create(
            {"name": "Factoring House", "is_company": True, "country_id": cls.env.ref("base.be").id}
        )
        cls.factor_account = cls.env["res.partner.bank"].create({"acc_number": BELGIAN, "partner_id": cls.factor.id})

    @classmethod
    def _govern(cls):
        super()._govern()
        cls.change_activation = cls._govern_also(
            "vendor_change",
            [
                (
                    "Bank accounts",
                    "require",
                    [("change_kind", "in", ["account_new", "account_change", "account_trust", "bill_account"])],
                    ["Finance"],
                )
            ],
        )

    def _change(self, kind, user=None, **values):
        change = (
            self.env["distribution.vendor.change"]
            .with_user(user or self.clerk)
            .create({"partner_id": self.vendor.id, "kind": kind, "reason": "The vendor wrote", **values})
        )
        change.action_propose()
        return change

    def _approved_change(self, kind, **values):
        change = self._change(kind, **values)
        self._decide(change, "Finance", self.finance)
        self.assertTrue(self._resume(change), change.sudo().approval_request_id.reason)
        self.assertEqual((change.state, change.approval_state), ("applied", "released"))
        return change
