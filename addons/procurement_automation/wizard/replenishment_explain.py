"""Why a rule orders what it orders, or nothing: worked out on demand, nothing is kept."""

from odoo import api, fields, models


class ReplenishmentExplain(models.TransientModel):
    _name = "distribution.replenishment.explain"
    _description = "Explain a Reordering Rule"

    orderpoint_id = fields.Many2one("stock.warehouse.orderpoint", string="Rule", required=True, readonly=True)
    verdict = fields.Char(compute="_compute_explanation")
    reason_text = fields.Char("Why a Buyer", compute="_compute_explanation")
    reasoning = fields.Html(compute="_compute_explanation", sanitize=False)

    @api.depends("orderpoint_id")
    def _compute_explanation(self):
        for wizard in self:
            values = wizard.orderpoint_id._explain_replenishment()
            wizard.verdict, wizard.reason_text, wizard.reasoning = values
