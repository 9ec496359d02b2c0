"""What the age of a sale rests on stays as it was booked: the day of a delivery, and which delivery came back."""

from odoo import _, fields, models
from odoo.exceptions import AccessError

from ..models.approval_policy import day_of


class StockMove(models.Model):
    _inherit = "stock.move"

    def write(self, vals):
        if not self.env.su and not {"date", "origin_returned_move_id"}.isdisjoint(vals):
            self._approval_check_delivery_kept(vals)
        return super().write(vals)

    def _approval_check_delivery_kept(self, vals):
        """Raise AccessError where people would give goods that were delivered, or came back, another history.

        The same day may be written: 19.0 does, with the transfer.
        """
        governed = self.env["distribution.approval.activation"]._governed_places("customer_return")
        if not governed:
            return
        for move in self.sudo():  # sudo: whoever may move the goods
            ends = {move.location_id.usage, move.location_dest_id.usage}
            if move.state != "done" or "customer" not in ends or move.company_id.id not in governed:
                continue
            day = fields.Datetime.to_datetime(vals.get("date"))
            if "date" in vals and (not day or day_of(move.company_id, day) != day_of(move.company_id, move.date)):
                raise AccessError(
                    _(
                        "%s: goods that were delivered keep the day on which they left, for how old the sale is "
                        "decides when they come back.",
                        move.reference or move.display_name,
                    )
                )
            if vals.get("origin_returned_move_id", move.origin_returned_move_id.id) != move.origin_returned_move_id.id:
                raise AccessError(
                    _(
                        "%s: goods that came back stay the return of their delivery.",
                        move.reference or move.display_name,
                    )
                )
