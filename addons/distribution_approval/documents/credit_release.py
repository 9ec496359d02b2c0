"""Credit release: the delivery of an order whose customer went over the limit after confirmation.

It is a document of its own beside the delivery hold, and not a fact of it, because other people
answer for it, with other rules and another clock: credit control releases the risk, logistics and
sales release the goods. Both are asked at once when a transfer is validated; it leaves when neither
holds it. Where credit release is governed, the delivery hold does not count credit a second time.
"""

from odoo import _, api, fields, models


class CreditRelease(models.Model):
    _name = "distribution.credit.release"
    _description = "Credit Release"
    _inherit = ["distribution.approval.outgoing.document"]

    _approval_type = "credit_release"

    @api.model
    def _approval_label(self):
        return _("Credit Release")

    def _approval_owners(self):
        """Whoever sold the goods does not release the credit for them."""
        return super()._approval_owners() | self._approval_orders().user_id


class StockPicking(models.Model):
    _inherit = "stock.picking"

    credit_release_ids = fields.One2many("distribution.credit.release", "picking_id", readonly=True, copy=False)
