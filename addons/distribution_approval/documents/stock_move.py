"""A move that is done stays done: goods do not move twice under one release."""

from odoo import _, models
from odoo.exceptions import UserError


class StockMove(models.Model):
    _inherit = "stock.move"

    def write(self, vals):
        if vals.get("state", "done") != "done":
            self._approval_refuse_undone()
        return super().write(vals)

    def _approval_refuse_undone(self):
        """Refuse what would let moves that are done be done again, where any kind of move is governed."""
        done = self.sudo().filtered(lambda move: move.state == "done")
        if done and self.env["distribution.approval.move.document"]._approval_move_gates():
            raise UserError(
                _(
                    "state: %(product)s has been moved (%(reference)s), and that cannot be undone here. "
                    "Return the goods, or correct the quantity of the move.",
                    product=done[0].product_id.display_name,
                    reference=done[0].reference or done[0].id,
                )
            )
