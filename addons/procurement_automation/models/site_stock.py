"""What sites can do without: in sets, a constant number of queries."""

from collections import defaultdict
from dataclasses import dataclass

from odoo import api, models

from ..engine import spare


@dataclass(slots=True)
class SiteStock:
    """Of one product at one site, in the unit of the product."""

    on_hand: float = 0.0
    reserved: float = 0.0
    leaving: float = 0.0
    minimum: float = 0.0

    @property
    def spare(self):
        """What may leave without touching what is promised or the site's own minimum."""
        return spare(self.on_hand, self.reserved, self.leaving, self.minimum)


class DistributionSiteStock(models.AbstractModel):
    _name = "distribution.site.stock"
    _description = "Stock of Sites"

    @api.model
    def _positions(self, products, sites):
        """``{(product id, site id): SiteStock}``, empty ones for what is not known; three queries."""
        found = defaultdict(SiteStock)
        if not products or not sites:
            return found
        for model in ("stock.quant", "stock.move", "stock.warehouse.orderpoint"):
            self.env[model].flush_model()
        asked = (products.ids, sites.ids)
        self.env.cr.execute(
            """SELECT quant.product_id, place.warehouse_id, sum(quant.quantity), sum(quant.reserved_quantity)
                 FROM stock_quant quant
                 JOIN stock_location place ON place.id = quant.location_id AND place.usage = 'internal'
                WHERE quant.product_id = ANY(%s) AND place.warehouse_id = ANY(%s)
             GROUP BY quant.product_id, place.warehouse_id""",
            asked,
        )
        for product_id, site_id, on_hand, reserved in self.env.cr.fetchall():
            found[product_id, site_id].on_hand = float(on_hand or 0)
            found[product_id, site_id].reserved = float(reserved or 0)
        self.env.cr.execute(
            """SELECT move.product_id, source.warehouse_id, sum(move.product_qty)
                 FROM stock_move move
                 JOIN stock_location source ON source.id = move.location_id AND source.usage = 'internal'
                 JOIN stock_location dest ON dest.id = move.location_dest_id
                WHERE move.product_id = ANY(%s) AND source.warehouse_id = ANY(%s)
                  AND move.state IN ('confirmed', 'waiting', 'assigned', 'partially_available')
                  AND dest.warehouse_id IS DISTINCT FROM source.warehouse_id
             GROUP BY move.product_id, source.warehouse_id""",
            asked,
        )
        for product_id, site_id, leaving in self.env.cr.fetchall():
            found[product_id, site_id].leaving = float(leaving or 0)
        self.env.cr.execute(
            """SELECT product_id, warehouse_id, sum(product_min_qty)
                 FROM stock_warehouse_orderpoint
                WHERE product_id = ANY(%s) AND warehouse_id = ANY(%s) AND active
             GROUP BY product_id, warehouse_id""",
            asked,
        )
        for product_id, site_id, minimum in self.env.cr.fetchall():
            found[product_id, site_id].minimum = float(minimum or 0)
        return found
