"""Goods that come from a vendor or go to one, are used up or made: which order explains them.

Rules, in words
---------------
* What a manufacturing, unbuild or repair order moves is the business of that order. Its moves are on no
  transfer: one on a transfer that names such an order is a transfer like any other.
* What comes from a vendor is the business of the confirmed purchase order line that it fulfils, if it is
  of the product ordered, or a part of it where that is a kit.
* What goes to a vendor is explained by the line that brought it, up to what that line has brought and
  what has not gone back already – or what the line itself orders to be taken back.
* Nothing else explains it: then goods leave our books, or appear in them, as by an inventory loss.

The links are fields that whoever works in a warehouse can write, therefore none is believed by itself.
"""

from odoo import models

from odoo.addons.distribution_core.compat import PURCHASE_CONFIRMED_STATES

#: Fields of a move that name the order that uses up or makes its goods; of applications that may not be there.
WORK_ORDERS = ("raw_material_production_id", "production_id", "unbuild_id", "consume_unbuild_id", "repair_id")


class StockMove(models.Model):
    _inherit = "stock.move"

    def _approval_work_order_fields(self):
        """Names of the fields among :data:`WORK_ORDERS` that the applications installed bring."""
        return [name for name in WORK_ORDERS if name in self._fields]

    def _approval_is_worked(self):
        """Whether an order uses up or makes what this move moves."""
        return not self.picking_id and any(self[name] for name in self._approval_work_order_fields())

    def _approval_purchase_line(self):
        """The line of a confirmed purchase order that this move fulfils or takes back; maybe none."""
        line = self.purchase_line_id or self.origin_returned_move_id.purchase_line_id
        in_force = line.order_id.state in PURCHASE_CONFIRMED_STATES and line.company_id == self.company_id
        if in_force and (line.product_id == self.product_id or self._approval_is_part_of(line.product_id)):
            return line
        return line.browse()

    def _approval_is_part_of(self, product):
        """Whether this move is of a part of ``product``, which is a kit."""
        if "bom_line_id" not in self._fields or not self.bom_line_id:
            return False
        bom = self.env["mrp.bom"]._bom_find(product, company_id=self.company_id.id, bom_type="phantom")[product]
        parts = bom.explode(product, 1)[1] if bom else ()
        return any(part.product_id == self.product_id for part, _values in parts)


class StockMoveLine(models.Model):
    _inherit = "stock.move.line"

    def _approval_is_explained(self):
        """Whether an order explains that goods come from, or go to, a vendor or production on this line."""
        # Who moves goods need not read the order that explains it.
        line = self.sudo()
        usages = {line.location_id.usage, line.location_dest_id.usage}
        if "production" in usages:
            return line.move_id._approval_is_worked()
        return "supplier" in usages and line._approval_is_purchased()

    def _approval_is_purchased(self):
        """Whether a vendor brings what was ordered, or gets back what it brought."""
        move = self.move_id
        ordered = move._approval_purchase_line()
        if not ordered or self.product_id != move.product_id:
            return False
        if self.location_id.usage == "supplier":
            return True
        moves = (ordered.move_ids | ordered.move_ids.returned_move_ids | move).filtered(
            lambda other: other.product_id == self.product_id and other.state != "cancel"
        )
        brought = back = 0
        for line in moves.move_line_ids:
            comes, goes = (place.usage == "supplier" for place in (line.location_id, line.location_dest_id))
            if comes and not goes and line.move_id.state == "done":
                brought += line._approval_quantity()
            elif goes and not comes and (line.move_id.state == "done" or line.picked or line.move_id == move):
                back += line._approval_quantity()
        taken_back = max(-ordered.product_uom_qty, 0)
        return round(back - brought - taken_back, 6) <= 0
