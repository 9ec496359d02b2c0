"""A receipt may make a held bill match: it is judged again at once, not in an hour."""

from odoo import models


class StockMove(models.Model):
    _inherit = "stock.move"

    def _action_done(self, cancel_backorder=False):
        moves = super()._action_done(cancel_backorder=cancel_backorder)
        order_lines = moves.sudo().purchase_line_id
        if order_lines and order_lines._approval_held_bills():
            # In a job of its own: receiving goods does not wait for policy.
            self.env.ref("distribution_approval.ir_cron_judge_held_bills").sudo()._trigger()
        return moves


class PurchaseOrderLine(models.Model):
    _inherit = "purchase.order.line"

    def _approval_held_bills(self):
        """Whether a bill of one of these lines waits; nothing is asked where bills are not governed."""
        places = self.env["distribution.approval.activation"]._governed_places("vendor_bill")
        if not places.keys() & set(self.company_id.ids):
            return False
        return bool(
            self.env["account.move.line"]
            .sudo()
            .search(
                [
                    ("purchase_line_id", "in", self.ids),
                    ("parent_state", "=", "draft"),
                    ("move_id.approval_state", "=", "pending"),
                ],
                limit=1,
            )
        )
