"""A bill that is paid to somebody else's account: approved once, as a vendor master change.

The change of kind *bill account* says which account of whom gets the money of which bill. Where it
was approved

* the account is no longer a "bank account of somebody else" for the policy of bills: it was looked at;
* a bill that is posted keeps its release, repeated with the account that was approved;
* the payment of that bill may go there, with no cent beside it.

A change that nobody had to approve, since vendor changes are not governed, does none of this.
"""

from odoo import _, fields, models

from ..engine import Snapshot, seal


class AccountMove(models.Model):
    _inherit = "account.move"

    def _approval_foreign_bank_account(self):
        return super()._approval_foreign_bank_account() and not self._approval_pays_elsewhere(self.partner_bank_id)

    def _approval_pays_elsewhere(self, account):
        """Whether an approved change says that this bill is paid to ``account``, which is somebody else's."""
        self.ensure_one()
        return bool(self._vendor_pays()) and self._vendor_payee_in_force(account)

    def _approval_follow_account(self, account, change):
        """The account of released bills was approved by ``change``: their releases are repeated with it.

        The review of the frame compares: a change that does not come into force takes this back.
        """
        bills = self.sudo()._approval_governed().filtered(lambda bill: bill._approval_is_guarded())
        if not bills or not change.sudo()._approval_governed():
            return
        releases = self.env["distribution.approval.release"]
        valid = releases._valid_for(bills)
        snapshots = bills._approval_snapshots()
        for bill in bills:
            covering = valid.get(bill.id, releases).filtered(
                lambda release, bill=bill: release._covers(snapshots[bill.id])
            )
            for release in covering[:1]:
                released = Snapshot.from_json(release.content)
                content = seal({**released.header, "partner_bank_id": account.id}, released.lines)
                releases._issue(
                    [
                        {
                            **release._copy_values(),
                            "kind": "amendment",
                            "request_id": change.sudo().approval_request_id.id,
                            "digest": content.digest,
                            "content": content.to_json(),
                            "released_at": fields.Datetime.now(),
                            "user_ref": self.env.uid,
                            "reason": _("Bank account approved by %s.", change.name),
                        }
                    ]
                )
                bill._message_log(
                    body=_("%(change)s: released for the bank account that it names.", change=change._get_html_link())
                )


class AccountPayment(models.Model):
    _inherit = "account.payment"

    def _approval_pays_elsewhere(self, bills):
        """Whether the account of somebody else is the one that was approved for every cent of this payment."""
        self.ensure_one()
        settled = self._approval_settled()
        return (
            bool(bills)
            and bool(self._vendor_pays())
            and all(
                bill.partner_bank_id == self.partner_bank_id and bill._approval_pays_elsewhere(self.partner_bank_id)
                for bill in bills
            )
            and self.company_id.currency_id.compare_amounts(self._approval_direct_amount(settled), 0) <= 0
        )
