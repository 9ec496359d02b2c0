"""Freight on a vendor's bill, against the landed cost that its orders led to expect.

Rules, in words
---------------
* Freight is a line without order of a service that is a landed cost. On a bill without an order of this vendor in
  force, or with orders of which no landed cost was expected, it is not ordered.
* Its kind – freight, duty, insurance, other – is that of the service. Kind is compared with kind: expected duty does
  not pay for freight.
* What was expected is what was kept when the orders were confirmed. What other bills of these orders took of it is
  gone, whole, also where they bill more orders than this one; bills that are judged together count together.
* Without a rate of the day nothing is known to be agreed.
"""

from collections import Counter, defaultdict

from odoo import fields, models

from odoo.addons.distribution_approval.models.approval_policy import today

from ..engine import covered_landed
from .landed_cost import KIND_LABELS, KINDS


class AccountMove(models.Model):
    _inherit = "account.move"

    def _agreed_freight(self, billing, terms):
        agreed = super()._agreed_freight(billing, terms)
        with_freight = self.filtered(
            lambda bill: any(row.id in terms and terms[row.id].is_freight for row in billing[bill.id])
        ).sorted("id")
        if not with_freight:
            return agreed
        orders = {bill: bill._orders_in_force(billing[bill.id]) for bill in with_freight}
        expected = self.env["purchase.order"].union(*orders.values())._landed_cost_expected()
        taken = self._freight_billed_elsewhere(expected)
        for bill in with_freight:
            own = [order for order in orders[bill] if order in expected]
            currency, company = bill.currency_id, bill.company_id
            if not own or (currency != company.currency_id and currency._approval_rate_doubt(company)):
                continue
            others = Counter()
            for other, named, amounts in taken:
                if other != bill.id and not named.isdisjoint(own):
                    others.update(amounts)
            left = {
                kind: company.currency_id._convert(
                    sum(expected[order][kind] for order in own) - others[kind], currency, company, today(company)
                )
                for kind in KINDS
            }
            freight = self.env["account.move.line"].browse(
                row.id for row in billing[bill.id] if row.id in terms and terms[row.id].is_freight
            )
            agreed[bill.id] = covered_landed(freight._freight_by_kind(), left)
            if bill.state != "posted":
                taken.append((bill.id, set(own), freight._freight_by_kind(in_company_currency=True)))
        return agreed

    def _orders_in_force(self, billing):
        """Orders of this bill's vendor that its lines name."""
        lines = self.env["purchase.order.line"].sudo()  # sudo: whoever confirms the bill
        orders = lines.browse({row.order_line for row in billing if row.order_line}).order_id
        return orders.filtered(lambda order: order._is_in_force_with(self.commercial_partner_id))

    def _freight_billed_elsewhere(self, expected):
        """``[(bill id, its orders, {kind: freight in company currency})]`` of posted bills of ``expected`` orders."""
        lines = self.env["account.move.line"].sudo()  # sudo: bills of all, whoever confirms this one
        ids = [order.id for order in expected]
        posted = lines.search([("purchase_line_id.order_id", "in", ids), ("parent_state", "=", "posted")]).move_id
        freight = lines.search(
            [
                ("move_id", "in", posted.ids),
                ("display_type", "=", "product"),
                ("purchase_line_id", "=", False),
                ("product_id.landed_cost_ok", "=", True),
                ("product_id.type", "=", "service"),
            ]
        )
        return [
            (
                bill.id,
                set(bill.invoice_line_ids.purchase_line_id.order_id),
                freight.filtered(lambda line, bill=bill: line.move_id == bill)._freight_by_kind(True),
            )
            for bill in freight.move_id
        ]


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def _freight_by_kind(self, in_company_currency=False):
        """``{kind: value}`` of these lines, as they are billed or in company currency; negative on a refund."""
        found = defaultdict(float)
        for line in self:
            value, company = float(line._approval_value()), line.company_id
            if in_company_currency:
                value = line.currency_id._convert(value, company.currency_id, company, today(company))
            kind = line.product_id.landed_cost_kind or "freight"
            found[kind] += -value if line.move_id.move_type == "in_refund" else value
        return found


class ProductTemplate(models.Model):
    _inherit = "product.template"

    landed_cost_kind = fields.Selection(
        KIND_LABELS,
        default="freight",
        help="Bills for it are compared with the expected landed cost of this kind.",
    )


class PurchaseOrder(models.Model):
    _inherit = "purchase.order"

    def _landed_cost_expected(self):
        """``{order: {kind: amount in company currency}}`` of the orders of which some was expected when confirmed."""
        # sudo: the comparison is kept from most, and counts for whoever confirms a bill
        groups = (
            self.env["distribution.landed.cost"]
            .sudo()
            ._read_group([("order_id", "in", self.ids)], ["order_id"], [f"{kind}:sum" for kind in KINDS])
        )
        return {order: dict(zip(KINDS, amounts)) for order, *amounts in groups if any(amounts)}
