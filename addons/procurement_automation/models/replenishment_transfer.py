"""A shortage over sites: what others can spare is looked at before anything is bought."""

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta

from odoo import _, api, fields, models

from odoo.addons.distribution_core.compat import IS_17

from ..engine import Purchase, Shortage, Site, Verdict, options
from .replenishment_evaluation import OPEN_MOVES
from .replenishment_judgement import is_serialization

BUYABLE = {"order", "review"}


class ReplenishmentTransfer(models.AbstractModel):
    _inherit = "distribution.replenishment.judgement"

    @api.model
    def _look_at_sites(self, judged, company):
        """Make transfers of the needs that another site meets better than a vendor; the most urgent come first."""
        if not company.replenishment_transfer:
            return
        lanes = defaultdict(list)
        for lane in self.env["distribution.transfer.lane"].search([("company_id", "=", company.id)]):
            lanes[lane.to_id.id].append(lane)
        wanting = [
            one
            for one in judged
            if one.finding.actions == {"buy"}
            and one.verdict.name in BUYABLE
            and one.facts.quantity > 0
            and lanes.get(self._orderpoint(one.finding).warehouse_id.id)
        ]
        if not wanting:
            return
        sources = {lane.from_id.id for ones in lanes.values() for lane in ones}
        stock = self._stock_of_sites({one.finding.product_id for one in wanting}, sources)
        for one in sorted(wanting, key=lambda one: (one.runs_out or date.max, one.finding.orderpoint_id)):
            self._choose_site(one, lanes[self._orderpoint(one.finding).warehouse_id.id], stock, company)

    def _choose_site(self, judged, lanes, stock, company):
        finding, facts, today = judged.finding, judged.facts, fields.Date.today()
        shortage = Shortage(
            quantity=facts.quantity,
            at_least=max(0.0, finding.minimum - finding.need.forecast),
            runs_out_in=(judged.runs_out - today).days if judged.runs_out else None,
            rounding=finding.rounding,
        )
        can_buy = facts.has_valid_price and not judged.verdict.is_blocked
        purchase = Purchase(finding.lead_days, (facts.price or 0.0) if can_buy else None)
        sites = [
            Site(
                lane.id,
                *stock.get((finding.product_id, lane.from_id.id), (0.0,) * 4),
                days=lane.days,
                cost_per_order=lane.cost_per_order,
                cost_per_unit=lane.cost_per_unit,
            )
            for lane in lanes
        ]
        judged.options = tuple(options(shortage, purchase, sites))
        best = judged.options[0]
        if best.lost or not best.site:
            return
        lane = self.env["distribution.transfer.lane"].browse(best.site)
        on_hand, outgoing, *levels = stock[finding.product_id, lane.from_id.id]
        stock[finding.product_id, lane.from_id.id] = on_hand, outgoing + best.quantity, *levels
        limit = company.replenishment_transfer_value
        is_dear = limit and best.quantity * self._product(finding).standard_price > limit
        held = {"high_value": is_dear, "manual_rule": facts.is_manual, "open_late_order": facts.later > 0}
        judged.verdict = Verdict("transfer", tuple(reason for reason, applies in held.items() if applies))
        judged.facts = replace(facts, quantity=best.quantity, price=None, minimum_order=0.0)
        judged.price = judged.price.browse()
        judged.lane = lane

    def _stock_of_sites(self, products, warehouses):
        """``{(product, site): (on hand, leaves, minimum, maximum)}``; nobody else's goods."""
        self.env.cr.execute(
            """WITH site AS (
                   SELECT warehouse.id, place.parent_path
                     FROM stock_warehouse warehouse JOIN stock_location place ON place.id = warehouse.lot_stock_id
                    WHERE warehouse.id = ANY(%(warehouses)s)),
               held AS (
                   SELECT quant.product_id, site.id AS site_id, SUM(quant.quantity) AS quantity
                     FROM stock_quant quant
                     JOIN stock_location place ON place.id = quant.location_id
                     JOIN site ON place.parent_path LIKE site.parent_path || '%%'
                    WHERE quant.product_id = ANY(%(products)s) AND quant.owner_id IS NULL
                 GROUP BY 1, 2),
               leaving AS (
                   SELECT move.product_id, site.id AS site_id, SUM(move.product_qty) AS quantity
                     FROM stock_move move
                     JOIN stock_location source ON source.id = move.location_id
                     JOIN stock_location dest ON dest.id = move.location_dest_id
                     JOIN site ON source.parent_path LIKE site.parent_path || '%%'
                              AND dest.parent_path NOT LIKE site.parent_path || '%%'
                    WHERE move.product_id = ANY(%(products)s) AND move.state IN %(states)s
                 GROUP BY 1, 2),
               kept AS (
                   SELECT product_id, warehouse_id AS site_id, SUM(product_min_qty) AS low,
                          SUM(GREATEST(product_min_qty, product_max_qty)) AS high
                     FROM stock_warehouse_orderpoint
                    WHERE product_id = ANY(%(products)s) AND warehouse_id = ANY(%(warehouses)s) AND active
                 GROUP BY 1, 2)
               SELECT held.product_id, held.site_id, held.quantity, COALESCE(leaving.quantity, 0),
                      COALESCE(kept.low, 0), COALESCE(kept.high, 0)
                 FROM held
            LEFT JOIN leaving USING (product_id, site_id)
            LEFT JOIN kept USING (product_id, site_id)""",
            {"products": list(products), "warehouses": list(warehouses), "states": OPEN_MOVES},
        )
        return {tuple(row[:2]): tuple(map(float, row[2:])) for row in self.env.cr.fetchall()}

    # --------------------------------------------------------------- ordering

    @api.model
    def _place_orders(self, judged, company):
        bought = [one for one in judged if not one.lane]
        problems = super()._place_orders(bought, company)
        by_lane = defaultdict(list)
        for one in judged:
            if one.lane:
                by_lane[one.lane].append(one)
        for lane, ones in by_lane.items():
            try:
                with self.env.cr.savepoint():
                    self._place_transfer(lane, ones, company)
            except Exception as error:
                if is_serialization(error):
                    raise
                problems.update({one.finding.orderpoint_id: str(error) for one in ones})
        return problems

    def _place_transfer(self, lane, judged, company):
        """One transfer of what goes that way; what governs transfers between sites governs it."""
        source = lane.from_id
        arrives = fields.Datetime.now() + timedelta(days=lane.days)
        moves = []
        for one in judged:
            product, rule = self._product(one.finding), self._orderpoint(one.finding)
            moves.append(
                {
                    **({"name": product.display_name} if IS_17 else {}),
                    "product_id": product.id,
                    "product_uom": product.uom_id.id,
                    "product_uom_qty": one.facts.quantity,
                    "location_id": source.lot_stock_id.id,
                    "location_dest_id": rule.location_id.id,
                    "company_id": company.id,
                    "date": arrives,
                    "origin": rule.name,
                    "orderpoint_id": rule.id,
                }
            )
        picking = self.env["stock.picking"].create(
            {
                "picking_type_id": source.int_type_id.id,
                "location_id": source.lot_stock_id.id,
                "location_dest_id": lane.to_id.lot_stock_id.id,
                "company_id": company.id,
                "scheduled_date": arrives,
                "origin": _("Replenishment of %s", lane.to_id.name),
                "move_ids": [(0, 0, values) for values in moves],
            }
        )
        picking.action_confirm()
        picking.action_assign()
