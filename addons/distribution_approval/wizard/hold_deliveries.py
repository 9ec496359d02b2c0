from odoo import fields, models

from ..models.sale_delivery_hold import HOLD_REASONS


class HoldDeliveries(models.TransientModel):
    _name = "distribution.hold.deliveries"
    _description = "Hold Deliveries"

    order_ids = fields.Many2many(
        "sale.order", default=lambda self: self.env["sale.order"].browse(self.env.context.get("active_ids", ()))
    )
    reason = fields.Selection(HOLD_REASONS, required=True)
    note = fields.Char()

    def action_confirm(self):
        self.ensure_one()
        return self.order_ids.action_hold_deliveries(self.reason, self.note)
