"""Where goods are: inside (ours), gone (lost, scrapped, or with nobody who was asked) or elsewhere."""

from odoo import models

from odoo.addons.distribution_core.compat import IS_17

INSIDE = ("internal", "transit")
LOST = "inventory"
#: Where goods are out of our books, unless an order explains that they are there.
GONE = (LOST, "production", "supplier")


class StockLocation(models.Model):
    _inherit = "stock.location"

    def _approval_is_inside(self):
        """Whether what lies here is our stock."""
        return self.usage in INSIDE

    def _approval_is_scrap(self):
        """Whether goods are scrapped to this location; 19.0 keeps no such locations apart."""
        return bool(IS_17 and self.scrap_location)


class StockMoveLine(models.Model):
    _inherit = "stock.move.line"

    def _approval_crosses(self):
        """Whether this line takes goods out of our books, or brings some in that nobody sent."""
        source, destination = self.location_id.usage, self.location_dest_id.usage
        crosses = (source in INSIDE and destination in GONE) or (source in GONE and destination in INSIDE)
        return crosses and not self._approval_is_explained()

    def _approval_scraps(self):
        """Whether this line scraps goods; nothing comes back that way."""
        destination = self.location_dest_id
        return destination.usage == LOST and (bool(self.move_id.scrap_id) or destination._approval_is_scrap())

    def _approval_quantity(self):
        """Quantity of this line in the unit of the product."""
        return self.product_uom_id._compute_quantity(self.quantity, self.product_id.uom_id, round=False)
