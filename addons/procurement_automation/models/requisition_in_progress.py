"""What was approved to be bought is on its way: reordering rules do not buy it a second time.

What is needed by the horizon of a rule counts like a quotation. What is needed later does not keep stock from running
out until then: like an order that was postponed behind the horizon, Odoo's scheduler does not see it, and a
replenishment run deducts it and shows both quantities to a buyer. What has no day is bought as soon as possible.
"""

from collections import defaultdict
from datetime import timedelta

from odoo import api, models

from odoo.addons.distribution_core.compat import IS_17

HORIZON = "lead_days_date" if IS_17 else "lead_horizon_date"
#: Place of what arrives behind the view in the numbers of ``_moves``.
LATER = 3


class PurchaseRequisitionLine(models.Model):
    _inherit = "distribution.purchase.requisition.line"

    @api.model
    def _open_by_place(self, products, locations):
        """``{(product id, location id): [(day of need or False, open quantity in the product's unit)]}``."""
        # sudo: what is on its way, whoever asked for it
        lines = self.sudo().search(
            [
                ("qty_open", ">", 0),
                ("product_id", "in", products.ids),
                ("warehouse_id.lot_stock_id", "in", locations.ids),
            ]
        )
        found = defaultdict(list)
        for line in lines:
            unit = line.product_id.uom_id
            quantity = line.uom_id._compute_quantity(line.qty_open, unit, round=False, raise_if_failure=False)
            place = line.product_id.id, line.warehouse_id.lot_stock_id.id
            found[place].append((line._day_of_need(), quantity))
        return found


class ProductProduct(models.Model):
    _inherit = "product.product"

    def _get_quantity_in_progress(self, location_ids=False, warehouse_ids=False):
        """What is asked for counts like a quotation; a rule on a kit asks here for its components (mrp).

        Rules and runs that know their horizon leave out what is needed behind it.
        """
        by_location, by_warehouse = super()._get_quantity_in_progress(location_ids, warehouse_ids)
        locations = self.env["stock.location"].browse(location_ids or ())
        if warehouse_ids:
            # sudo: where stock is, whoever asks
            locations |= self.env["stock.warehouse"].sudo().browse(warehouse_ids).lot_stock_id
        asked = self.env["distribution.purchase.requisition.line"]._open_by_place(self, locations)
        for (product_id, location_id), wanted in asked.items():
            quantity = sum(quantity for _day, quantity in wanted)
            by_location[product_id, location_id] += quantity
            by_warehouse[product_id, locations.browse(location_id).sudo().warehouse_id.id] += quantity
        return by_location, by_warehouse


class StockWarehouseOrderpoint(models.Model):
    _inherit = "stock.warehouse.orderpoint"

    def _quantity_in_progress(self):
        progress = super()._quantity_in_progress()
        asked = self.env["distribution.purchase.requisition.line"]._open_by_place(self.product_id, self.location_id)
        for orderpoint in self if asked else ():
            # Odoo counts the components of a kit, and not the kit.
            is_kit = "is_kits" in orderpoint.product_id._fields and orderpoint.product_id.is_kits
            for day, quantity in asked.get((orderpoint.product_id.id, orderpoint.location_id.id), ()):
                is_later = day and orderpoint[HORIZON] and day > orderpoint[HORIZON]
                if is_kit and not is_later:
                    progress[orderpoint.id] += quantity
                elif is_later and not is_kit:
                    progress[orderpoint.id] -= quantity
        return progress


class ReplenishmentEvaluation(models.AbstractModel):
    _inherit = "distribution.replenishment.evaluation"

    def _in_progress(self, findings):
        progress = super()._in_progress(findings)
        for finding, day, quantity in self._requested(findings):
            if day and day > finding.horizon:
                progress[finding.orderpoint_id] -= quantity
        return progress

    def _moves(self, findings, look_out_days):
        moves = super()._moves(findings, look_out_days)
        for finding, day, quantity in self._requested(findings):
            if day and finding.horizon < day <= finding.view + timedelta(days=look_out_days):
                known = list(moves.get(finding.orderpoint_id, (0.0,) * 7))
                known[LATER] += quantity
                moves[finding.orderpoint_id] = tuple(known)
        return moves

    def _requested(self, findings):
        """``(finding, day of need, quantity)`` of what is approved and not ordered."""
        asked = self.env["distribution.purchase.requisition.line"]._open_by_place(
            self.env["product.product"].browse({one.product_id for one in findings}),
            self.env["stock.location"].browse({one.location_id for one in findings}),
        )
        for finding in findings if asked else ():
            for day, quantity in asked.get((finding.product_id, finding.location_id), ()):
                yield finding, day, quantity
