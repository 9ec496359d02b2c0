"""Expenses that are charged to a customer: the bill of a vendor adds them to a confirmed order.

Odoo 17.0 adds them without a quantity, 19.0 with the quantity of the bill. What a posted bill proves is
no change of what was approved; a line that merely says that it is an expense is.
"""

from odoo import models
from odoo.tools import float_compare

from ..models.gate_frame import gate_frame


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    def _approval_is_reinvoiced(self):
        """Whether this line charges no more than what a posted bill has proven."""
        self.ensure_one()
        if not self.is_expense or self.price_unit < 0:
            return False
        # sudo: whoever looks at the order need not see the bill
        ((proven,),) = (
            self.env["account.analytic.line"]
            .sudo()
            ._read_group(
                [("so_line", "=", self.id), ("move_line_id.parent_state", "=", "posted")], [], ["unit_amount:sum"]
            )
        )
        digits = self.product_id.uom_id.rounding or 0.01
        return float_compare(self.product_uom_qty, proven or 0, precision_rounding=digits) <= 0


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def _create_analytic_lines(self):
        with gate_frame(self.env):  # the order is reviewed when the proof is there as well
            return super()._create_analytic_lines()
