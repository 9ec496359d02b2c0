"""Accepting suggestions in bulk: what it means together, before it is done."""

from odoo import _, api, fields, models
from odoo.exceptions import UserError


class DemandAcceptance(models.TransientModel):
    _name = "distribution.demand.acceptance"
    _description = "Accept Demand Suggestions"

    suggestion_ids = fields.Many2many(
        "distribution.demand.suggestion", "distribution_demand_acceptance_rel", required=True, readonly=True
    )
    currency_id = fields.Many2one("res.currency", compute="_compute_totals")
    count = fields.Integer("Rules", compute="_compute_totals")
    new_count = fields.Integer("Of These New", compute="_compute_totals")
    increase = fields.Monetary("More Stock", compute="_compute_totals")
    decrease = fields.Monetary("Less Stock", compute="_compute_totals")
    stock_value_effect = fields.Monetary("Effect on Stock Value", compute="_compute_totals")

    @api.depends("suggestion_ids")
    def _compute_totals(self):
        for wizard in self:
            effects = wizard.suggestion_ids.mapped("stock_value_effect")
            wizard.currency_id = wizard.suggestion_ids.currency_id[:1]
            wizard.count = len(wizard.suggestion_ids)
            wizard.new_count = len(wizard.suggestion_ids.filtered(lambda one: not one.orderpoint_id))
            wizard.increase = sum(effect for effect in effects if effect > 0)
            wizard.decrease = sum(effect for effect in effects if effect < 0)
            wizard.stock_value_effect = sum(effects)

    @api.constrains("suggestion_ids")
    def _check_one_company(self):
        if any(len(wizard.suggestion_ids.company_id) > 1 for wizard in self):
            raise UserError(_("Suggestions of one company at a time: their effects are in different books."))

    def action_accept(self):
        """See ``distribution.demand.suggestion.action_accept``, which checks role and rights."""
        self.ensure_one()
        action = self.suggestion_ids.action_accept()
        action["params"]["next"] = {"type": "ir.actions.act_window_close"}
        return action
