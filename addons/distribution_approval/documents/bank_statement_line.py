"""Money that has left the bank is recorded, whatever approval says – and somebody looks at it.

A bank statement tells what happened; refusing to record it would not bring the money back. So a
statement line never meets a gate. When it shows that a vendor whose bills are held was paid past
the hold, a critical case is opened: when it is committed, for importing, choosing a counterpart and
reconciling are several steps. What is refused is to put it against a held bill: it stays unexplained.
"""

import logging
from functools import partial

from odoo import SUPERUSER_ID, _, api, fields, models
from odoo.exceptions import UserError

from ..models.approval_activation import NOWHERE
from .account_payment import MOVE_PAYMENT

_logger = logging.getLogger(__name__)

#: The nightly control looks back that far.
LOOK_BACK_DAYS = 7
PENDING_KEY = "distribution.approval.statement_lines"


class AccountBankStatementLine(models.Model):
    _inherit = "account.bank.statement.line"

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines._approval_look_at_commit()
        return lines

    def write(self, vals):
        result = super().write(vals)
        if not {"amount", "partner_id", "line_ids", "journal_id", "date"}.isdisjoint(vals):
            self._approval_look_at_commit()
        return result

    def _approval_look_at_commit(self):
        """Look at these lines once they are committed; nothing is done where bills are not governed."""
        activation = self.env["distribution.approval.activation"]
        out = self.sudo().filtered(lambda line: line.amount < 0)
        out = out.filtered(lambda line: activation._governed_sites("vendor_bill", line.company_id) != NOWHERE)
        if not out:
            return
        data = self.env.cr.postcommit.data
        if PENDING_KEY not in data:
            data[PENDING_KEY] = set()
            self.env.cr.postcommit.add(partial(_look, self.env.registry, data[PENDING_KEY]))
        data[PENDING_KEY].update(out.ids)

    def _approval_look(self):
        """Open a critical case for each line that paid past a hold."""
        held = self.env["account.move"]._approval_held_of(self.partner_id.commercial_partner_id, self.company_id)
        if not held:
            return
        for line in self:
            own = held.filtered(
                lambda bill, line=line: (
                    bill.company_id == line.company_id
                    and bill.commercial_partner_id == line.partner_id.commercial_partner_id
                )
            )
            known = [("dedup_key", "=", f"paid_past_hold:{line.id}")]
            if own and line._approval_past_the_hold(own) and not self.env["distribution.case"].search_count(known):
                self.env["distribution.case"]._open(
                    "paid_past_hold",
                    line.move_id,
                    _("Paid although held: %s", line.partner_id.commercial_partner_id.display_name),
                    detail=_(
                        "%(amount)s left the bank on %(date)s and settles no released bill, while these bills are "
                        "held: %(bills)s. It is recorded; find out who ordered the payment, and how.",
                        amount=line.company_id.currency_id.format(abs(line._approval_company_amount())),
                        date=line.date,
                        bills=", ".join(bill._approval_name() for bill in own),
                    ),
                    dedup_key=f"paid_past_hold:{line.id}",
                )

    def _approval_company_amount(self):
        liquidity, _suspense, _other = self._seek_for_lines()
        return sum(liquidity.mapped("balance"))

    def _approval_past_the_hold(self, held):
        """Whether this line settles something else than released bills and initiated payments.

        A line whose counterpart is not known yet counts when its amount is that of a held bill.
        """
        liquidity, suspense, other = self._seek_for_lines()
        if suspense:
            paid = abs(sum(liquidity.mapped("amount_currency")))
            return any(
                not liquidity.currency_id[:1].compare_amounts(paid, float(bill._approval_payable()))
                for bill in held
                if bill.currency_id == liquidity.currency_id[:1]
            )
        owed = other.filtered(lambda line: line.account_id.account_type in ("liability_payable", "asset_receivable"))
        direct = sum(owed.mapped("balance"))
        for match in owed.matched_debit_ids | owed.matched_credit_ids:
            counterpart = (match.debit_move_id | match.credit_move_id) - owed
            if counterpart.move_id._approval_bills() or counterpart.move_id[MOVE_PAYMENT]:
                direct -= match.amount
        return self.company_id.currency_id.compare_amounts(direct, 0) > 0


class ApprovalControl(models.AbstractModel):
    _inherit = "distribution.approval.control"

    @api.model
    def _cron_find_ungated(self):
        """Statement lines of the last days are looked at again: their bills may have been held since."""
        found = super()._cron_find_ungated()
        companies = self.env["distribution.approval.activation"]._governed_places("vendor_bill")
        since = fields.Date.subtract(fields.Date.today(), days=LOOK_BACK_DAYS)
        lines = (
            self.env["account.bank.statement.line"]
            .sudo()
            .search([("company_id", "in", list(companies)), ("amount", "<", 0), ("date", ">=", since)])
            if companies
            else self.env["account.bank.statement.line"]
        )
        lines._approval_look()
        return found


def _look(registry, ids):
    """In a transaction of its own: recording what happened never waits for this, and never fails by it."""
    try:
        with registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["account.bank.statement.line"].browse(sorted(ids)).exists()._approval_look()
    except Exception:
        _logger.exception("statement lines %s are compared with held bills by the nightly control", sorted(ids))


class AccountPartialReconcile(models.Model):
    _inherit = "account.partial.reconcile"

    @api.model_create_multi
    def create(self, vals_list):
        partials = super().create(vals_list)
        # sudo: whoever reconciles need not read the bills
        moves = (partials.debit_move_id | partials.credit_move_id).move_id.sudo()
        moves._approval_check_settled()
        moves.statement_line_id._approval_look_at_commit()
        return partials


class AccountMove(models.Model):
    _inherit = "account.move"

    def _approval_check_settled(self):
        """Nothing is put against a bill before it is posted. Odoo 19.0 would, and the money then looks explained.

        :raises UserError: a governed bill is a draft
        """
        held = self.filtered(lambda move: move.state == "draft")._approval_governed()
        if held:
            raise UserError(
                _(
                    "%s: not posted yet, so nothing is reconciled with it. Post it first, which takes its approval.",
                    ", ".join(bill._approval_name() for bill in held),
                )
            )
