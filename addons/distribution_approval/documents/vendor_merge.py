"""Merging vendors: accounts of a merged record do not become accounts of the vendor that remains.

* An account that came along is kept, archived, and not used until it is proposed and approved.
* An account that the remaining vendor has already, with the same bank, is the same account: what
  named the merged one names that one, and releases follow. With another bank it is another place
  for the money: the merge is refused.

19.0 writes accounts one by one before it merges, 17.0 moves them with everything else. Both do
the latter here, so that no account is, for a moment, a trusted account of the vendor that remains.
"""

from odoo import _, api, models
from odoo.exceptions import UserError

from odoo.addons.distribution_core.compat import IS_17

from ..engine.bank_account import mask
from ..models.gate_frame import gate_frame


class MergePartnerAutomatic(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _merge(self, *args, **kwargs):
        with gate_frame(self.env):
            return super()._merge(*args, **kwargs)

    def _update_foreign_keys(self, src_partners, dst_partner):
        values = self.env["distribution.vendor.value"]
        if not values._companies():
            return super()._update_foreign_keys(src_partners, dst_partner)
        with gate_frame(self.env) as frame:
            values._note_first(src_partners | dst_partner)
            vendors = values._vendors(src_partners | dst_partner)
            self._vendor_merge_same_accounts(src_partners, dst_partner)
            came = (src_partners | dst_partner)._vendor_accounts() - dst_partner._vendor_accounts()
            result = super()._update_foreign_keys(src_partners, dst_partner)
            came = came.exists()
            came.invalidate_recordset()
            if vendors:
                came._vendor_end_by_merge(dst_partner)
            frame.touch(dst_partner.sudo())
            frame.touch(dst_partner._vendor_accounts())
            return result

    @api.model
    def _merge_bank_accounts(self, src_partners, dst_partner):
        """19.0 only: where vendors are governed, accounts are merged with what else names the vendors."""
        if not self.env["distribution.vendor.value"]._companies():
            super()._merge_bank_accounts(src_partners, dst_partner)

    @api.model
    def _vendor_merge_same_accounts(self, src_partners, dst_partner):
        """Accounts that the remaining vendor has already: what named the merged ones names those."""
        accounts = self.env["res.partner.bank"].sudo().with_context(active_test=False)
        remaining = {
            account.sanitized_acc_number: account for account in accounts.search([("partner_id", "=", dst_partner.id)])
        }
        for account in accounts.search([("partner_id", "in", src_partners.ids)]):
            same = remaining.get(account.sanitized_acc_number)
            if not same:
                # The second of two merged records with this number meets the first.
                remaining[account.sanitized_acc_number] = account
                continue
            if (account.bank_id.bic or "") != (same.bank_id.bic or "") and account.bank_id != same.bank_id:
                raise UserError(
                    _(
                        "Both records have bank account %(number)s, at different banks (%(first)s, %(second)s). "
                        "Propose the change of the one that is wrong, then merge.",
                        number=mask(account.acc_number),
                        first=account.bank_id.display_name or _("none"),
                        second=same.bank_id.display_name or _("none"),
                    )
                )
            moved = self._approval_documents_of(account)
            self._vendor_point_to(account, same)
            for documents in moved:
                documents.invalidate_recordset()
                self._approval_follow_merge(documents, account, same)
            # As core itself when partners are merged; core's own unlink archives it (19.0).
            models.BaseModel.unlink(account)

    @api.model
    def _vendor_point_to(self, account, same):
        """What names ``account`` in the database names ``same`` from now on."""
        self.env.flush_all()
        if not IS_17:
            self._update_foreign_keys_generic(account._name, account, same)
        else:
            for table, column in self._get_fk_on(account._table):
                # Names of tables and columns come from the database's own catalogue.
                self.env.cr.execute(
                    f'UPDATE "{table}" SET "{column}" = %s WHERE "{column}" = %s', (same.id, account.id)
                )
        self.env.invalidate_all()


class ResPartnerBank(models.Model):
    _inherit = "res.partner.bank"

    def _vendor_end_by_merge(self, vendor):
        """These accounts came along with a merge: kept, but not used until they are proposed and approved."""
        if not self:
            return
        values = self.env["distribution.vendor.value"]
        for account in self:
            values._note("merged", account, "account", values._account_digest(account), in_force=False)
        # As core itself: trusting was somebody's decision about another vendor.
        models.BaseModel.write(self, {"active": False, "allow_out_payment": False})
        vendor.sudo()._message_log(
            body=_(
                "%s bank accounts came along with the merge and are archived. Propose those to be used.",
                len(self),
            )
        )
