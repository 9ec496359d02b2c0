"""Ways around a payment: a journal entry, or a payment to a relative of the vendor. Neither is refused.

A journal entry may record what has happened already, as a bank statement does; a payment to another
company of a vendor's group may be its own business. Both are seen: while bills of a vendor are held,

* an entry that is posted and takes from what is owed to that vendor, or moves money in its name out of
  a bank, cash or outstanding payments account, and
* a payment that settles nothing to a company above or below that vendor

open a critical case. The nightly control looks at the entries of the last days again.
"""

from odoo import _, api, fields, models

from odoo.addons.distribution_core.compat import IS_17

from ..models.approval_activation import NOWHERE
from .account_payment import MOVE_PAYMENT
from .bank_statement_line import LOOK_BACK_DAYS

CONTROL_BATCH = 1000
#: Types of the journals through which money moves.
MONEY_JOURNALS = ("bank", "cash", "credit")
PARTNER_ACCOUNTS = ("liability_payable", "asset_receivable")
#: Reversals of an entry.
REVERSALS = "reversal_move_id" if IS_17 else "reversal_move_ids"
#: By which part of it a balance may differ from the amount in foreign currency at the rate of the day: banks have
#: rates of their own.
RATE_MARGIN = 0.05
#: Set for as long as Odoo books exchange differences; nobody but our own code gets at it.
RECONCILING = "distribution_approval_reconciling"


class AccountMove(models.Model):
    _inherit = "account.move"

    @api.model_create_multi
    def create(self, vals_list):
        moves = super().create(vals_list)
        moves.filtered(lambda move: move.state == "posted")._approval_look_at_entries()
        return moves

    def write(self, vals):
        result = super().write(vals)
        if vals.get("state") == "posted":
            self._approval_look_at_entries()
        return result

    def _approval_look_at_entries(self):
        """Open a critical case for each entry that pays a vendor whose bills are held.

        A fixed number of queries for all, but for the cases that are opened.
        """
        activation = self.env["distribution.approval.activation"]
        entries = self.sudo().filtered(lambda move: move.move_type == "entry")
        if not entries or not activation._governed_places("vendor_bill"):
            return
        entries = entries._approval_written_by_hand().filtered(
            lambda move: activation._governed_sites("vendor_bill", move.company_id) != NOWHERE
        )
        held = self._approval_held_of(entries.line_ids.partner_id.commercial_partner_id, entries.company_id)
        vendors, money = {}, self._approval_money_accounts(held.company_id)
        for bill in held:
            vendors.setdefault(bill.company_id, self.env["res.partner"].sudo())
            vendors[bill.company_id] |= bill.commercial_partner_id
        paid, rates = {}, {}
        if vendors:
            entries._approval_read_with_reversals()
        for entry in entries.filtered(lambda entry: entry.company_id in vendors):
            for vendor in vendors[entry.company_id] & entry.line_ids.partner_id.commercial_partner_id:
                amount = entry._approval_taken_by(vendor, money[entry.company_id], rates)
                if entry.company_id.currency_id.compare_amounts(amount, 0) > 0:
                    paid[entry, vendor] = amount
        self._approval_report_entries(paid, held)

    def _approval_written_by_hand(self):
        """Those of these entries that people may have written.

        Not: payments and bank statements, which have a control of their own, and the exchange differences that Odoo
        books itself. Fields of an entry that say what it is are not believed: people can write them.
        """
        entries = self.filtered(
            lambda move: (
                move.move_type == "entry"
                and move[MOVE_PAYMENT].move_id != move
                and move.statement_line_id.move_id != move
            )
        )
        return entries - entries._approval_rate_differences()

    def _approval_rate_differences(self):
        """Those of these entries by which Odoo closes what rates left open between items in foreign currency.

        Odoo makes them while it reconciles such items, and reconciles them with those at once.
        """
        entries = self.filtered(lambda move: move.journal_id == move.company_id.currency_exchange_journal_id)
        if not entries or RECONCILING in self.env.cr.precommit.data:
            return entries
        closed = entries.browse()
        for model in ("account.partial.reconcile", "account.full.reconcile"):
            links = self.env[model].sudo()  # whoever posts an entry need not read what is reconciled
            if "exchange_move_id" not in links._fields:
                continue
            for link in links.search([("exchange_move_id", "in", entries.ids)]):
                parts = link if model == "account.partial.reconcile" else link.partial_reconcile_ids
                if (parts.debit_currency_id | parts.credit_currency_id) - link.exchange_move_id.company_id.currency_id:
                    closed |= link.exchange_move_id
        return closed.filtered(
            lambda move: all(
                line.reconciled for line in move.line_ids if line.account_id.account_type in PARTNER_ACCOUNTS
            )
        )

    def _approval_with_reversals(self):
        """This entry, what it reverses and the other reversals of that: together they say what is left of it."""
        first = self.reversed_entry_id if self.reversed_entry_id.move_type == "entry" else self
        related = first | first[REVERSALS]
        return self | related.filtered(lambda move: move.state == "posted" and move.company_id == self.company_id)

    def _approval_read_with_reversals(self):
        """Read what :meth:`_approval_with_reversals` looks at, for all of these at once."""
        related = self | self.reversed_entry_id
        related |= related[REVERSALS]
        related.line_ids.mapped("account_id.account_type")

    @api.model
    def _approval_worth(self, lines, date, rates):
        """What ``lines`` debit together (negative: credit), in company currency.

        By their balance, unless their amounts in foreign currency say clearly more at the rate of ``date``: who
        enters a balance apart from the amount decides nothing by it, for what is owed is paid in its own currency.

        :param rates: ``{(currency, company, date): rate}``, filled on the way
        """
        balance = sum(lines.mapped("balance"))
        by_rate = 0.0
        for line in lines:
            company, currency = line.company_id, line.currency_id
            if currency and currency != company.currency_id and line.amount_currency:
                key = currency, company, date
                if key not in rates:
                    rates[key] = currency._convert(1.0, company.currency_id, company, date, round=False)
                by_rate += line.amount_currency * rates[key]
            else:
                by_rate += line.balance
        return by_rate if abs(by_rate - balance) > RATE_MARGIN * abs(balance) else balance

    @api.model
    def _approval_held_in(self, companies):
        """All bills of ``companies`` that are held; one query."""
        return self.search(self._approval_held_domain(companies)) if companies else self.browse()

    def _approval_taken_by(self, vendor, money_accounts, rates):
        """What this entry pays to ``vendor``, in company currency: off its payables, or out of the bank.

        What was entered and is reversed, or reverses, counts together."""
        own = self._approval_with_reversals().line_ids.filtered(
            lambda line: line.partner_id.commercial_partner_id == vendor
        )
        owed = own.filtered(lambda line: line.account_id.account_type == "liability_payable")
        money = own.filtered(
            lambda line: line.account_id.account_type == "asset_cash" or line.account_id in money_accounts
        )
        return max(self._approval_worth(owed, self.date, rates), -self._approval_worth(money, self.date, rates))

    @api.model
    def _approval_money_accounts(self, companies):
        """``{company: accounts out of which money leaves}``, beside those of type bank and cash: payments under way."""
        journals = (
            self.env["account.journal"]
            .sudo()
            .search([("type", "in", MONEY_JOURNALS), ("company_id", "in", companies.ids)])
            if companies
            else self.env["account.journal"]
        )
        accounts = {}
        for company in companies:
            own = journals.filtered(lambda journal, company=company: journal.company_id == company)
            accounts[company] = own.default_account_id | own.outbound_payment_method_line_ids.payment_account_id
            if "account_journal_payment_credit_account_id" in company._fields:
                accounts[company] |= company.account_journal_payment_credit_account_id
        return accounts

    @api.model
    def _approval_report_entries(self, paid, held):
        """A case for each of ``paid``, ``{(entry, vendor): amount}``, that was not reported before."""
        keys = {found: f"paid_past_hold:entry:{found[0].id}:{found[1].id}" for found in paid}
        cases = self.env["distribution.case"].sudo()
        known = set(cases.search([("dedup_key", "in", list(keys.values()))]).mapped("dedup_key")) if keys else set()
        for (entry, vendor), amount in paid.items():
            key = keys[entry, vendor]
            if key in known:
                continue
            own = held.filtered(
                lambda bill, entry=entry, vendor=vendor: (
                    bill.commercial_partner_id == vendor and bill.company_id == entry.company_id
                )
            )
            cases._open(
                "paid_past_hold",
                entry,
                _("Booked as paid although held: %s", vendor.display_name),
                detail=_(
                    "Journal entry %(entry)s books %(amount)s as paid to this vendor, while these bills are held: "
                    "%(bills)s. It is recorded; find out whether the money has left, and who ordered it.",
                    entry=entry.name,
                    amount=entry.company_id.currency_id.format(amount),
                    bills=", ".join(bill._approval_name() for bill in own),
                ),
                dedup_key=key,
            )


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def _create_exchange_difference_moves(self, *args, **kwargs):
        """What is posted in here is booked by Odoo; it is reconciled afterwards only."""
        going_on = self.env.cr.precommit.data
        if RECONCILING in going_on:
            return super()._create_exchange_difference_moves(*args, **kwargs)
        going_on[RECONCILING] = True
        try:
            return super()._create_exchange_difference_moves(*args, **kwargs)
        finally:
            going_on.pop(RECONCILING, None)


class AccountPayment(models.Model):
    _inherit = "account.payment"

    def _approval_check_payment(self):
        result = super()._approval_check_payment()
        self._approval_report_relatives()
        return result

    def _approval_report_relatives(self):
        """A direct payment to a company above or below a vendor whose bills are held.

        One query while none is held; a few else, for all payments together.
        """
        held = self.env["account.move"].sudo()._approval_held_in(self.sudo().company_id)
        if not held:
            return
        relatives = self._approval_relatives()
        for payment in self.sudo():
            own = held.filtered(
                lambda bill, payment=payment: (
                    bill.company_id == payment.company_id and bill.commercial_partner_id.id in relatives[payment]
                )
            )
            direct = own and payment._approval_direct_amount(payment._approval_settled())
            if not own or payment.company_id.currency_id.compare_amounts(direct, 0) <= 0:
                continue
            self.env["distribution.case"].sudo()._open(
                "paid_past_hold",
                payment,
                _(
                    "Paid to a relative of a vendor whose bills are held: %s",
                    own.commercial_partner_id[:1].display_name,
                ),
                detail=_(
                    "%(amount)s of this payment to %(payee)s settles no released bill, while bills of companies of "
                    "the same group are held: %(bills)s.",
                    amount=payment.company_id.currency_id.format(direct),
                    payee=payment.partner_id.display_name,
                    bills=", ".join(bill._approval_name() for bill in own),
                ),
                dedup_key=f"paid_past_hold:{payment._name}:{payment.id}:relatives",
            )

    def _approval_relatives(self):
        """``{payment: ids of the commercial entities above and below its payees, without themselves}`` (sudo)."""
        payees = {payment: set(payment._approval_payees().ids) for payment in self.sudo()}
        named = set().union(*payees.values())
        everybody = self.env["res.partner"].sudo().with_context(active_test=False)
        family = {partner_id: set() for partner_id in named}
        for partner in everybody.search(["|", ("id", "parent_of", list(named)), ("id", "child_of", list(named))]):
            above = partner
            while above:
                if above.id in named:
                    family[above.id].add(partner.commercial_partner_id.id)
                if partner.id in named:
                    family[partner.id].add(above.commercial_partner_id.id)
                above = above.parent_id
        return {payment: set().union(*map(family.get, own)) - own for payment, own in payees.items()}


class ApprovalControl(models.AbstractModel):
    _inherit = "distribution.approval.control"

    @api.model
    def _cron_find_ungated(self):
        """Entries of the last days are looked at again: bills may have been held, or lines changed, since."""
        found = super()._cron_find_ungated()
        companies = self.env["distribution.approval.activation"]._governed_places("vendor_bill")
        if not companies:
            return found
        moves = self.env["account.move"].sudo()
        ids = moves.search(
            [
                ("company_id", "in", list(companies)),
                ("move_type", "=", "entry"),
                ("state", "=", "posted"),
                ("write_date", ">=", fields.Datetime.subtract(fields.Datetime.now(), days=LOOK_BACK_DAYS)),
            ]
        ).ids
        for start in range(0, len(ids), CONTROL_BATCH):
            moves.browse(ids[start : start + CONTROL_BATCH]).exists()._approval_look_at_entries()
        return found
