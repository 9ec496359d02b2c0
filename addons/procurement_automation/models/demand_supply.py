"""How products reach their sites: the rule in force, the vendor, the lead time and how much it varies.

The lead time of a vendor is measured: from the confirmation of an order to each of its receipts, in the last two
years. Where a product has fewer than `LEAST_RECEIPTS`, all receipts of the vendor count; where these are too few as
well, the delay that the vendor's price list states, and no deviation is known. What Odoo adds to the delay
of the vendor (security days, transfers between sites) is added here, too.
"""

import math
from collections import defaultdict
from dataclasses import dataclass

from dateutil.relativedelta import relativedelta
from odoo import api, fields, models

from odoo.addons.distribution_core.compat import SUPPLIERINFO_UOM

#: Receipts from which on a mean and a deviation say something.
LEAST_RECEIPTS = 4
YEARS = 2
#: Nothing is planned for longer than this.
MOST_DAYS = 730


@dataclass(slots=True)
class Rule:
    """The reordering rule of a product at a site."""

    id: int
    location_id: int
    minimum: float
    maximum: float


@dataclass(slots=True)
class Source:
    """Where a product at a site comes from. ``measured_by``: see the selection of the suggestion's `lead_source`."""

    vendor_id: int | None = None
    lead_days: float = 0.0
    deviation: float = 0.0
    receipts: int = 0
    measured_by: str = "unknown"
    minimum_order: float = 0.0
    multiple: float = 0.0


@dataclass(slots=True)
class LeadTime:
    """Days from order to receipt: how many, their sum and the sum of their squares."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def __add__(self, other):
        return LeadTime(self.count + other.count, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self):
        return self.total / self.count

    @property
    def deviation(self):
        """Of the sample, with its degrees of freedom."""
        return math.sqrt(max(self.squares - self.total**2 / self.count, 0.0) / (self.count - 1))


class DemandSupply(models.AbstractModel):
    _name = "distribution.demand.supply"
    _description = "Supply of Products at Sites"

    @api.model
    def _rules(self, pairs):
        """``({(site, product): Rule}, pairs with several rules)``.

        Of several rules at a site that of its stock counts; without one nobody knows which shelf customers are served
        from.
        """
        self.env.flush_all()
        self.env.cr.execute(
            """SELECT rule.warehouse_id, rule.product_id, rule.id, rule.location_id, rule.product_min_qty,
                      rule.product_max_qty, rule.location_id = site.lot_stock_id
                 FROM stock_warehouse_orderpoint rule
                 JOIN stock_warehouse site ON site.id = rule.warehouse_id
                WHERE rule.active AND rule.product_id = ANY(%s) AND rule.warehouse_id = ANY(%s)
             ORDER BY rule.id""",
            (list({product for _site, product in pairs}), list({site for site, _product in pairs})),
        )
        found, central = defaultdict(list), {}
        for site, product, *values, is_central in self.env.cr.fetchall():
            found[site, product].append(Rule(*values))
            if is_central:
                central[site, product] = found[site, product][-1]
        rules = {pair: central.get(pair) or ones[0] for pair, ones in found.items()}
        unclear = {pair for pair, ones in found.items() if len(ones) > 1 and pair not in central}
        return rules, unclear

    @api.model
    def _sources(self, company, pairs, rules):
        """``{(site, product): Source}``; the number of queries does not depend on how many they are."""
        products = self.env["product.product"].browse({product for _site, product in pairs})
        # In one query each: what is read record by record comes in thousands.
        products.fetch(["product_tmpl_id"])
        products.product_tmpl_id.fetch(["uom_id", "categ_id"])
        prices = self._prices(company, products)
        ordered = self.env["stock.warehouse.orderpoint"].browse(rule.id for rule in rules.values())
        findings = self.env["distribution.replenishment.evaluation"]._evaluate(ordered, 0) if ordered else {}
        named = self.env["product.supplierinfo"].browse(
            {finding.supplier_id for finding in findings.values() if finding.supplier_id}
        )
        prices_read = named.union(*prices.values())
        prices_read.fetch(["partner_id", "delay", "min_qty", SUPPLIERINFO_UOM])
        by_id = {price.id: price for price in prices_read}
        chosen = {}
        for pair in pairs:
            finding = findings.get(rules[pair].id) if pair in rules else None
            chosen[pair] = by_id.get(finding.supplier_id if finding else None) or prices.get(pair[1])
        measured = self._lead_times(company, {price.partner_id.id for price in chosen.values() if price})
        units = {product.id: product.uom_id for product in products}
        packs = self.env["uom.uom"].browse(
            {finding.multiple_id for finding in findings.values() if finding.multiple_id}
        )
        packs = {pack.id: pack for pack in packs}
        found = {}
        for pair, price in chosen.items():
            finding = findings.get(rules[pair].id) if pair in rules else None
            found[pair] = source = self._source(pair[1], price, finding, measured)
            if price and source.vendor_id:
                unit = price[SUPPLIERINFO_UOM]
                least = unit._compute_quantity(price.min_qty, units[pair[1]], round=False, raise_if_failure=False)
                source.minimum_order = max(least, 0.0)
            if finding and finding.multiple_id:  # 19.0: the multiple is a unit
                pack = packs[finding.multiple_id]
                source.multiple = pack._compute_quantity(1, units[pair[1]], round=False, raise_if_failure=False)
        return found

    def _source(self, product_id, price, finding, measured):
        if finding and not finding.problem and finding.actions and "buy" not in finding.actions:
            return Source(lead_days=_bounded(finding.lead_days), measured_by="route", multiple=finding.multiple)
        if not price:
            return Source()
        vendor = price.partner_id.id
        source = Source(vendor_id=vendor, lead_days=price.delay, measured_by="stated")
        for measured_by, key in (("product", (vendor, product_id)), ("vendor", (vendor, None))):
            receipts = measured.get(key)
            if receipts and receipts.count >= LEAST_RECEIPTS:
                source.lead_days, source.deviation = receipts.mean, receipts.deviation
                source.receipts, source.measured_by = receipts.count, measured_by
                break
        if finding and not finding.problem and finding.actions:
            source.lead_days += max(finding.lead_days - price.delay, 0)
            source.multiple = finding.multiple
        source.lead_days, source.deviation = _bounded(source.lead_days), _bounded(source.deviation)
        return source

    def _prices(self, company, products):
        """``{product: vendor price}``: the first one that Odoo would choose for a first small order."""
        if not products:
            return {}
        day = fields.Date.context_today(self)
        self.env.cr.execute(
            """SELECT DISTINCT ON (product.id) product.id, price.id
                 FROM product_product product
                 JOIN product_supplierinfo price ON price.product_tmpl_id = product.product_tmpl_id
                  AND (price.product_id IS NULL OR price.product_id = product.id)
                  AND (price.company_id IS NULL OR price.company_id = %(company)s)
                  AND (price.date_start IS NULL OR price.date_start <= %(day)s)
                  AND (price.date_end IS NULL OR price.date_end >= %(day)s)
                 JOIN res_partner vendor ON vendor.id = price.partner_id AND vendor.active
                WHERE product.id = ANY(%(products)s)
             ORDER BY product.id, price.sequence, price.min_qty, price.price, price.id""",
            {"company": company.id, "day": day, "products": products.ids},
        )
        rows = self.env.cr.fetchall()
        prices = self.env["product.supplierinfo"].browse(price for _product, price in rows)
        return dict(zip((product for product, _price in rows), prices))

    def _lead_times(self, company, vendors):
        """``{(vendor, product): LeadTime}``, and for each vendor of all its products at ``(vendor, None)``."""
        since = fields.Datetime.now() - relativedelta(years=YEARS)
        self.env.cr.execute(
            """SELECT partner_id, product_id, COUNT(*), SUM(days), SUM(days * days)
                 FROM (SELECT purchase.partner_id, move.product_id,
                              EXTRACT(EPOCH FROM move.date - purchase.date_approve) / 86400.0 AS days
                         FROM stock_move move
                         JOIN purchase_order_line line ON line.id = move.purchase_line_id
                         JOIN purchase_order purchase ON purchase.id = line.order_id
                         JOIN stock_location source ON source.id = move.location_id AND source.usage = 'supplier'
                         JOIN stock_location dest ON dest.id = move.location_dest_id AND dest.usage = 'internal'
                        WHERE move.state = 'done' AND move.company_id = %s AND move.date >= %s
                          AND purchase.partner_id = ANY(%s) AND move.date >= purchase.date_approve) receipt
             GROUP BY partner_id, product_id""",
            (company.id, since, list(vendors)),
        )
        found = defaultdict(LeadTime)
        for vendor, product, count, total, squares in self.env.cr.fetchall():
            receipts = LeadTime(count, float(total), float(squares))
            found[vendor, product] = receipts
            found[vendor, None] += receipts
        return found


def _bounded(days):
    return min(max(float(days), 0.0), MOST_DAYS)
