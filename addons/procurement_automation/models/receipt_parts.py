"""A promise in parts is expected in parts: one movement of the receipt for each day.

Rules, in words
---------------
* What arrived already serves the earliest part first; what the vendor does not promise is expected with the last part.
* Movements that somebody is receiving stay as they are, and so do all of their order line.
* Nor are the components of a kit taken for the kit.
* An order line keeps one day, that of the last part: forecasts read the movements.
"""

from odoo import models
from odoo.tools import float_compare, float_is_zero

from odoo.addons.distribution_core.compat import LINE_UOM

from ..engine import Arrival

OPEN_MOVES = ("waiting", "confirmed", "partially_available", "assigned")


class PurchaseOrderLine(models.Model):
    _inherit = "purchase.order.line"

    def _moves_to_come(self):
        """What of this line is still to be received; components of a kit come otherwise."""
        return self.move_ids.filtered(
            lambda move: (
                move.state in OPEN_MOVES
                and move.location_dest_id.usage != "supplier"
                and move.product_id == self.product_id
            )
        ).sorted("id")

    def _expected_arrivals(self):
        """What is to come, by day, as the engine takes it; quantities in the unit of the product."""
        zone = self.order_id._receiving_zone()
        return [
            Arrival(self.id, move.product_qty, self.company_id._day_of(move.date, zone))
            for move in self._moves_to_come()
        ]

    def _expect_in_parts(self, parts):
        """Bring the movements in line with ``parts``, ``[(day, quantity in the line's unit)]``."""
        self.ensure_one()
        moves = self._moves_to_come()
        if not moves or any(move.picked for move in moves):
            return
        last, taken = max(parts)[0], moves.browse()
        for day, quantity in self._parts_to_come(parts):
            taken |= self._expect_on(self._moves_to_come() - taken, day, quantity)
        self._set_day(self._moves_to_come() - taken, last)

    def _parts_to_come(self, parts):
        """The parts but the last, less what arrived already."""
        came, rounding = self.qty_received, self[LINE_UOM].rounding
        for day, quantity in sorted(parts)[:-1]:
            served = min(came, quantity)
            came -= served
            if not float_is_zero(quantity - served, precision_rounding=rounding):
                yield day, quantity - served

    def _expect_on(self, moves, day, quantity):
        """Expect ``quantity`` of ``moves`` on ``day``; returns the movements that bring it."""
        taken = moves.browse()
        for move in moves:
            own = move.product_uom._compute_quantity(move.product_uom_qty, self[LINE_UOM], round=False)
            if float_compare(own, quantity, precision_rounding=self[LINE_UOM].rounding) > 0:
                move._leave(self[LINE_UOM]._compute_quantity(own - quantity, move.product_id.uom_id, round=False))
                own = quantity
            taken |= move
            quantity -= own
            if float_is_zero(quantity, precision_rounding=self[LINE_UOM].rounding):
                break
        self._set_day(taken, day)
        return taken

    def _set_day(self, moves, day):
        """Expect movements on ``day``; the hour of those that are expected then already stays."""
        moment = self._convert_to_middle_of_day(day)
        others = moves.filtered(lambda move: self._day_at_order(move.date) != day)
        others.write({"date": moment, "date_deadline": moment})


class StockMove(models.Model):
    _inherit = "stock.move"

    def _leave(self, quantity):
        """Leave ``quantity`` (product unit) to a movement of its own, beside this one."""
        self._do_unreserve()
        rest = self.create(self._split(quantity))
        rest._action_confirm(merge=False)
        (self | rest)._action_assign()
        return rest
