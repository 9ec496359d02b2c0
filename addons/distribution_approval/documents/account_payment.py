"""Initiating a payment to a vendor: what leaves the bank settles released bills, and nothing beside them.

Guarded: an outgoing payment that is posted (17.0), or in process or paid (19.0, where it may have no
journal entry). It has no policy of its own: a bill's release carries its payment.

* What the payment settles are posted bills. Under governance each of them needs its release.
* What it pays beyond them is a *direct payment*. While bills of that vendor are held – waiting, on hold,
  refused, withdrawn, reset to draft – there is none: neither an advance, nor more than the bills
  with the rest written off, nor a detour as refund to a customer, or to the vendor's bank
  account under another name.
* It goes to an account of the vendor, and to the one that was released with the bill.
* A direct payment after a bill was turned down and deleted is not held; it opens a case.

It is judged on the result, when the outermost frame closes: the wizard first posts payments and then
reconciles them. Money that has left already is recorded elsewhere and never refused: see
``bank_statement_line.py``.
"""

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from odoo.addons.distribution_core.compat import IS_17

from ..engine import as_decimal, seal
from ..models.approval_activation import NOWHERE
from ..models.gate_frame import gate_frame
from .vendor_bill_match import OWED_TYPES

#: Payment of a journal entry.
MOVE_PAYMENT = "payment_id" if IS_17 else "origin_payment_id"
#: States of 19.0 in which a payment has been initiated.
INITIATED = ("in_process", "paid")

#: A direct payment is reported when a bill of the vendor was dropped within so many days.
DROPPED_DAYS = 30

WATCHED = frozenset(
    {
        "state",
        "amount",
        "payment_type",
        "partner_type",
        "partner_id",
        "partner_bank_id",
        "currency_id",
        "journal_id",
        "move_id",
    }
)


class AccountPayment(models.Model):
    _inherit = "account.payment"

    @api.model_create_multi
    def create(self, vals_list):
        with gate_frame(self.env) as frame:
            payments = super().create(vals_list)
            frame.born(payments)
            return payments

    def write(self, vals):
        if not WATCHED & vals.keys():
            return super().write(vals)
        with gate_frame(self.env) as frame:
            frame.touch(self)
            return super().write(vals)

    def action_post(self):
        # The review waits for what the whole method does (17.0 posts the entry, 19.0 sets the state).
        with gate_frame(self.env) as frame:
            frame.touch(self)
            return super().action_post()

    # ------------------------------------------------- what a frame asks about

    def _approval_is_guarded(self):
        """Whether the order to pay has been given."""
        self.ensure_one()
        payment = self.sudo()
        if payment.payment_type != "outbound":
            return False
        return payment.move_id.state == "posted" or (not IS_17 and payment.state in INITIATED)

    def _approval_governed(self):
        """Payments of companies in which vendor bills are governed, wherever in the company."""
        activation = self.env["distribution.approval.activation"]
        payments = self.sudo()
        governed = {
            company.id
            for company in payments.company_id
            if activation._governed_sites("vendor_bill", company) != NOWHERE
        }
        return self.browse(payment.id for payment in payments if payment.company_id.id in governed)

    def _approval_snapshots(self):
        """``{id: Snapshot}`` of what was ordered to be paid, and to whom."""
        return {
            payment.id: seal(
                {
                    "partner_id": payment.partner_id.id or None,
                    "partner_bank_id": payment.partner_bank_id.id or None,
                    "currency_id": payment.currency_id.id,
                    "amount": as_decimal(payment.amount),
                }
            )
            for payment in self.sudo()
        }

    def _approval_review(self, frame):
        """Payments that were initiated, or changed after that, in this frame."""
        initiated = self.sudo().filtered(lambda payment: payment._approval_is_guarded())
        if not initiated:
            return
        governed = initiated._approval_governed()
        snapshots = governed._approval_snapshots()
        new = governed.filtered(
            lambda payment: frame.before.get((payment._name, payment.id)) != snapshots[payment.id].digest
        )
        new._approval_check_payment()

    # ---------------------------------------------------------------- the rule

    def _approval_check_payment(self):
        """Refuse what no release carries; a fixed number of queries, whatever the number of payments."""
        if not self:
            return
        settled = {payment: payment._approval_settled() for payment in self}
        bills = self.env["account.move"].sudo().union(*(bill for found in settled.values() for bill, _amount in found))
        unreleased = bills._approval_unreleased()
        if unreleased:
            raise UserError(
                _(
                    "These bills have no release and cannot be paid: %s.\n"
                    "Confirm them (those that are posted: reset them to draft first). What is within policy is "
                    "released at once, the rest when it is approved.",
                    ", ".join(unreleased.mapped("display_name")),
                )
            )
        for payment in self:
            payment._approval_check_account(bills.browse().union(*(bill for bill, _amount in settled[payment])))
        held = self._approval_held_bills()
        self._approval_report_dropped(settled, held)
        for payment in self:
            own = held.filtered(
                lambda bill, payment=payment: (
                    bill.company_id == payment.company_id and bill.commercial_partner_id in payment._approval_payees()
                )
            )
            if not own:
                continue
            direct = payment._approval_direct_amount(settled[payment])
            currency = payment.company_id.currency_id
            if currency.compare_amounts(direct, 0) > 0:
                raise UserError(
                    _(
                        "%(amount)s of this payment to %(vendor)s settles no released bill, "
                        "while bills of this vendor are held:\n%(bills)s\n"
                        "Pay released bills with “Register Payment”, and no more than they amount to; "
                        "what is held is paid when it is approved.",
                        amount=currency.format(direct),
                        vendor=", ".join(own.commercial_partner_id.mapped("display_name")),
                        bills="\n".join("• %s" % bill._approval_name() for bill in own),
                    )
                )

    def _approval_check_account(self, bills):
        """The money goes to the vendor, and to the account that was released with the bill."""
        self.ensure_one()
        account = self.partner_bank_id
        if not account:
            return
        elsewhere = account.partner_id.commercial_partner_id != self.partner_id.commercial_partner_id
        if elsewhere and not self._approval_pays_elsewhere(bills):
            raise UserError(
                _(
                    "Recipient Bank Account: it belongs to %(owner)s, the payment is for %(vendor)s. "
                    "Choose an account of the vendor, or have this one approved for the bill (Vendor Master Changes, "
                    "“Pay a bill to somebody else's account”) and pay that bill only.",
                    owner=account.partner_id.commercial_partner_id.display_name,
                    vendor=self.partner_id.display_name or _("nobody"),
                )
            )
        for bill in bills:
            if bill.partner_bank_id and bill.partner_bank_id != account and bill._approval_governed():
                raise UserError(
                    _(
                        "Recipient Bank Account: %(bill)s was released for the %(released)s, not for the %(chosen)s. "
                        "Change the account on the bill first: it is approved as an amendment.",
                        bill=bill.display_name,
                        released=bill._approval_name_of("partner_bank_id", bill.partner_bank_id.id),
                        chosen=bill._approval_name_of("partner_bank_id", account.id),
                    )
                )

    def _approval_report_dropped(self, settled, held):
        """A direct payment after a bill of that vendor was turned down and dropped: nothing holds it, but
        somebody looks at it."""
        payments = self.filtered(
            lambda payment: (
                not payment._approval_payees() & held.commercial_partner_id
                and payment.company_id.currency_id.compare_amounts(payment._approval_direct_amount(settled[payment]), 0)
                > 0
            )
        )
        if not payments:
            return
        requests = (
            self.env["distribution.approval.request"]
            .sudo()
            .search(
                [
                    ("document_type", "=", "vendor_bill"),
                    ("kind", "=", "release"),
                    ("company_id", "in", payments.company_id.ids),
                    ("partner_id", "in", payments._approval_payees().ids),
                    ("state", "in", ("rejected", "refused", "withdrawn", "void")),
                    ("closed_at", ">=", fields.Datetime.subtract(fields.Datetime.now(), days=DROPPED_DAYS)),
                ]
            )
        )
        for payment in payments:
            dropped = requests.filtered(
                lambda request, payment=payment: (
                    request.company_id == payment.company_id
                    and request.partner_id in payment._approval_payees()
                    and request._document().exists().state in (False, "cancel")
                )
            )
            if dropped:
                self.env["distribution.case"].sudo()._open(
                    "paid_past_hold",
                    payment,
                    _("Paid directly after a bill was dropped: %s", dropped.partner_id[:1].display_name),
                    detail=_(
                        "This payment settles no bill. These bills of the vendor were not released and then deleted or "
                        "cancelled within the last %(days)s days: %(requests)s.",
                        days=DROPPED_DAYS,
                        requests=", ".join("%s (%s)" % (request.document_name, request.name) for request in dropped),
                    ),
                    dedup_key=f"paid_past_hold:{payment._name}:{payment.id}",
                )

    def _approval_payees(self):
        """Who gets the money: by name, and by bank account."""
        return (self.partner_id | self.partner_bank_id.partner_id).commercial_partner_id

    def _approval_held_bills(self):
        """Bills of the payees that approval holds back, or once did: drafts about which policy was asked."""
        return self.env["account.move"].sudo()._approval_held_of(self.sudo()._approval_payees(), self.sudo().company_id)

    def _approval_settled(self):
        """``[(bill, amount in company currency)]`` that this payment settles."""
        self.ensure_one()
        settled = []
        own = self.move_id.line_ids
        for partial in own.matched_debit_ids | own.matched_credit_ids:
            other = (partial.debit_move_id | partial.credit_move_id) - own
            if other.move_id._approval_bills():
                settled.append((other.move_id, partial.amount))
        if not self.move_id:
            settled.extend(self._approval_settled_without_entry())
        elif not IS_17:
            # Named by the payment, reconciled or not: a draft cannot be.
            settled.extend((bill, 0.0) for bill in self.invoice_ids._approval_bills())
        return settled

    def _approval_settled_without_entry(self):
        """19.0: a payment without journal entry names the bills that it pays; what is open on them is settled."""
        left = abs(self.amount_company_currency_signed)
        for bill in self.invoice_ids._approval_bills():
            others = bill.matched_payment_ids.filtered(
                lambda other: other != self and not other.move_id and other.state in INITIATED
            )
            open_amount = abs(bill.amount_residual_signed) - sum(
                abs(other.amount_company_currency_signed) for other in others
            )
            amount = min(left, max(open_amount, 0.0))
            left -= amount
            yield bill, amount

    def _approval_direct_amount(self, settled):
        """What is paid beyond posted bills, in company currency."""
        return self._approval_paid() - sum(amount for bill, amount in settled if bill.state == "posted")

    def _approval_paid(self):
        """What the bank is told to pay, in company currency: as it is booked, or more if the payment says more."""
        booked = abs(self.amount_company_currency_signed)
        if not self.move_id:
            return booked
        liquidity, _counterpart, _writeoff = self._seek_for_lines()
        in_currency = abs(sum(liquidity.mapped("amount_currency")))
        return booked * max(self.amount / in_currency, 1.0) if in_currency else max(booked, self.amount)


class AccountPaymentRegister(models.TransientModel):
    _inherit = "account.payment.register"

    def _create_payments(self):
        """Payments are posted first and reconciled then: what they settle shows at the end."""
        with gate_frame(self.env):
            return super()._create_payments()


class AccountMove(models.Model):
    _inherit = "account.move"

    def write(self, vals):
        if "state" not in vals:
            return super().write(vals)
        # 17.0: a payment's state is that of its entry; 19.0: an entry may be posted before its payment.
        payments = self.sudo()[MOVE_PAYMENT]
        if not payments:
            return super().write(vals)
        with gate_frame(self.env) as frame:
            frame.touch(payments)
            return super().write(vals)

    def _approval_unreleased(self):
        """Those of these bills that are governed and not posted, or that no release covers as they are."""
        governed = self._approval_governed()
        if not governed:
            return governed
        releases = self.env["distribution.approval.release"]._valid_for(governed)
        snapshots = governed._approval_snapshots()
        return governed.filtered(
            lambda bill: (
                bill.state != "posted"
                or not any(release._covers(snapshots[bill.id]) for release in releases.get(bill.id, ()))
            )
        )

    @api.model
    def _approval_held_of(self, partners, companies):
        """Bills of ``partners`` (commercial entities) that are held; one query."""
        if not partners or not companies:
            return self.browse()
        return self.search([*self._approval_held_domain(companies), ("commercial_partner_id", "in", partners.ids)])

    @api.model
    def _approval_held_domain(self, companies):
        """Drafts that somebody tried to post: what policy did not pass."""
        return [
            ("state", "=", "draft"),
            ("approval_state", "!=", False),
            ("move_type", "in", OWED_TYPES),
            ("company_id", "in", companies.ids),
        ]
