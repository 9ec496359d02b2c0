"""What a ship notice says of lots and packages stands on the receipt before the goods are there.

Rules, in words
---------------
* Only a notice that fits its order is prepared; one in conflict changes nothing. Nothing is picked or validated.
* Only tracked products: a lot that a vendor tells of another one is kept as told, and none is made of it.
* A lot is that of this name, product and company; it is made when there is none. A package of this name is used when
  it is empty.
* Movements that somebody is receiving stay as they are, and so do lines that have a lot or a package already.
* When the notice is cancelled, what it prepared is taken back; lots stay.
"""

from odoo import models
from odoo.tools import float_compare

from odoo.addons.distribution_core.compat import LINE_UOM


class ShipNotice(models.Model):
    _inherit = "distribution.ship.notice"

    def _compare(self, is_repeated=False):
        result = super()._compare(is_repeated=is_repeated)
        if self.state == "open":
            self.share_ids._prepare_receipt()
        return result

    def action_cancel(self):
        open_ones = self.filtered(lambda notice: notice.state == "open")
        result = super().action_cancel()
        # sudo: the buyer and the order were checked by the button
        open_ones.filtered(lambda notice: notice.state == "cancelled").sudo().share_ids._take_back()
        return result


class ShipNoticeShare(models.Model):
    _inherit = "distribution.ship.notice.share"

    def _prepare_receipt(self):
        """Give the lines of the receipt the lots and packages of these shares."""
        tracked = self.filtered(lambda share: share.product_id.tracking != "none" and (share.lot or share.package))
        lots, packages = tracked._lots(), tracked._packages()
        for share in tracked:
            values = {}
            if share.lot:
                values["lot_id"] = lots[share.product_id, share.company_id, share.lot].id
            if share.package:
                values["result_package_id"] = packages[share.package].id
            share._put_on_receipt(values)

    def _lots(self):
        """``{(product, company, name): lot}``, found or made; two queries."""
        lots = self.env["stock.lot"]
        wanted = {}
        for share in self.filtered("lot"):
            wanted.setdefault((share.product_id, share.company_id, share.lot), share)
        known = lots.search(
            [
                ("product_id", "in", self.product_id.ids),
                ("company_id", "in", [False, *self.company_id.ids]),
                ("name", "in", [name for _product, _company, name in wanted]),
            ]
        )
        found = {
            (product, company, name): known.filtered(
                lambda lot, product=product, company=company, name=name: (
                    (lot.product_id, lot.name) == (product, name) and lot.company_id in (company, company.browse())
                )
            )[:1]
            for product, company, name in wanted
        }
        missing = [key for key, lot in found.items() if not lot]
        values = [
            {"product_id": product.id, "company_id": company.id, "name": name} for product, company, name in missing
        ]
        if "expiration_date" in lots._fields:  # product_expiry
            for row, key in zip(values, missing):
                if wanted[key].expiry_date:
                    row["expiration_date"] = wanted[key].expiry_date
        found.update(zip(missing, lots.create(values)))
        return found

    def _packages(self):
        """``{name: package}``, empty ones or new."""
        packages = self.env[self.env["stock.move.line"]._fields["result_package_id"].comodel_name]
        names = sorted(set(filter(None, self.mapped("package"))))
        empty = packages.search([("name", "in", names), ("quant_ids", "=", False)])
        # A package that is prepared for goods stays empty until they are received.
        awaited = self.env["stock.move.line"].search(
            [("result_package_id", "in", empty.ids), ("state", "not in", ("done", "cancel"))]
        )
        found = {package.name: package for package in empty - awaited.result_package_id}
        missing = [name for name in names if name not in found]
        found.update(zip(missing, packages.create([{"name": name} for name in missing])))
        return found

    def _put_on_receipt(self, values):
        """Write ``values`` on as much of the receipt as this share brings; what is more than that stays as it was."""
        self.ensure_one()
        line, unit = self.order_line_id, self.product_id.uom_id
        moves = line._moves_to_come()
        if any(move.picked for move in moves):
            return
        left = line[LINE_UOM]._compute_quantity(self.quantity, unit, round=False)
        for place in moves.move_line_ids.filtered(
            lambda place: not (place.lot_id or place.lot_name or place.result_package_id)
        ).sorted("id"):
            own = place.product_uom_id._compute_quantity(place.quantity, unit, round=False)
            if float_compare(left, 0, precision_rounding=unit.rounding) <= 0:
                break
            if float_compare(own, left, precision_rounding=unit.rounding) > 0:
                rest = unit._compute_quantity(own - left, place.product_uom_id, round=False)
                place.write({"quantity": place.quantity - rest, **values})
                shared = place.move_id._prepare_move_line_vals()
                place.create({**shared, "quantity": rest, "product_uom_id": place.product_uom_id.id})
            else:
                place.write(values)
            left -= own
        moves._recompute_state()

    def _take_back(self):
        """Take lots and packages off as much of the receipt as these shares brought, where nobody has picked it."""
        for share in self.filtered(lambda share: share.product_id.tracking != "none"):
            places = share.order_line_id._moves_to_come().move_line_ids.filtered(
                lambda place, share=share: (
                    not place.picked
                    and (place.lot_id.name or "") == (share.lot or "")
                    and (place.result_package_id.name or "") == (share.package or "")
                )
            )
            unit = share.product_id.uom_id
            left = share.order_line_id[LINE_UOM]._compute_quantity(share.quantity, unit, round=False)
            for place in places.sorted("id"):
                if float_compare(left, 0, precision_rounding=unit.rounding) <= 0:
                    break
                left -= place.product_uom_id._compute_quantity(place.quantity, unit, round=False)
                place.write({"lot_id": False, "result_package_id": False})
