from odoo import api, fields, models


class LiftDeliveryHold(models.TransientModel):
    _name = "distribution.lift.delivery.hold"
    _description = "Lift Delivery Hold"

    order_ids = fields.Many2many(
        "sale.order", default=lambda self: self.env["sale.order"].browse(self.env.context.get("active_ids", ()))
    )
    held_because = fields.Text(compute="_compute_held_because")
    reason = fields.Text(required=True)

    @api.depends("order_ids")
    def _compute_held_because(self):
        for wizard in self:
            held = wizard.order_ids.filtered("delivery_hold_reason")
            wizard.held_because = "\n".join(order._delivery_hold_words() for order in held)

    def action_confirm(self):
        self.ensure_one()
        return self.order_ids.action_lift_delivery_hold(self.reason)
