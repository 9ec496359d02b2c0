from odoo import fields, models


class LiftDeliveryHold(models.TransientModel):
    _name = "distribution.lift.delivery.hold"
    _description = "Lift Delivery Hold"

    order_ids = fields.Many2many(
        "sale.order", default=lambda self: self.env["sale.order"].browse(self.env.context.get("active_ids", ()))
    )
    reason = fields.Text(required=True)

    def action_confirm(self):
        self.ensure_one()
        return self.order_ids.action_lift_delivery_hold(self.reason)
