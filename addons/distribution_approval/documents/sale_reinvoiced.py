"""Expenses that are charged to a customer: the bill of a vendor adds them to a confirmed order.

Odoo 17.0 adds them without a quantity, 19.0 with the quantity of the bill. What a posted bill proves is
no change of what was approved; a line that merely says that it is an expense is.

Proven is what posted bills (or expenses) bought of the same product and booked for this line: no more
than they bought, charged for no less than it cost or than Odoo would charge, and never stored goods,
which leave the warehouse. What two lines claim belongs to the one that was booked first.
"""

from odoo import models
from odoo.tools import float_compare

from odoo.addons.distribution_core.compat import IS_17, LINE_UOM

from ..models.gate_frame import gate_frame
from .vendor_bill_match import OWED_TYPES

PRICE_DIGITS = "Product Price"


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    def _approval_is_reinvoiced(self):
        """Whether this line charges no more than what posted bills have proven, and for no less."""
        self.ensure_one()
        if not self.is_expense or not self.product_id or self.price_unit < 0 or self._approval_is_stored():
            return False
        digits = self.product_id.uom_id.rounding or 0.01
        return float_compare(self.product_uom_qty, self._approval_proven(), precision_rounding=digits) <= 0

    def _approval_is_stored(self):
        product = self.product_id
        return product.type == "product" if IS_17 else product.is_storable

    def _approval_proven(self):
        """Quantity in the unit of this line that bills prove at the price of this line, or below it."""
        # sudo: whoever looks at the order need not see the bill
        booked = self.env["account.analytic.line"].sudo()
        bought = booked.search([("so_line", "=", self.id), ("move_line_id.parent_state", "=", "posted")]).move_line_id
        bought = bought.filtered(
            lambda line: (
                line.product_id == self.product_id
                and line.debit > 0
                and (line.move_id.move_type in OWED_TYPES or line._approval_is_expense())
            )
        )
        if not bought:
            return 0
        claims = {}
        for claim in booked.search([("move_line_id", "in", bought.ids), ("so_line", "!=", False)], order="id"):
            claims.setdefault(claim.move_line_id, claim)
        price = float(self._approval_net_price())
        digits = self.env["decimal.precision"].precision_get(PRICE_DIGITS)
        proven = 0
        for line in bought:
            claimed = claims[line].so_line == self and self._approval_in_own_unit(line)
            if claimed and float_compare(price, self._approval_least(line, claimed), precision_digits=digits) >= 0:
                proven += claimed
        return proven

    def _approval_in_own_unit(self, line):
        """Quantity that ``line`` of a bill bought, in the unit of this line; 0 where that cannot be said."""
        unit, own = line.product_uom_id or self[LINE_UOM], self[LINE_UOM]
        if unit == own:
            return line.quantity
        return unit._compute_quantity(line.quantity, own, round=False, raise_if_failure=False) if own else 0

    def _approval_least(self, line, quantity):
        """Price of a unit of this line in order currency: its cost by ``line``, or less if Odoo charges less."""
        order = self.order_id
        day = order.date_order or line.date
        least = line.company_currency_id._convert(line.debit / quantity, order.currency_id, line.company_id, day)
        if line.product_uom_id in (self[LINE_UOM], self.env["uom.uom"]):
            least = min(least, line._sale_get_invoice_price(order))
        return least


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def _approval_is_expense(self):
        """Whether an expense of an employee was booked here (where the application is installed)."""
        return "expense_id" in self._fields and bool(self.expense_id) and self.expense_id.product_id == self.product_id

    def _create_analytic_lines(self):
        with gate_frame(self.env):  # the order is reviewed when the proof is there as well
            return super()._create_analytic_lines()
