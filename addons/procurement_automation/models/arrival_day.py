"""The day on which goods of an order arrived stays as it was booked: scorecards rest on it."""

from odoo import _, fields, models
from odoo.exceptions import AccessError


class StockMove(models.Model):
    _inherit = "stock.move"

    def write(self, vals):
        if "date" in vals and not self.env.su:
            self._check_arrival_day(fields.Datetime.to_datetime(vals["date"]))
        return super().write(vals)

    def _check_arrival_day(self, moment):
        """Raise AccessError where an arrival that counts would get another day.

        The same day may be written: 19.0 does, with the transfer.
        """
        for move in self.sudo():  # sudo: whoever may book the goods
            company = move.company_id
            if move.state != "done" or not move.purchase_line_id or not company.scorecard_kept:
                continue
            zone = move.purchase_line_id.order_id._receiving_zone()
            if not moment or company._day_of(moment, zone) != company._day_of(move.date, zone):
                raise AccessError(
                    _(
                        "%(receipt)s: goods that arrived keep the day on which they were booked, for the scorecard of "
                        "the vendor rests on it.",
                        receipt=move.reference or move.display_name,
                    )
                )
