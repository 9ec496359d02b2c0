"""The account that a bill or a payment names: only one that is in force for its vendor, or approved for it.

An account is in force when it is exactly what the baseline or an approved change noted. An account
that was there before its owner became a vendor is not: nobody looked at it. Odoo's own choice of a
default account leaves such accounts out, so that bills go on; naming one by hand, posting a bill or
a payment with one is refused.

Money that has left the bank is recorded all the same (bank statements, payments matched to them).
"""

from odoo import _, api, models
from odoo.exceptions import RedirectWarning

from ..engine.bank_account import mask
from ..models.vendor_value import BILLS


class PayeeMixin(models.AbstractModel):
    _name = "distribution.vendor.payee.mixin"
    _description = "Names an Account to be Paid"

    def _vendor_pays(self):
        """Those that pay a vendor from a company in which vendor changes are governed."""
        payers = self._vendor_payers()
        companies = payers and self.env["distribution.vendor.value"]._companies()
        payers = payers.filtered(lambda payer: payer.company_id in companies)
        return payers._vendor_paid() if payers else payers

    def _vendor_payers(self):
        """Those that send money."""
        return self.browse()

    def _vendor_paid(self):
        """Those of ``self`` that send it to a vendor."""
        return self

    def _vendor_payee_in_force(self, account, approved=None):
        """Whether ``account`` may be paid by this document."""
        self.ensure_one()
        values = self.env["distribution.vendor.value"]
        account = account.sudo()
        approved = values._approved_accounts(account) if approved is None else approved
        if account not in approved:
            return False
        if account.partner_id.commercial_partner_id == self.sudo().partner_id.commercial_partner_id:
            return True
        bills = self._vendor_bills(account)
        rows = values._newest(bills) if bills.ids else {}
        return values._account_digest(account) in {row.digest for row in rows.values() if row.field == "payee"}

    def _vendor_refuse_payee(self, account=None):
        """Raise for the first one that names – or is to name ``account`` – an account nobody approved."""
        values = self.env["distribution.vendor.value"]
        payers = self._vendor_pays()
        payers = payers if account else payers.filtered("partner_bank_id")
        if not payers:
            return
        approved = values._approved_accounts(account or payers.partner_bank_id)
        for payer in payers:
            named = account or payer.sudo().partner_bank_id
            if payer._vendor_payee_in_force(named, approved):
                continue
            raise RedirectWarning(
                _(
                    "%(document)s: bank account %(number)s is not approved for %(vendor)s. "
                    "Choose an account that is, or propose this one.",
                    document=payer.sudo().display_name,
                    number=mask(named.sudo().acc_number),
                    vendor=payer.sudo().partner_id.commercial_partner_id.display_name,
                ),
                self.env.ref("distribution_approval.action_vendor_change_propose").id,
                _("Propose the Change"),
                payer._vendor_payee_proposal(named.sudo()),
            )

    def _vendor_payee_proposal(self, account):
        vendor = self.sudo().partner_id.commercial_partner_id
        own = account.partner_id.commercial_partner_id == vendor
        if own:
            return {
                "default_kind": "account_new",
                "default_partner_id": vendor.id,
                "default_bank_account_id": account.id,
            }
        return {
            "default_kind": "bill_account",
            "default_partner_id": vendor.id,
            "default_bank_account_id": account.id,
            "default_move_id": self.id if self._name == "account.move" else False,
        }


class AccountMove(models.Model):
    _name = "account.move"
    _inherit = ["account.move", "distribution.vendor.payee.mixin"]

    def _vendor_payers(self):
        return self.filtered(lambda move: move.move_type in BILLS and move.move_type != "in_refund")

    @api.depends("bank_partner_id")
    def _compute_partner_bank_id(self):
        super()._compute_partner_bank_id()
        bills = self._vendor_pays().filtered("partner_bank_id")
        if not bills:
            return
        choice = bills.bank_partner_id.bank_ids | bills.partner_bank_id
        approved = self.env["distribution.vendor.value"]._approved_accounts(choice)
        for bill in bills:
            if bill._vendor_payee_in_force(bill.partner_bank_id, approved):
                continue
            own = bill.bank_partner_id.bank_ids.filtered(
                lambda account, bill=bill: (
                    account in approved and account.company_id in (bill.company_id, bill.company_id.browse())
                )
            )
            bill.partner_bank_id = own.sorted(lambda account: not account.allow_out_payment)[:1]

    @api.model_create_multi
    def create(self, vals_list):
        moves = super().create(vals_list)
        if any(vals.get("partner_bank_id") for vals in vals_list):
            moves._vendor_refuse_payee()
        return moves

    def write(self, vals):
        named = vals.get("partner_bank_id")
        if named and not {"partner_id", "move_type", "payment_type", "company_id"} & vals.keys():
            # Before it is written: whoever swallows the refusal has changed nothing.
            self._vendor_refuse_payee(self.env["res.partner.bank"].browse(named))
        result = super().write(vals)
        if named:
            self._vendor_refuse_payee()
        return result

    def _post(self, soft=True):
        self._vendor_refuse_payee()
        name = "payment_id" if "payment_id" in self._fields else "origin_payment_id"
        self[name]._vendor_refuse_payee()
        return super()._post(soft=soft)

    def _vendor_bills(self, account):
        return self


class AccountPayment(models.Model):
    _name = "account.payment"
    _inherit = ["account.payment", "distribution.vendor.payee.mixin"]

    def _vendor_payers(self):
        return self.filtered(lambda payment: payment.payment_type == "outbound" and not payment._vendor_stays_here())

    def _vendor_stays_here(self):
        """Whether the money goes to another account of our own."""
        own = "is_internal_transfer" in self._fields and self.is_internal_transfer
        return own and self.partner_bank_id == self.destination_journal_id.bank_account_id

    def _vendor_paid(self):
        """By who gets it: a vendor may be paid as if it were a customer."""
        others = self.filtered(lambda payment: payment.partner_type != "supplier")
        vendors = self.env["distribution.vendor.value"]._vendors(others.partner_id)
        return self.filtered(
            lambda payment: payment not in others or payment.sudo().partner_id.commercial_partner_id in vendors
        )

    def _vendor_bills(self, account):
        """The vendor's bills that are to be paid to ``account`` of somebody else."""
        return (
            self.env["account.move"]
            .sudo()
            .search(
                [
                    ("move_type", "in", BILLS),
                    ("partner_bank_id", "=", account.id),
                    ("commercial_partner_id", "=", self.sudo().partner_id.commercial_partner_id.id),
                    ("company_id", "=", self.company_id.id),
                ]
            )
        )

    @api.depends("partner_id", "company_id", "payment_type")
    def _compute_available_partner_bank_ids(self):
        super()._compute_available_partner_bank_ids()
        payments = self._vendor_pays()
        if payments:
            approved = self.env["distribution.vendor.value"]._approved_accounts(payments.available_partner_bank_ids)
            for payment in payments:
                payment.available_partner_bank_ids &= approved

    @api.model_create_multi
    def create(self, vals_list):
        payments = super().create(vals_list)
        if any(vals.get("partner_bank_id") for vals in vals_list):
            payments._vendor_refuse_payee()
        return payments

    def write(self, vals):
        named = vals.get("partner_bank_id")
        if named and not {"partner_id", "move_type", "payment_type", "company_id"} & vals.keys():
            # Before it is written: whoever swallows the refusal has changed nothing.
            self._vendor_refuse_payee(self.env["res.partner.bank"].browse(named))
        result = super().write(vals)
        if named:
            self._vendor_refuse_payee()
        return result

    def action_post(self):
        self._vendor_refuse_payee()
        return super().action_post()


class AccountPaymentRegister(models.TransientModel):
    _inherit = "account.payment.register"

    @api.model
    def _get_batch_available_partner_banks(self, batch_result, journal):
        """Accounts of the vendor that are in force, and the one that was approved for the bills."""
        accounts = super()._get_batch_available_partner_banks(batch_result, journal)
        values = self.env["distribution.vendor.value"]
        moves = batch_result["lines"].move_id
        if batch_result["payment_values"]["payment_type"] == "inbound" or not moves.company_id & values._companies():
            return accounts
        bills = moves._vendor_pays()
        if not bills and not values._vendors(batch_result["lines"].partner_id):
            return accounts
        named = bills.partner_bank_id._origin
        approved = self.env["distribution.vendor.value"]._approved_accounts(accounts | named)
        return (accounts & approved.sudo(False)) | named.filtered(
            lambda account: all(bill._vendor_payee_in_force(account, approved) for bill in bills)
        )
