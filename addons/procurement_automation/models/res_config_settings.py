from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    replenishment_by = fields.Selection(related="company_id.replenishment_by", readonly=False)
    replenishment_immediate = fields.Boolean(related="company_id.replenishment_immediate", readonly=False)
    replenishment_look_out = fields.Integer(related="company_id.replenishment_look_out", readonly=False)
    replenishment_dismissed_days = fields.Integer(related="company_id.replenishment_dismissed_days", readonly=False)
    replenishment_unusual_factor = fields.Float(related="company_id.replenishment_unusual_factor", readonly=False)
    replenishment_price_jump = fields.Float(related="company_id.replenishment_price_jump", readonly=False)
    replenishment_cover_days = fields.Integer(related="company_id.replenishment_cover_days", readonly=False)
    replenishment_order_value = fields.Monetary(
        related="company_id.replenishment_order_value", readonly=False, currency_field="company_currency_id"
    )
    replenishment_new_vendor = fields.Boolean(related="company_id.replenishment_new_vendor", readonly=False)
    replenishment_first_purchase = fields.Boolean(related="company_id.replenishment_first_purchase", readonly=False)
    replenishment_transfer = fields.Boolean(related="company_id.replenishment_transfer", readonly=False)
    replenishment_transfer_value = fields.Monetary(
        related="company_id.replenishment_transfer_value", readonly=False, currency_field="company_currency_id"
    )
