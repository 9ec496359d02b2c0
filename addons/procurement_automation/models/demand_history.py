"""What customers asked for, by product and site, read from the warehouse in sets.

* A delivery counts in the month in which it was promised (its deadline; without one, the day it was made), in the
  unit of the product: what the move lines say, so kits count as their components and dozens as twelve.
* What is promised and still open counts in its month, too, once that month is over: it was asked for. What is
  promised from this month on is told, not learned from; Odoo's own forecast of the stock deducts it.
* A return counts against the site that had delivered.
* Goods that a rule sends to another site are asked for at the site that sends them. Transfers by hand, drop-shipments,
  scrap, counts and manufacturing are no demand of customers.
* Days without stock are counted back from the stock of today.

The number of queries does not depend on the number of products.
"""

from dataclasses import dataclass, field

from dateutil.relativedelta import relativedelta
from odoo import api, models

from odoo.addons.distribution_approval.models.approval_policy import today
from odoo.addons.distribution_core.compat import IS_17

from ..engine.demand_history import availability
from .replenishment_evaluation import OPEN_MOVES

#: Products that stock is kept of.
STORED = "template.type = 'product'" if IS_17 else "template.is_storable"
#: Share of the days with stock from which on a product without a rule is kept at a site.
STOCKED = 0.2
#: Where demand is met: from a shelf of a site to a customer, or by rule to another site.
DEMANDED = """source.usage = 'internal' AND source.warehouse_id IS NOT NULL
          AND (dest.usage = 'customer'
               OR move.rule_id IS NOT NULL
              AND (dest.usage = 'transit' OR dest.usage = 'internal' AND dest.warehouse_id <> source.warehouse_id))"""


@dataclass(slots=True)
class Recorded:
    """A product at a site, month by month. ``asked``: None before anything of it was moved there."""

    product_id: int
    site_id: int
    asked: list
    returned: list
    available: list
    promised: float = 0.0
    on_hand: float = 0.0
    out_of_stock_days: int = 0
    changes: list = field(default_factory=list)


class DemandHistory(models.AbstractModel):
    _name = "distribution.demand.history"
    _description = "Demand of Products at Sites"

    @api.model
    def _months(self, company):
        """First days of the months to learn from, oldest first, and of the present one."""
        present = today(company).replace(day=1)
        count = company.demand_history_months
        return [present - relativedelta(months=back) for back in range(count, -1, -1)]

    @api.model
    def _scope(self, company, sites):
        """``(query, parameters)`` of ``(site, product)``: rules in force, and what was asked for in the months."""
        since = self._months(company)[0]
        kits = ""
        if "mrp.bom" in self.env:  # a kit has no stock of its own
            kits = """AND NOT EXISTS (SELECT FROM mrp_bom bom WHERE bom.active AND bom.type = 'phantom'
                                         AND bom.product_tmpl_id = template.id
                                         AND (bom.product_id IS NULL OR bom.product_id = product.id))"""
        query = f"""
            SELECT pair.site_id, pair.product_id
              FROM (SELECT warehouse_id AS site_id, product_id FROM stock_warehouse_orderpoint
                     WHERE active AND company_id = %(company)s
                     UNION
                    SELECT source.warehouse_id, move.product_id
                      FROM stock_move move
                      JOIN stock_location source ON source.id = move.location_id
                      JOIN stock_location dest ON dest.id = move.location_dest_id
                     WHERE move.company_id = %(company)s AND move.state = 'done' AND move.date >= %(since)s
                       AND {DEMANDED}) pair
              JOIN stock_warehouse site ON site.id = pair.site_id AND site.active AND site.company_id = %(company)s
              JOIN product_product product ON product.id = pair.product_id AND product.active
              JOIN product_template template ON template.id = product.product_tmpl_id AND {STORED}
             WHERE (%(sites)s::int[] IS NULL OR site.id = ANY(%(sites)s)) {kits}"""
        return query, {"company": company.id, "since": since, "sites": sites.ids or None}

    @api.model
    def _count_pairs(self, company, sites):
        query, parameters = self._scope(company, sites)
        self.env.flush_all()
        self.env.cr.execute(f"SELECT COUNT(*) FROM ({query}) pairs", parameters)
        return self.env.cr.fetchone()[0]

    @api.model
    def _next_pairs(self, company, sites, after, limit):
        """The next ``(site, product)`` behind ``after``, in their order."""
        query, parameters = self._scope(company, sites)
        self.env.flush_all()
        self.env.cr.execute(
            f"""{query} AND (pair.site_id, pair.product_id) > (%(last_site)s, %(last_product)s)
                ORDER BY pair.site_id, pair.product_id LIMIT %(limit)s""",
            {**parameters, "last_site": after[0], "last_product": after[1], "limit": limit},
        )
        return self.env.cr.fetchall()

    @api.model
    def _recorded(self, company, pairs, ruled=()):
        """``{(site, product): Recorded}`` of all ``pairs``. Changes nothing.

        :param ruled: pairs that have a reordering rule: stock is wanted there, whether or not there was any
        """
        months = self._months(company)
        self.env.flush_all()
        count = len(months) - 1
        found = {
            (site, product): Recorded(product, site, [0.0] * count, [0.0] * count, [None] * count)
            for site, product in pairs
        }
        scope = {
            "company": company.id,
            "sites": list({site for site, _product in pairs}),
            "products": list({product for _site, product in pairs}),
            "since": months[0],
            "until": months[-1],
            "zone": company._approval_time_zone(),
            "open": OPEN_MOVES,
        }
        self._read_demand(found, months, scope)
        self._read_stock(found, scope)
        for recorded in found.values():
            self._mark_days(recorded, months, (recorded.site_id, recorded.product_id) in ruled)
        return found

    def _read_demand(self, found, months, scope):
        """Deliveries, returns and promises by month, in one statement."""
        at = "(COALESCE(move.date_deadline, move.date) AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)"
        done_at = "(move.date AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)"
        self.env.cr.execute(
            f"""SELECT 'asked', source.warehouse_id, line.product_id, date_trunc('month', {at})::date,
                       SUM(line.quantity_product_uom)
                  FROM stock_move_line line
                  JOIN stock_move move ON move.id = line.move_id
                  JOIN stock_location source ON source.id = line.location_id
                  JOIN stock_location dest ON dest.id = line.location_dest_id
                 WHERE line.state = 'done' AND line.product_id = ANY(%(products)s) AND {DEMANDED}
                   AND source.warehouse_id = ANY(%(sites)s) AND {at} >= %(since)s AND {at} < %(until)s
              GROUP BY 1, 2, 3, 4
             UNION ALL
                SELECT 'returned', COALESCE(sender.warehouse_id, dest.warehouse_id), line.product_id,
                       date_trunc('month', {done_at})::date, SUM(line.quantity_product_uom)
                  FROM stock_move_line line
                  JOIN stock_move move ON move.id = line.move_id
                  JOIN stock_location source ON source.id = line.location_id
                  JOIN stock_location dest ON dest.id = line.location_dest_id
             LEFT JOIN stock_move sent ON sent.id = move.origin_returned_move_id
             LEFT JOIN stock_location sender ON sender.id = sent.location_id AND sender.usage = 'internal'
                 WHERE line.state = 'done' AND line.product_id = ANY(%(products)s)
                   AND source.usage = 'customer' AND dest.usage = 'internal'
                   AND COALESCE(sender.warehouse_id, dest.warehouse_id) = ANY(%(sites)s)
                   AND {done_at} >= %(since)s AND {done_at} < %(until)s
              GROUP BY 1, 2, 3, 4
             UNION ALL
                SELECT 'promised', source.warehouse_id, move.product_id, date_trunc('month', {at})::date,
                       SUM(move.product_qty)
                  FROM stock_move move
                  JOIN stock_location source ON source.id = move.location_id
                  JOIN stock_location dest ON dest.id = move.location_dest_id
                 WHERE move.state IN %(open)s AND move.product_id = ANY(%(products)s)
                   AND source.usage = 'internal' AND dest.usage = 'customer'
                   AND source.warehouse_id = ANY(%(sites)s) AND {at} >= %(since)s
              GROUP BY 1, 2, 3, 4""",
            scope,
        )
        places = {month: place for place, month in enumerate(months[:-1])}
        for kind, site, product, month, units in self.env.cr.fetchall():
            recorded = found.get((site, product))
            if not recorded:
                continue
            place = places.get(month)
            if kind == "returned":
                recorded.returned[place] += units
            elif place is None:
                recorded.promised += units
            else:
                recorded.asked[place] += units

    def _read_stock(self, found, scope):
        """Stock of today, and by how much it changed on which day; what was before the months is one change."""
        day = "GREATEST((line.date AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date, %(since)s::date - 1)"
        self.env.cr.execute(
            f"""SELECT site_id, product_id, day, SUM(net)
                  FROM (SELECT dest.warehouse_id AS site_id, line.product_id, {day} AS day,
                               line.quantity_product_uom AS net
                          FROM stock_move_line line
                          JOIN stock_location dest ON dest.id = line.location_dest_id
                         WHERE line.state = 'done' AND line.product_id = ANY(%(products)s)
                           AND dest.usage = 'internal' AND dest.warehouse_id = ANY(%(sites)s)
                     UNION ALL
                        SELECT source.warehouse_id, line.product_id, {day}, -line.quantity_product_uom
                          FROM stock_move_line line
                          JOIN stock_location source ON source.id = line.location_id
                         WHERE line.state = 'done' AND line.product_id = ANY(%(products)s)
                           AND source.usage = 'internal' AND source.warehouse_id = ANY(%(sites)s)) change
              GROUP BY 1, 2, 3
             UNION ALL
                SELECT location.warehouse_id, quant.product_id, NULL, SUM(quant.quantity)
                  FROM stock_quant quant
                  JOIN stock_location location ON location.id = quant.location_id AND location.usage = 'internal'
                 WHERE quant.product_id = ANY(%(products)s) AND location.warehouse_id = ANY(%(sites)s)
              GROUP BY 1, 2
              ORDER BY 3""",
            scope,
        )
        for site, product, day, units in self.env.cr.fetchall():
            if (site, product) not in found:
                continue
            if day:
                found[site, product].changes.append((day.toordinal(), units))
            else:
                found[site, product].on_hand = units

    def _mark_days(self, recorded, months, is_wanted):
        """Set how much of each month was supplied; months before the first move of the product are not known."""
        edges = [month.toordinal() for month in months]
        first = recorded.changes[0][0] if recorded.changes else edges[-1]
        shares = availability(edges, recorded.changes, recorded.on_hand)
        for place, end in enumerate(edges[1:]):
            if end <= first and not recorded.asked[place]:
                recorded.asked[place] = None
        days = [end - start for start, end in zip(edges, edges[1:])]
        began = max(first, edges[0])
        lived = sum(max(0, end - max(start, began)) for start, end in zip(edges, edges[1:]))
        # What is bought for each order, and never kept, is not out of stock in between.
        if lived and (is_wanted or sum(share * count for share, count in zip(shares, days)) >= STOCKED * lived):
            recorded.available = list(shares)
            for place, (start, end) in enumerate(zip(edges[:-1], edges[1:])):
                if place >= len(days) - 12 and end > began:
                    supplied = shares[place] * days[place]
                    recorded.out_of_stock_days += round(end - max(start, began) - supplied)
        recorded.changes = []
