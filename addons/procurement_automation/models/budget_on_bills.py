"""What vendors bill without an order, and who pays for it.

Lines of an order are paid by the budget of the order, or of its requisition. For the others the bill may name a budget
owner; where it names none, the budgets of nobody pay. As on orders, nobody spends another one's money in silence: not
by naming them, and not by confirming what their own name stands on, unless the policy of vendor bills asks them.
"""

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from odoo.addons.distribution_approval.documents.vendor_bill_match import BILL_TYPES
from odoo.addons.distribution_approval.engine import Unknown, as_decimal
from odoo.addons.distribution_approval.models.approval_mixin import LIVE_STATES
from odoo.addons.distribution_approval.models.approval_policy import today

from ..engine import Claim
from .budget_facts import FACTS


class AccountMove(models.Model):
    _name = "account.move"
    _inherit = ["account.move", "distribution.budget.facts"]

    budget_owner_id = fields.Many2one(
        "res.users",
        copy=False,
        index="btree_not_null",
        help="Whose budget pays for the lines without an order. Empty: the budgets of nobody. Another person than "
        "yourself has to approve it: that takes a policy for vendor bills which asks about it.",
    )

    def write(self, vals):
        if "budget_owner_id" in vals and not self.env.su:
            changed = self.filtered(lambda bill: bill.budget_owner_id.id != (vals["budget_owner_id"] or False))
            if any(bill.state != "draft" or bill.approval_state in LIVE_STATES for bill in changed.sudo()):
                raise UserError(
                    _("Budget Owner: the bill was judged by it. Reset it to draft, or withdraw the request.")
                )
        return super().write(vals)

    def _post(self, soft=True):
        """The owner of a budget confirms what it pays, or is asked: whatever was added since it was named."""
        # sudo: who is asked does not depend on what the one who confirms may read
        named = self.sudo().filtered(lambda move: move.state == "draft" and move.budget_owner_id)
        named.filtered(lambda bill: bill._lines_on_budget())._refuse_budget_of_another()
        return super()._post(soft=soft)

    def _reverse_moves(self, default_values_list=None, cancel=False):
        """What a bill took from a budget goes back there."""
        default_values_list = default_values_list or [{} for _move in self]
        for move, values in zip(self, default_values_list):
            if move.budget_owner_id and move.move_type in ("in_invoice", "in_receipt"):
                values["budget_owner_id"] = move.budget_owner_id.id
        return super()._reverse_moves(default_values_list=default_values_list, cancel=cancel)

    def _is_paid_by_another(self):
        """What gives something back to a budget takes nothing from its owner."""
        return super()._is_paid_by_another() and not (
            self.move_type == "in_refund" and sum(self._lines_on_budget().mapped("price_subtotal")) >= 0
        )

    def _lines_on_budget(self):
        """The lines of a bill for which its own budget owner pays."""
        if self.move_type not in BILL_TYPES:
            return self.invoice_line_ids.browse()
        return self._approval_lines().filtered(lambda line: not line.purchase_line_id)

    # ------------------------------------------------------------------ facts

    @api.model
    def _approval_fact_specs(self):
        return {**super()._approval_fact_specs(), **self._budget_fact_specs()}

    def _approval_facts(self, names):
        names = set(names)
        return self._add_budget_facts(super()._approval_facts(names - FACTS), names)

    def _approval_context(self):
        return {
            **super()._approval_context(),
            "budget_owner": [(owner, owner) for owner in self.budget_owner_id.sorted("id")],
        }

    def _budget_claims(self, day):
        self.ensure_one()
        values, claims = self._approval_line_values(), []
        for line in self._lines_on_budget() if self.move_type != "in_refund" else ():
            amount = self._approval_in_company_currency(
                max(values[line.id], as_decimal(0)), self.currency_id, self.company_id
            )
            if isinstance(amount, Unknown):
                return amount
            claims.append(
                Claim(
                    self.budget_owner_id.id or None,
                    line.product_id.categ_id._budget_path() if line.product_id else (),
                    self.date or today(self.company_id),
                    float(amount),
                )
            )
        return claims

    def _budget_without(self):
        return {"without_bills": self.filtered(lambda bill: bill.state == "posted").ids}
