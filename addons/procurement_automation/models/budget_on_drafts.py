"""An order that names a budget is not filled at its expense by others.

Who names their own budget on a draft means what they order themselves. What a colleague adds, or makes dearer, is paid
from it only where a policy asks its owner (``_check_named_budget``); reordering rules go past such a draft. What was
asked for by a requisition is paid by that one's budget, and may be added by anybody.
"""

from odoo import api, models

from odoo.addons.distribution_core.compat import LINE_UOM

#: What the value of an order follows from.
VALUED = frozenset({"product_id", "product_qty", LINE_UOM, "price_unit", "discount", "order_id", "display_type"})
CENT = 0.005


class PurchaseOrder(models.Model):
    _inherit = "purchase.order"

    def write(self, vals):
        others = self._paid_by_others() if "currency_id" in vals else {}
        result = super().write(vals)
        _check_not_dearer(others)
        return result

    def _paid_by_others(self):
        """``{order: what its budget owner pays, in company currency}`` of those that name a colleague's budget."""
        if self.env.su:
            return {}
        return {order: order._value_on_budget() for order in self if order._is_paid_by_another()}

    def _value_on_budget(self):
        own = self.order_line.filtered(lambda line: not line.requested_line_id)
        return sum(own.mapped("price_subtotal")) / (self.currency_rate or 1.0)


class PurchaseOrderLine(models.Model):
    _inherit = "purchase.order.line"

    @api.model_create_multi
    def create(self, vals_list):
        named = {vals.get("order_id") for vals in vals_list}
        orders = self.env["purchase.order"].browse(sorted(filter(None, named)))
        others = orders._paid_by_others()
        lines = super().create(vals_list)
        _check_not_dearer(others)
        return lines

    def write(self, vals):
        if VALUED.isdisjoint(vals):
            return super().write(vals)
        others = (self.order_id | self.order_id.browse(vals.get("order_id") or ()))._paid_by_others()
        result = super().write(vals)
        _check_not_dearer(others)
        return result


class StockRule(models.Model):
    _inherit = "stock.rule"

    def _make_po_get_domain(self, company_id, values, partner):
        return (*super()._make_po_get_domain(company_id, values, partner), ("budget_owner_id", "=", False))


def _check_not_dearer(others):
    """Refuse what makes the owners of other budgets pay more than ``others`` says, unless a policy asks them."""
    for order, before in others.items():
        if order._value_on_budget() > before + CENT:
            order._check_named_budget()
