"""What was asked of a delivery line when it was due: making it smaller later improves no day.

Rules, in words
---------------
* What is taken off a line to a customer after the day that was promised first, where the company works, stays due. What
  is put on then was not.
* A part that goes on a back-order is not taken off: it is due in the line of its own.
"""

from odoo import fields, models

from odoo.addons.distribution_core.compat import PRECISION_QUANTITY

OPEN_STATES = ("waiting", "confirmed", "partially_available", "assigned")


class StockMove(models.Model):
    _inherit = "stock.move"

    taken_off_qty = fields.Float(
        "Taken off Late",
        digits=PRECISION_QUANTITY,
        readonly=True,
        copy=False,
        help="How much less is asked than when it was due, in the unit of the product; below zero: more.",
    )

    def write(self, vals):
        if "taken_off_qty" in vals or not {"product_uom_qty", "product_uom"} & vals.keys():
            return super().write(vals)
        asked = {move: move.product_qty + move.taken_off_qty for move in self._due_to_customers()}
        result = super().write(vals)
        for move, quantity in asked.items():
            if move.product_qty + move.taken_off_qty != quantity:
                move.taken_off_qty = quantity - move.product_qty
        return result

    def _due_to_customers(self):
        """Those that customers wait for since a day that is over."""
        now = fields.Datetime.now()
        return self.filtered(
            lambda move: (
                move.state in OPEN_STATES
                and move.location_dest_id.usage == "customer"
                and move.date_deadline
                and (promised := move.first_deadline or move.date_deadline) < now
                and move.company_id._day_of(promised) < move.company_id._day_of(now)
            )
        )

    def _split(self, qty, restrict_partner_id=False):
        taken_off = self.taken_off_qty
        parts = super()._split(qty, restrict_partner_id)
        if self.taken_off_qty != taken_off:
            self.taken_off_qty = taken_off
        return parts

    def _merge_moves_fields(self):
        """What comes with this very transaction is put on; other lines that are merged were due as they are."""
        moment = self.env.cr.now().replace(microsecond=0)
        added = self.filtered(lambda move: move.create_date.replace(microsecond=0) == moment)
        is_put_on = (self - added)._due_to_customers() and not self.env.context.get("merge_extra")
        taken_off = sum(self.mapped("taken_off_qty")) - (sum(added.mapped("product_qty")) if is_put_on else 0)
        return {**super()._merge_moves_fields(), "taken_off_qty": taken_off}
