"""Who replenishes the stock of a company, and by which policy."""

from odoo import fields, models

from ..engine import VerdictPolicy


class ResCompany(models.Model):
    _inherit = "res.company"

    replenishment_by = fields.Selection(
        [("odoo", "Odoo's scheduler"), ("suite", "Replenishment runs")],
        string="Replenishment by",
        default="odoo",
        required=True,
        help="One of them acts. With replenishment runs, Odoo's scheduler leaves the reordering rules of this company "
        "alone; it goes on reserving stock.",
    )
    replenishment_immediate = fields.Boolean(
        "Replenish as Goods Move",
        default=True,
        help="A confirmed delivery that takes stock below its minimum starts a run for the rules concerned within "
        "minutes. Otherwise they wait for the night.",
    )
    replenishment_look_out = fields.Integer(
        "Look-out (days)",
        default=90,
        help="Receipts expected so many days after the horizon of a rule are not bought again.",
    )
    replenishment_dismissed_days = fields.Integer(
        "Dismissed for (days)", default=7, help="A dismissed proposal is not made again for so many days."
    )
    replenishment_unusual_factor = fields.Float(
        "Unusual Quantity (times)",
        default=3.0,
        help="Times the usual quantity of an order of that product at the site; 0: off.",
    )
    replenishment_price_jump = fields.Float("Price Jump (%)", default=10.0, help="Above the last price paid; 0: off.")
    replenishment_cover_days = fields.Integer(
        "Long Cover (days)", default=180, help="Stock and order last longer than this at the usual demand; 0: off."
    )
    replenishment_order_value = fields.Monetary(
        "Value of a Line", help="Lines above this value are shown to a buyer; 0: off."
    )
    replenishment_new_vendor = fields.Boolean(
        "Review New Vendors",
        default=True,
        help="Vendors that are not approved yet. Restricted ones always are reviewed.",
    )
    replenishment_first_purchase = fields.Boolean(
        "Review First Purchases", help="Products that were not bought from the vendor in the last year."
    )

    replenishment_transfer = fields.Boolean(
        "Look at Other Sites First",
        help="What other sites hold beyond their own need is moved along the lanes to the site that is short, if it is "
        "in time and costs less than buying.",
    )
    replenishment_transfer_value = fields.Monetary(
        "Value of a Transfer", help="Transfers worth more at cost are shown to a buyer; 0: off."
    )

    def _replenishment_policy(self):
        """The thresholds as the engine takes them."""
        self.ensure_one()
        return VerdictPolicy(
            unusual_factor=self.replenishment_unusual_factor,
            price_jump=self.replenishment_price_jump,
            long_cover_days=self.replenishment_cover_days,
            order_value=self.replenishment_order_value,
            is_new_vendor_reviewed=self.replenishment_new_vendor,
            is_first_purchase_reviewed=self.replenishment_first_purchase,
        )
