"""What a carrier told about a delivery: kept as it was told."""

from odoo import fields, models

from ..append_only import protect_append_only
from ..engine.carrier import Told

LABELS = [
    ('announced', "Announced"),
    ('picked_up', "Picked Up"),
    ('in_transit', "In Transit"),
    ('out_for_delivery', "Out for Delivery"),
    ('delayed', "Delayed"),
    ('exception', "In Trouble"),
    ('returned', "Returned"),
    ('delivered', "Delivered"),
]


class DistributionCarrierStatus(models.Model):
    """One message. What they come to stands on the delivery (:mod:`..engine.carrier`)."""

    _name = 'distribution.carrier.status'
    _description = "Carrier Status"
    _order = 'occurred_at desc, id desc'
    _rec_name = 'tracking_reference'

    picking_id = fields.Many2one(
        'stock.picking', "Delivery", required=True, readonly=True, index=True, ondelete='restrict'
    )
    company_id = fields.Many2one('res.company', required=True, readonly=True, index=True, ondelete='restrict')
    tracking_reference = fields.Char(required=True, readonly=True, index=True)
    carrier = fields.Char(readonly=True)
    status = fields.Selection(LABELS, required=True, readonly=True)
    occurred_at = fields.Datetime("Happened", required=True, readonly=True)
    expected_at = fields.Datetime("Expected", readonly=True, help="When it was to arrive, as it was told then.")
    place = fields.Char(readonly=True)
    reason_code = fields.Char("Reason", readonly=True, help="The carrier's code of a delay or exception.")
    note = fields.Text(readonly=True)
    told_at = fields.Datetime("Told", required=True, readonly=True)

    def init(self):
        protect_append_only(self.env.cr, self._table)

    def _told(self):
        """As the engine takes them, in the order in which they were told."""
        return [
            Told(row.tracking_reference, row.status, row.occurred_at, row.expected_at or None)
            for row in self.sorted('id')
        ]
