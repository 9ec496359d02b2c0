"""Goods that go to a customer, or come back from one: which order explains them.

Rules, in words
---------------
* A line of a sale order explains what its product moves, or a part of it where that is a kit, if the order is
  confirmed, of the same company, and for the customer whom the goods go to: who ordered, or who gets them for them.
* It explains as much as was ordered of it; of a kit, as many parts as the kits ordered are made of.
* What is only named explains nothing, but counts against the delivery: every order that the moves name, by their
  line or by the procurement that they were made for, may hold it.

The links are fields that whoever works in a warehouse can write, therefore none is believed by itself.
"""

from odoo import models

from odoo.addons.distribution_core.compat import LINE_UOM, procurement_orders

from ..engine import as_decimal


class StockMove(models.Model):
    _inherit = "stock.move"

    def _approval_sale_line(self):
        """The line of a confirmed sale order that this move fulfils, or takes back; maybe none."""
        line = self.sale_line_id
        order = line.order_id
        if order.state != "sale" or order.company_id != self.company_id:
            return line.browse()
        if line.product_id != self.product_id and not self._approval_is_part_of(line.product_id):
            return line.browse()
        named = self._approval_consignees().commercial_partner_id
        ordered_for = (order.partner_id | order.partner_shipping_id).commercial_partner_id
        return line.browse() if named and not named & ordered_for else line

    def _approval_consignees(self):
        """To whom this move and its transfer go; the transfer of a drop shipment names the vendor."""
        from_vendor = self.location_id.usage == "supplier"
        return self.partner_id if from_vendor else self.picking_id.partner_id or self.partner_id

    def _approval_orders_named(self):
        """Every sale order that these moves name: by the procurement that they were made for, or by their line."""
        return procurement_orders(self) | self.sale_line_id.order_id


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    def _approval_ordered(self, product):
        """How much of ``product``, which is that of the line or a part of it, was ordered; in its unit."""
        self.ensure_one()
        quantity, uom = self.product_uom_qty, self[LINE_UOM]
        if product == self.product_id:
            return as_decimal(uom._compute_quantity(quantity, product.uom_id, round=False))
        bom = self.env["mrp.bom"]._bom_find(self.product_id, company_id=self.company_id.id, bom_type="phantom")
        bom = bom[self.product_id]
        kits = uom._compute_quantity(quantity, bom.product_uom_id, round=False) / bom.product_qty
        return sum(
            (
                as_decimal(part.product_uom_id._compute_quantity(values["qty"], product.uom_id, round=False))
                for part, values in bom.explode(self.product_id, kits)[1]
                if part.product_id == product
            ),
            as_decimal(0),
        )
