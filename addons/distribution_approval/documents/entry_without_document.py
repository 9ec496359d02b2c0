"""Journal entries that say what a bill or a credit note would say, and never met its policy.

Recording is never blocked; somebody looks at it. Where vendor bills are governed, an entry that lets more be
owed to a partner opens a case; where customer credit notes are, an entry that lets a customer owe less does.
Money that the same entry moves in or out of a bank, cash or payments account explains it: that is how a
payment is recorded by hand.

Initiating a payment of what such an entry says is owed (the wizard on the journal item) opens a critical
case. It is not held: an entry has no release that could let it go, and old debts are booked like this when a
company starts with Odoo. While bills of the vendor are held, nothing beyond released bills is paid at all
(``account_payment.py``): not what an entry says either.
"""

from typing import NamedTuple

from odoo import _, api, fields, models

from ..models.approval_activation import NOWHERE
from .bank_statement_line import LOOK_BACK_DAYS
from .payable_entry import CONTROL_BATCH, MONEY_JOURNALS

CASE = "booked_past_approval"
PAYABLE, RECEIVABLE = "liability_payable", "asset_receivable"


class Side(NamedTuple):
    """A type of account, and the document whose policy says what is credited to it."""

    account_type: str
    document_type: str


SIDES = (Side(PAYABLE, "vendor_bill"), Side(RECEIVABLE, "customer_credit_note"))


class AccountMove(models.Model):
    _inherit = "account.move"

    def _approval_look_at_entries(self):
        super()._approval_look_at_entries()
        self._approval_look_at_credits()

    def _approval_look_at_credits(self):
        """Open a case for each entry that credits a partner without bill or credit note; a fixed number of queries
        for all, but for the cases that are opened."""
        activation = self.env["distribution.approval.activation"]
        entries = self.sudo().filtered(lambda move: move.move_type == "entry" and move.state == "posted")
        sides = [side for side in SIDES if entries and activation._governed_places(side.document_type)]
        if not sides:
            return
        entries = entries._approval_booked_without_document()
        money = self._approval_receiving_accounts(entries.company_id)
        entries._approval_read_with_reversals()
        found, rates = {}, {}
        for side in sides:
            for entry in entries:
                if activation._governed_sites(side.document_type, entry.company_id) == NOWHERE:
                    continue
                accounts = money[entry.company_id]
                for partner, amount in entry._approval_credited_to(side.account_type, accounts, rates).items():
                    found[entry, partner, side] = amount
        self._approval_report_credits(found)

    def _approval_booked_without_document(self):
        """Those written by hand, but for opening balances and the closing of a point of sale."""
        entries = self._approval_written_by_hand()
        entries -= entries.company_id.account_opening_move_id
        if "pos.session" in self.env and entries:
            # sudo: whoever posts an entry need not see sessions
            entries -= self.env["pos.session"].sudo().search([("move_id", "in", entries.ids)]).move_id
        return entries

    def _approval_credited_to(self, account_type, money_accounts, rates):
        """``{partner: amount}`` that this entry credits beyond money received, in company currency.

        Moving a debt of the same partner from one account to another of that type credits nothing, nor does taking
        back what an entry took: a reversal counts together with what it reverses.
        """
        moves = self._approval_with_reversals()
        lines = {}
        for line in moves.line_ids.filtered(lambda line: line.account_id.account_type == account_type):
            partner = line.partner_id.commercial_partner_id
            if partner:
                lines[partner] = lines.get(partner, line.browse()) | line
        credited = {partner: -self._approval_worth(own, self.date, rates) for partner, own in lines.items()}
        money = moves.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_cash" or line.account_id in money_accounts
        )
        received = min(sum(money.mapped("balance")), self._approval_worth(money, self.date, rates))
        currency = self.company_id.currency_id
        more = sum(amount for amount in credited.values() if amount > 0)
        if currency.compare_amounts(more, max(received, 0.0)) <= 0:
            return {}
        return {partner: amount for partner, amount in credited.items() if currency.compare_amounts(amount, 0) > 0}

    @api.model
    def _approval_report_credits(self, found):
        """A case for each of ``found``, ``{(entry, partner, side): amount}``, that was not reported before."""
        keys = {key: f"{CASE}:{key[0].id}:{key[1].id}:{key[2].account_type}" for key in found}
        cases = self.env["distribution.case"].sudo()
        known = set(cases.search([("dedup_key", "in", list(keys.values()))]).mapped("dedup_key")) if keys else set()
        for (entry, partner, side), amount in found.items():
            key = keys[entry, partner, side]
            if key in known:
                continue
            words = {"entry": entry.name, "amount": entry.company_id.currency_id.format(amount)}
            if side.account_type == PAYABLE:
                summary = _("Owed without a bill: %s", partner.display_name)
                detail = _(
                    "Journal entry %(entry)s says that %(amount)s more is owed to this partner. No bill was judged. "
                    "It is recorded; find out what was bought. If there is a bill, reverse the entry and enter it.",
                    **words,
                )
            else:
                summary = _("Credited without a credit note: %s", partner.display_name)
                detail = _(
                    "Journal entry %(entry)s says that this customer owes %(amount)s less. No credit note was judged. "
                    "It is recorded; find out why. If it is a credit, reverse the entry and enter a credit note.",
                    **words,
                )
            cases._open(CASE, entry, summary, detail=detail, dedup_key=key)

    @api.model
    def _approval_receiving_accounts(self, companies):
        """``{company: accounts}`` as :meth:`_approval_money_accounts`, with those of money on its way in; one query."""
        accounts = self._approval_money_accounts(companies)
        journals = self.env["account.journal"].sudo()  # sudo: whoever posts an entry need not see every journal
        for journal in journals.search([("type", "in", MONEY_JOURNALS), ("company_id", "in", companies.ids)]):
            accounts[journal.company_id] |= journal.inbound_payment_method_line_ids.payment_account_id
        return accounts


class AccountPaymentRegister(models.TransientModel):
    _inherit = "account.payment.register"

    def _create_payments(self):
        entries = self._approval_entries_paid()
        payments = super()._create_payments()
        for entry in entries:
            self._approval_report_entry_paid(entry, payments)
        return payments

    def _approval_entries_paid(self):
        """Entries of governed companies that say what is owed, and are about to be paid (sudo)."""
        activation = self.env["distribution.approval.activation"]
        owed = self.sudo().line_ids.filtered(
            lambda line: line.account_id.account_type == PAYABLE and line.amount_residual < 0
        )
        return owed.move_id._approval_booked_without_document().filtered(
            lambda move: activation._governed_sites("vendor_bill", move.company_id) != NOWHERE
        )

    def _approval_report_entry_paid(self, entry, payments):
        vendors = entry.line_ids.filtered(lambda line: line.account_id.account_type == PAYABLE).partner_id
        self.env["distribution.case"].sudo()._open(
            "paid_past_hold",
            entry,
            _("Paid without a bill: %s", ", ".join(vendors.commercial_partner_id.mapped("display_name"))),
            detail=_(
                "Payment %(payments)s is for what journal entry %(entry)s says is owed. No bill was judged. "
                "Find out what was bought before the money leaves, and who ordered it.",
                payments=", ".join(payment.display_name for payment in payments),
                entry=entry.name,
            ),
            dedup_key=f"paid_past_hold:without_bill:{entry.id}",
        )


class ApprovalControl(models.AbstractModel):
    _inherit = "distribution.approval.control"

    @api.model
    def _cron_find_ungated(self):
        """Entries of the last days are looked at again: lines may have been added since."""
        found = super()._cron_find_ungated()
        activation = self.env["distribution.approval.activation"]
        companies = set().union(*(activation._governed_places(side.document_type) for side in SIDES))
        moves = self.env["account.move"].sudo()
        ids = (
            companies
            and moves.search(
                [
                    ("company_id", "in", list(companies)),
                    ("move_type", "=", "entry"),
                    ("state", "=", "posted"),
                    ("write_date", ">=", fields.Datetime.subtract(fields.Datetime.now(), days=LOOK_BACK_DAYS)),
                ]
            ).ids
            or []
        )
        for start in range(0, len(ids), CONTROL_BATCH):
            moves.browse(ids[start : start + CONTROL_BATCH]).exists()._approval_look_at_credits()
        return found
