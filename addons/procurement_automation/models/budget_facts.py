"""Budgets as policies see them: for purchase orders and requisitions, in sets, with turns taken.

Whose budget pays is named on the document. Nobody spends another one's money in silence: who may be named without
asking are oneself, nobody, and for a requisition who is asked for its requester anyway (the manager, or that of the
site). Somebody else may be named only where the policy in force judges *Paid from another's budget*, so that it asks
the *Budget owner*, or whom it likes.
"""

from datetime import timedelta

from odoo import _, api, fields, models
from odoo.exceptions import UserError

from odoo.addons.distribution_approval.engine import FactSpec, FactType, Unknown, as_decimal
from odoo.addons.distribution_approval.models.approval_mixin import LIVE_STATES
from odoo.addons.distribution_approval.models.approval_policy import today
from odoo.addons.distribution_approval.models.gate_frame import in_frame
from odoo.addons.distribution_core.compat import LINE_UOM, PURCHASE_CONFIRMED_STATES

from ..engine import Claim, Reservation, charge

FIGURES = frozenset({"over_budget", "no_budget", "budget_used"})
OTHERS = "others_budget"
FACTS = FIGURES | {OTHERS}
#: The clocks of who writes and of the server may differ by so much.
NOW = timedelta(minutes=10)
#: Who is asked for a requisition anyway follows from these.
PLACE = frozenset({"requester_id", "warehouse_id", "company_id"})


class BudgetFacts(models.AbstractModel):
    """Inherited by documents that a budget pays for; they have ``budget_owner_id`` and implement
    :meth:`_budget_claims`."""

    _name = "distribution.budget.facts"
    _description = "Paid from a Budget"

    @api.model_create_multi
    def create(self, vals_list):
        documents = super().create(vals_list)
        documents._check_named_budget()
        return documents

    def write(self, vals):
        result = super().write(vals)
        if "budget_owner_id" in vals:
            self._check_named_budget()
        return result

    # ------------------------------------------------------- whose budget it is

    def _is_paid_by_another(self):
        """Whether the budget that was named belongs to somebody else than who acts."""
        return bool(self.budget_owner_id) and self.budget_owner_id != self.env.user

    def _check_named_budget(self):
        """Refuse to name the budget of somebody whom no policy asks."""
        if not self.env.su:
            self._refuse_budget_of_another()

    def _refuse_budget_of_another(self):
        for document in self.filtered(lambda document: document._is_paid_by_another()):
            if not document._asks_about_budgets():
                raise UserError(
                    _(
                        "Budget Owner: what %(owner)s's budget pays, %(owner)s has to approve, and no policy for "
                        "%(documents)s asks about it. Name your own budget or none; or have a policy author add a "
                        "rule on “Paid from another's budget” with the approver “Budget owner”.",
                        owner=document.sudo().budget_owner_id.name,
                        documents=document._approval_label(),
                    )
                )

    def _asks_about_budgets(self):
        """Whether a rule that is enforced judges :data:`OTHERS` for this document."""
        if not self._approval_governed():
            return False
        version = self.env["distribution.approval.policy"]._effective_version(self._approval_type, self.company_id)
        rules = version.rule_ids.filtered(lambda rule: rule.mode == "enforce")
        return OTHERS in rules.condition_ids.mapped("fact")

    # ------------------------------------------------------------------- facts

    @api.model
    def _budget_fact_specs(self):
        specs = (
            FactSpec(
                "over_budget",
                "Over budget",
                FactType.FLAG,
                help="With it, a budget in force is exceeded by bills, confirmed orders and approved requisitions.",
            ),
            FactSpec("no_budget", "A line has no budget", FactType.FLAG, help="No budget in force pays for it."),
            FactSpec(
                "budget_used",
                "Budget used, with it",
                FactType.PERCENT,
                unit="%",
                optional=True,
                help="Of the budget that is used most. Empty: no budget pays for it.",
            ),
            FactSpec(
                OTHERS,
                "Paid from another's budget",
                FactType.FLAG,
                help="The budget owner is neither who asks nor who is asked anyway: for requisitions, the requester's "
                "manager or the manager of the site. Where no rule judges it, such an owner cannot be named.",
            ),
        )
        return {spec.name: spec for spec in specs}

    def _budget_claims(self, day):
        """The claims of one document that is judged on ``day``; Unknown where its value cannot be had."""
        raise NotImplementedError(f"{self._name} does not say what it asks of a budget")

    def _budget_facts(self):
        """``{id: {fact: value}}``; five queries for each company. What is judged together adds up, in order of ids."""
        facts = {}
        for company in self.company_id:
            own = self.filtered(lambda document, company=company: document.company_id == company)
            book, usage = self.env["distribution.budget"]._usage(company, **own._budget_without())
            day, taken, lines = today(company), {}, set()
            for document in own.sorted("id"):
                claims = document._budget_claims(day)
                if isinstance(claims, Unknown):
                    facts[document.id] = dict.fromkeys(FIGURES, claims)
                    continue
                charged = charge(book, usage, claims, taken)
                lines.update(charged.lines)
                facts[document.id] = {
                    "over_budget": charged.is_over,
                    "no_budget": charged.is_missing,
                    "budget_used": None if charged.share is None else as_decimal(round(charged.share, 6)),
                }
            if lines and in_frame(self.env):
                # Two documents at the same instant do not see each other: they take turns.
                self.env["distribution.approval.turn"]._take_rows(("budget", company.id, key) for key in sorted(lines))
        return facts

    def _budget_without(self):
        """What of the figures does not count, since it is what is judged."""
        return {}

    def _add_budget_facts(self, facts, names):
        """``facts`` of these documents with those of :data:`FACTS` that are asked for."""
        if FIGURES & names:
            for document_id, known in self._budget_facts().items():
                facts[document_id].update({name: known[name] for name in FIGURES & names})
        if OTHERS in names:
            for document in self:
                facts[document.id][OTHERS] = document._is_paid_by_another()
        return facts


class PurchaseOrder(models.Model):
    _name = "purchase.order"
    _inherit = ["purchase.order", "distribution.budget.facts"]

    budget_owner_id = fields.Many2one(
        "res.users",
        tracking=True,
        copy=False,
        help="Whose budget pays for what was not asked for by a requisition. Empty: the budgets of nobody. Another "
        "person than yourself has to approve it: that takes a policy which asks about it.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        orders = super().create(vals_list)
        if not self.env.su:
            for order in orders.filtered("date_approve"):
                order._check_confirmation_day(order.date_approve)
        return orders

    def write(self, vals):
        if not self.env.su:
            self._refuse_other_budget(vals)
            if vals.get("date_approve") or ("date_approve" in vals and self.filtered("date_approve")):
                self._check_confirmation_day(vals["date_approve"])
        return super().write(vals)

    def _refuse_other_budget(self, vals):
        """What was judged by one budget is not paid by another one."""
        if "budget_owner_id" not in vals:
            return
        changed = self.filtered(lambda order: order.budget_owner_id.id != (vals["budget_owner_id"] or False))
        if any(order.state not in ("draft", "sent") or order.approval_state in LIVE_STATES for order in changed.sudo()):
            raise UserError(_("Budget Owner: the order was judged by it. Reset it to draft, or withdraw the request."))

    def _check_confirmation_day(self, day):
        """The day of confirmation says which period pays: it is that on which somebody confirms."""
        day = fields.Datetime.to_datetime(day)
        if not day or abs(day - fields.Datetime.now()) > NOW:
            raise UserError(_("Confirmation Date: it is when the order is confirmed, and says which budget pays."))

    @api.model
    def _approval_fact_specs(self):
        return {**super()._approval_fact_specs(), **self._budget_fact_specs()}

    def _approval_facts(self, names):
        return self._add_budget_facts(super()._approval_facts(names - FACTS), names)

    def _approval_context(self):
        owners = self._approval_lines().requested_line_id.requisition_id.budget_owner_id | self.budget_owner_id
        return {**super()._approval_context(), "budget_owner": [(owner, owner) for owner in owners.sorted("id")]}

    def _budget_claims(self, day):
        self.ensure_one()
        values, claims = self._approval_line_values(), []
        for line in self._approval_lines():
            amount = self._approval_in_company_currency(
                max(values[line.id], as_decimal(0)), self.currency_id, self.company_id
            )
            if isinstance(amount, Unknown):
                return amount
            asked = line.requested_line_id
            owner = asked.requisition_id.budget_owner_id or self.budget_owner_id
            claims.append(
                Claim(
                    owner.id or None,
                    line.product_id.categ_id._budget_path(),
                    asked._budget_day(day) if asked else day,
                    float(amount),
                    asked._budget_reservation(asked._in_unit(line.product_qty, line[LINE_UOM]), day) if asked else None,
                )
            )
        return claims

    def _budget_without(self):
        return {
            "without_orders": self.filtered(lambda order: order.state in (*PURCHASE_CONFIRMED_STATES, "to approve")).ids
        }


class PurchaseRequisition(models.Model):
    _name = "distribution.purchase.requisition"
    _inherit = ["distribution.purchase.requisition", "distribution.budget.facts"]

    def write(self, vals):
        usual = self._with_usual_owner() if not PLACE.isdisjoint(vals) else self.browse()
        before = {} if "needed_by" not in vals or self.env.su else self._budget_lines()
        result = super().write(vals)
        if "budget_owner_id" not in vals:
            for requisition in usual:
                requisition.budget_owner_id = requisition._usual_budget_owner()
        if not PLACE.isdisjoint(vals):
            self._check_named_budget()
        self._refuse_other_period(before)
        return result

    def _with_usual_owner(self):
        """The drafts whose budget owner follows from requester and site: theirs goes on following."""
        return self.filtered(lambda one: one.state == "draft" and one.budget_owner_id == one._usual_budget_owner())

    def _budget_lines(self):
        """``{line: key of the budget line that pays for it}`` of those that are approved."""
        found = {}
        # sudo: which budget pays is the same for everybody
        approved = self.sudo().filtered(lambda requisition: requisition.state in ("approved", "done"))
        for company in approved.company_id:
            book, day = self.env["distribution.budget"]._book(company)[0], today(company)
            for line in approved.filtered(lambda one, company=company: one.company_id == company).line_ids:
                claim = line._budget_claim(line.value, day)
                paying = book.line_for(claim.owner, claim.categories, claim.day)
                found[line] = paying and paying.key
        return found

    def _refuse_other_period(self, before):
        """What was approved for the budget of one period is not moved to that of another one by its day of need."""
        after = self._budget_lines()
        moved = [line for line, key in before.items() if after.get(line, key) != key]
        if moved:
            raise UserError(
                _(
                    "%s – Needed By: another budget would pay than the one that it was approved for. Close the "
                    "requisition and ask again.",
                    moved[0].display_name,
                )
            )

    @api.model
    def _approval_fact_specs(self):
        return {**super()._approval_fact_specs(), **self._budget_fact_specs()}

    def _approval_facts(self, names):
        return self._add_budget_facts(super()._approval_facts(names - FACTS), names)

    def _is_paid_by_another(self):
        return super()._is_paid_by_another() and self.budget_owner_id != self._usual_budget_owner()

    def _budget_claims(self, day):
        self.ensure_one()
        return [line._budget_claim(line._asked_value(), day) for line in self.line_ids]

    def _budget_without(self):
        return {"without_requisitions": self.ids}


class PurchaseRequisitionLine(models.Model):
    _inherit = "distribution.purchase.requisition.line"

    def write(self, vals):
        if "needed_by" not in vals or self.env.su:
            return super().write(vals)
        before = self.requisition_id._budget_lines()
        result = super().write(vals)
        self.requisition_id._refuse_other_period(before)
        return result

    def _budget_day(self, day):
        """The day whose period pays: that of need, or ``day`` where that is later."""
        return max(self._day_of_need() or day, day)

    def _budget_claim(self, amount, day):
        owner = self.requisition_id.budget_owner_id
        category = self.product_id.categ_id or self.category_id
        return Claim(owner.id or None, category._budget_path(), self._budget_day(day), float(amount))

    def _budget_reservation(self, quantity, day):
        """What is reserved of this line for an order of ``quantity``; nothing where it does not count as reserved."""
        if self.requisition_id.state != "approved" or self.drop_reason:
            return None
        rest = max(0.0, self.quantity - self.qty_ordered)
        claim = self._budget_claim(min(rest, quantity) * self.price_unit, day)
        return Reservation(self.id, claim, rest * self.price_unit)
